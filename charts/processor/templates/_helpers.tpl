{{- define "processor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "processor.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "processor.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 36 | trimSuffix "-") $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What never changes during the life of a release. */}}
{{- define "processor.selectorLabels" -}}
app.kubernetes.io/name: {{ include "processor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The labels of pods: network policies know them by their component, whatever the chart is called. */}}
{{- define "processor.podLabels" -}}
{{ include "processor.selectorLabels" . }}
app.kubernetes.io/component: processor
{{- end -}}

{{- define "processor.labels" -}}
{{ include "processor.podLabels" . }}
app.kubernetes.io/part-of: headway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "processor.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "processor.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "processor.image" -}}
{{- $global := .Values.global | default dict -}}
{{- $registry := $global.imageRegistry | default .Values.image.registry -}}
{{- $path := ternary (printf "%s/%s" $registry .Values.image.repository) .Values.image.repository (ne $registry "") -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $path .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $path (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "processor.imagePullSecrets" -}}
{{- $global := .Values.global | default dict -}}
{{- with concat ($global.imagePullSecrets | default list) .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* URL of a NATS that values name; empty for the one that the umbrella brings. */}}
{{- define "processor.externalNats" -}}
{{- .Values.nats.url | default (dig "nats" "url" "" (.Values.global | default dict)) -}}
{{- end -}}

{{/* Where NATS is: of this chart, of the umbrella (global.nats), or the one that the umbrella brings. */}}
{{- define "processor.natsUrl" -}}
{{- $global := (.Values.global | default dict).nats | default dict -}}
{{- $url := include "processor.externalNats" . -}}
{{- if and (not $url) ($global.service) -}}
{{- $scheme := ternary "tls" "nats" (dig "tls" "enabled" false $global) -}}
{{- $url = printf "%s://%s:4222" $scheme (tpl $global.service .) -}}
{{- end -}}
{{- required "nats.url says where NATS is, such as nats://nats:4222 (or global.nats.url for both services)" $url -}}
{{- end -}}

{{/* Name of the secret by which the server is verified: of this chart, or that of the NATS that the umbrella brings. */}}
{{- define "processor.natsTlsSecret" -}}
{{- $global := dig "nats" "tls" (dict) (.Values.global | default dict) -}}
{{- $own := .Values.nats.tls.existingSecret -}}
{{- if and .Values.nats.tls.clientCertificate (not $own) -}}
{{- fail "nats.tls.clientCertificate needs nats.tls.existingSecret: a secret with ca.crt and a certificate of this service" -}}
{{- end -}}
{{- if $own -}}
{{- $own -}}
{{- else if and $global.enabled (not (include "processor.externalNats" .)) -}}
{{- required "global.nats.tls.secretName names the secret with the certificate of NATS" $global.secretName -}}
{{- end -}}
{{- end -}}

{{- define "processor.natsSecret" -}}
{{- $global := (.Values.global | default dict).nats | default dict -}}
{{- $secret := .Values.nats.existingSecret | default $global.existingSecret -}}
{{- if and (not $secret) $global.service (not .Values.nats.url) (not $global.url) -}}
{{- $secret = printf "%s-accounts" (tpl $global.service .) -}}
{{- end -}}
{{- $secret -}}
{{- end -}}

{{/* The settings of NATS as environment variables. */}}
{{- define "processor.natsEnv" -}}
{{- $nats := .Values.nats -}}
{{- $secret := include "processor.natsSecret" . -}}
- name: HEADWAY_NATS_URL
  value: {{ include "processor.natsUrl" . | quote }}
- name: HEADWAY_NATS_NAMESPACE
  value: {{ $nats.namespace | quote }}
- name: HEADWAY_NATS_REPLICAS
  value: {{ include "processor.text" $nats.replicas | quote }}
- name: HEADWAY_NATS_MAX_JOBS
  value: {{ include "processor.text" $nats.maxJobs | quote }}
- name: HEADWAY_NATS_MAX_JOBS_BYTES
  value: {{ include "processor.text" $nats.maxJobsBytes | quote }}
- name: HEADWAY_NATS_DIRECT_DISPATCH
  value: {{ $nats.directDispatch | quote }}
- name: HEADWAY_NATS_READ_PAUSE_MS
  value: {{ include "processor.text" $nats.readPauseMs | quote }}
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
{{- if include "processor.natsTlsSecret" . }}
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

{{- define "processor.natsMounts" -}}
{{- if and (include "processor.natsSecret" .) (has .Values.nats.auth (list "creds" "nkey")) }}
- { name: nats-auth, mountPath: /etc/headway/nats/auth, readOnly: true }
{{- end }}
{{- if include "processor.natsTlsSecret" . }}
- { name: nats-tls, mountPath: /etc/headway/nats/tls, readOnly: true }
{{- end }}
{{- end -}}

{{- define "processor.natsVolumes" -}}
{{- if and (include "processor.natsSecret" .) (has .Values.nats.auth (list "creds" "nkey")) }}
- name: nats-auth
  secret: { secretName: {{ include "processor.natsSecret" . }}, defaultMode: 0440 }
{{- end }}
{{- with include "processor.natsTlsSecret" . }}
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
{{- define "processor.text" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* Settings of the service itself: config.opsPort sets HEADWAY_PROCESSOR_OPS_PORT. */}}
{{- define "processor.configEnv" -}}
{{- range $key, $value := .Values.config }}
{{- if not (kindIs "invalid" $value) }}
- name: HEADWAY_PROCESSOR_{{ $key | snakecase | upper }}
  value: {{ include "processor.text" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the pods reach by a network policy: names, and NATS. */}}
{{- define "processor.egress" -}}
{{- $url := include "processor.externalNats" . -}}
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
{{- define "processor.scrapers" -}}
{{- if or .Values.networkPolicy.scrapers .Values.podMonitor.enabled }}
- ports: [{ port: ops, protocol: TCP }]
  from: {{- .Values.networkPolicy.scrapers | default (list (dict "namespaceSelector" dict)) | toYaml | nindent 4 }}
{{- end }}
{{- end -}}
