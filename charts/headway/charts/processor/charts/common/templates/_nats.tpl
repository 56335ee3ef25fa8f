{{/* URL of a NATS that values name; empty for the one that the umbrella brings. */}}
{{- define "common.externalNats" -}}
{{- .Values.nats.url | default (dig "nats" "url" "" (.Values.global | default dict)) -}}
{{- end -}}

{{/* Where NATS is: of this chart, of the umbrella (global.nats), or the one that the umbrella brings. */}}
{{- define "common.natsUrl" -}}
{{- $global := (.Values.global | default dict).nats | default dict -}}
{{- $url := include "common.externalNats" . -}}
{{- if and (not $url) ($global.service) -}}
{{- $scheme := ternary "tls" "nats" (dig "tls" "enabled" false $global) -}}
{{- $url = printf "%s://%s:4222" $scheme (tpl $global.service .) -}}
{{- end -}}
{{- required "nats.url says where NATS is, such as nats://nats:4222 (or global.nats.url for both services)" $url -}}
{{- end -}}

{{/*
Type of the credentials. Its default is not in values.yaml: Helm compares the defaults of this chart with the values of
the umbrella's `nats`, where `auth` is a map, and would print a warning.
*/}}
{{- define "common.natsAuth" -}}
{{- .Values.nats.auth | default "user" -}}
{{- end -}}

{{/* Name of the secret by which the server is verified: of this chart, or that of the NATS that the umbrella brings. */}}
{{- define "common.natsTlsSecret" -}}
{{- $global := dig "nats" "tls" (dict) (.Values.global | default dict) -}}
{{- $own := .Values.nats.tls.existingSecret -}}
{{- if and .Values.nats.tls.clientCertificate (not $own) -}}
{{- fail "nats.tls.clientCertificate needs nats.tls.existingSecret: a secret with ca.crt and a certificate of this service" -}}
{{- end -}}
{{- if $own -}}
{{- $own -}}
{{- else if and $global.enabled (not (include "common.externalNats" .)) -}}
{{- required "global.nats.tls.secretName names the secret with the certificate of NATS" $global.secretName -}}
{{- end -}}
{{- end -}}

{{- define "common.natsSecret" -}}
{{- $global := (.Values.global | default dict).nats | default dict -}}
{{- $secret := .Values.nats.existingSecret | default $global.existingSecret -}}
{{- if and (not $secret) $global.service (not .Values.nats.url) (not $global.url) -}}
{{- $secret = printf "%s-accounts" (tpl $global.service .) -}}
{{- end -}}
{{- $secret -}}
{{- end -}}

{{/* The settings of NATS as environment variables. */}}
{{- define "common.natsEnv" -}}
{{- $nats := .Values.nats -}}
{{- $auth := include "common.natsAuth" . -}}
{{- $secret := include "common.natsSecret" . -}}
- name: HEADWAY_NATS_URL
  value: {{ include "common.natsUrl" . | quote }}
- name: HEADWAY_NATS_NAMESPACE
  value: {{ $nats.namespace | quote }}
- name: HEADWAY_NATS_REPLICAS
  value: {{ include "common.text" $nats.replicas | quote }}
- name: HEADWAY_NATS_MAX_JOBS
  value: {{ include "common.text" $nats.maxJobs | quote }}
- name: HEADWAY_NATS_MAX_JOBS_BYTES
  value: {{ include "common.text" $nats.maxJobsBytes | quote }}
- name: HEADWAY_NATS_MAX_TOKEN_SECONDS
  value: {{ include "common.text" $nats.maxTokenSeconds | quote }}
- name: HEADWAY_NATS_DIRECT_DISPATCH
  value: {{ $nats.directDispatch | quote }}
- name: HEADWAY_NATS_READ_PAUSE_MS
  value: {{ include "common.text" $nats.readPauseMs | quote }}
{{- if $secret }}
{{- if eq $auth "user" }}
- name: HEADWAY_NATS_USER
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ $nats.userKey }} }
- name: HEADWAY_NATS_PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ $nats.passwordKey }} }
{{- else if eq $auth "creds" }}
- name: HEADWAY_NATS_CREDS_FILE
  value: /etc/headway/nats/auth/{{ $nats.credsKey }}
{{- else if eq $auth "nkey" }}
- name: HEADWAY_NATS_NKEY_FILE
  value: /etc/headway/nats/auth/{{ $nats.nkeyKey }}
{{- end }}
{{- end }}
{{- if include "common.natsTlsSecret" . }}
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

{{- define "common.natsMounts" -}}
{{- if and (include "common.natsSecret" .) (has (include "common.natsAuth" .) (list "creds" "nkey")) }}
- { name: nats-auth, mountPath: /etc/headway/nats/auth, readOnly: true }
{{- end }}
{{- if include "common.natsTlsSecret" . }}
- { name: nats-tls, mountPath: /etc/headway/nats/tls, readOnly: true }
{{- end }}
{{- end -}}

{{- define "common.natsVolumes" -}}
{{- if and (include "common.natsSecret" .) (has (include "common.natsAuth" .) (list "creds" "nkey")) }}
- name: nats-auth
  secret: { secretName: {{ include "common.natsSecret" . }}, defaultMode: 0440 }
{{- end }}
{{- with include "common.natsTlsSecret" . }}
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
