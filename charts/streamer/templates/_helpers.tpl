{{- define "streamer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "streamer.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "streamer.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 36 | trimSuffix "-") $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What never changes during the life of a release. */}}
{{- define "streamer.selectorLabels" -}}
app.kubernetes.io/name: {{ include "streamer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The labels of pods: network policies know them by their component, whatever the chart is called. */}}
{{- define "streamer.podLabels" -}}
{{ include "streamer.selectorLabels" . }}
app.kubernetes.io/component: streamer
{{- end -}}

{{- define "streamer.labels" -}}
{{ include "streamer.podLabels" . }}
app.kubernetes.io/part-of: headway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "streamer.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "streamer.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "streamer.image" -}}
{{- $global := .Values.global | default dict -}}
{{- $registry := $global.imageRegistry | default .Values.image.registry -}}
{{- $path := ternary (printf "%s/%s" $registry .Values.image.repository) .Values.image.repository (ne $registry "") -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $path .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $path (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "streamer.imagePullSecrets" -}}
{{- $global := .Values.global | default dict -}}
{{- with concat ($global.imagePullSecrets | default list) .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* URL of a NATS that values name; empty for the one that the umbrella brings. */}}
{{- define "streamer.externalNats" -}}
{{- .Values.nats.url | default (dig "nats" "url" "" (.Values.global | default dict)) -}}
{{- end -}}

{{/* Where NATS is: of this chart, of the umbrella (global.nats), or the one that the umbrella brings. */}}
{{- define "streamer.natsUrl" -}}
{{- $global := (.Values.global | default dict).nats | default dict -}}
{{- $url := include "streamer.externalNats" . -}}
{{- if and (not $url) ($global.service) -}}
{{- $scheme := ternary "tls" "nats" (dig "tls" "enabled" false $global) -}}
{{- $url = printf "%s://%s:4222" $scheme (tpl $global.service .) -}}
{{- end -}}
{{- required "nats.url says where NATS is, such as nats://nats:4222 (or global.nats.url for both services)" $url -}}
{{- end -}}

{{/* Name of the secret by which the server is verified: of this chart, or that of the NATS that the umbrella brings. */}}
{{- define "streamer.natsTlsSecret" -}}
{{- $global := dig "nats" "tls" (dict) (.Values.global | default dict) -}}
{{- $own := .Values.nats.tls.existingSecret -}}
{{- if and .Values.nats.tls.clientCertificate (not $own) -}}
{{- fail "nats.tls.clientCertificate needs nats.tls.existingSecret: a secret with ca.crt and a certificate of this service" -}}
{{- end -}}
{{- if $own -}}
{{- $own -}}
{{- else if and $global.enabled (not (include "streamer.externalNats" .)) -}}
{{- required "global.nats.tls.secretName names the secret with the certificate of NATS" $global.secretName -}}
{{- end -}}
{{- end -}}

{{- define "streamer.natsSecret" -}}
{{- $global := (.Values.global | default dict).nats | default dict -}}
{{- $secret := .Values.nats.existingSecret | default $global.existingSecret -}}
{{- if and (not $secret) $global.service (not .Values.nats.url) (not $global.url) -}}
{{- $secret = printf "%s-accounts" (tpl $global.service .) -}}
{{- end -}}
{{- $secret -}}
{{- end -}}

{{/* The settings of NATS as environment variables. */}}
{{- define "streamer.natsEnv" -}}
{{- $nats := .Values.nats -}}
{{- $secret := include "streamer.natsSecret" . -}}
- name: HEADWAY_NATS_URL
  value: {{ include "streamer.natsUrl" . | quote }}
- name: HEADWAY_NATS_NAMESPACE
  value: {{ $nats.namespace | quote }}
- name: HEADWAY_NATS_REPLICAS
  value: {{ include "streamer.text" $nats.replicas | quote }}
- name: HEADWAY_NATS_MAX_JOBS
  value: {{ include "streamer.text" $nats.maxJobs | quote }}
- name: HEADWAY_NATS_MAX_JOBS_BYTES
  value: {{ include "streamer.text" $nats.maxJobsBytes | quote }}
- name: HEADWAY_NATS_DIRECT_DISPATCH
  value: {{ $nats.directDispatch | quote }}
- name: HEADWAY_NATS_READ_PAUSE_MS
  value: {{ include "streamer.text" $nats.readPauseMs | quote }}
{{- if $secret }}
{{- if eq $nats.auth "user" }}
- name: HEADWAY_NATS_USER
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ $nats.userKey }} }
- name: HEADWAY_NATS_PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ $nats.passwordKey }} }
{{- else if eq $nats.auth "creds" }}
- name: HEADWAY_NATS_CREDS_FILE
  value: /etc/headway/nats/auth/{{ $nats.credsKey }}
{{- else if eq $nats.auth "nkey" }}
- name: HEADWAY_NATS_NKEY_FILE
  value: /etc/headway/nats/auth/{{ $nats.nkeyKey }}
{{- end }}
{{- end }}
{{- if include "streamer.natsTlsSecret" . }}
- name: HEADWAY_NATS_TLS_CA_FILE
  value: /etc/headway/nats/tls/{{ $nats.tls.caKey }}
{{- if $nats.tls.clientCertificate }}
- name: HEADWAY_NATS_TLS_CERT_FILE
  value: /etc/headway/nats/tls/{{ $nats.tls.certKey }}
- name: HEADWAY_NATS_TLS_KEY_FILE
  value: /etc/headway/nats/tls/{{ $nats.tls.keyKey }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "streamer.natsMounts" -}}
{{- if and (include "streamer.natsSecret" .) (has .Values.nats.auth (list "creds" "nkey")) }}
- { name: nats-auth, mountPath: /etc/headway/nats/auth, readOnly: true }
{{- end }}
{{- if include "streamer.natsTlsSecret" . }}
- { name: nats-tls, mountPath: /etc/headway/nats/tls, readOnly: true }
{{- end }}
{{- end -}}

{{- define "streamer.natsVolumes" -}}
{{- if and (include "streamer.natsSecret" .) (has .Values.nats.auth (list "creds" "nkey")) }}
- name: nats-auth
  secret: { secretName: {{ include "streamer.natsSecret" . }}, defaultMode: 0440 }
{{- end }}
{{- with include "streamer.natsTlsSecret" . }}
- name: nats-tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    # Not the private key of the server, which the same secret may hold.
    items:
      - { key: {{ $.Values.nats.tls.caKey }}, path: {{ $.Values.nats.tls.caKey }} }
      {{- if $.Values.nats.tls.clientCertificate }}
      - { key: {{ $.Values.nats.tls.certKey }}, path: {{ $.Values.nats.tls.certKey }} }
      - { key: {{ $.Values.nats.tls.keyKey }}, path: {{ $.Values.nats.tls.keyKey }} }
      {{- end }}
{{- end }}
{{- end -}}

{{/* A value as a setting takes it: large numbers without an exponent, lists with commas. */}}
{{- define "streamer.text" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* Settings of the service itself: config.opsPort sets HEADWAY_STREAMER_OPS_PORT. */}}
{{- define "streamer.configEnv" -}}
{{- range $key, $value := omit .Values.config "allowedHosts" }}
{{- if not (kindIs "invalid" $value) }}
- name: HEADWAY_STREAMER_{{ $key | snakecase | upper }}
  value: {{ include "streamer.text" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Called by what leads to the streamer from outside of the cluster, with the value that asks for it. */}}
{{- define "streamer.requireAccess" -}}
{{- if eq (index . 0).Values.config.access "none" }}
{{- fail (printf "%s would let everybody submit, read and cancel tasks: set config.access to jwt or forward (docs/how-to/control-access.md)" (index . 1)) }}
{{- end }}
{{- end -}}

{{/* The secrets of access control. */}}
{{- define "streamer.accessEnv" -}}
{{- with .Values.access.existingSecret }}
{{- range $name, $key := dict "JWT_SECRET" "jwt-secret" "STREAM_TOKEN_SECRETS" "stream-token-secrets" }}
- name: HEADWAY_STREAMER_{{ $name }}
  valueFrom:
    secretKeyRef: { name: {{ $.Values.access.existingSecret }}, key: {{ $key }}, optional: true }
{{- end }}
{{- end }}
{{- end -}}

{{/* The host names that requests may be addressed to: the Service's, those of the Ingress and HTTPRoute, and more. */}}
{{- define "streamer.allowedHosts" -}}
{{- $service := include "streamer.fullname" . -}}
{{- $local := printf "%s.%s" $service .Release.Namespace -}}
{{- $hosts := list $service $local (printf "%s.svc" $local) (printf "%s.svc.%s" $local .Values.clusterDomain) -}}
{{- if .Values.ingress.enabled -}}
{{- $hosts = concat $hosts .Values.ingress.hosts -}}
{{- end -}}
{{- if .Values.httpRoute.enabled -}}
{{- $hosts = concat $hosts .Values.httpRoute.hostnames -}}
{{- end -}}
{{- join "," (concat $hosts (.Values.config.allowedHosts | default list) | uniq) -}}
{{- end -}}

{{/* What the pods reach by a network policy: names, and NATS. */}}
{{- define "streamer.egress" -}}
{{- $url := include "streamer.externalNats" . -}}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
  {{- with .Values.networkPolicy.dns }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if $url }}
{{- $ports := list }}
{{- range splitList "," $url }}
{{- $ports = append $ports (regexFind ":[0-9]+/?$" (trim .) | trimAll ":/" | default "4222") }}
{{- end }}
- ports:
    {{- range uniq $ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with .Values.networkPolicy.nats }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- else }}
- ports: [{ port: client, protocol: TCP }]
  to:
    - podSelector:
        matchLabels: { app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/component: nats }
{{- end }}
{{- with .Values.networkPolicy.egress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Who reaches the ops port by a network policy, besides the node. */}}
{{- define "streamer.scrapers" -}}
{{- if or .Values.networkPolicy.scrapers .Values.podMonitor.enabled }}
- ports: [{ port: ops, protocol: TCP }]
  from: {{- .Values.networkPolicy.scrapers | default (list (dict "namespaceSelector" dict)) | toYaml | nindent 4 }}
{{- end }}
{{- end -}}
