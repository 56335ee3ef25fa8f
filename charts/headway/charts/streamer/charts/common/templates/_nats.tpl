{{/* URL of a NATS that values name; empty for the one that the umbrella brings. */}}
{{- define "common.externalNats" -}}
{{- .Values.nats.url | default (dig "nats" "url" "" (.Values.global | default dict)) -}}
{{- end -}}

{{/*
Where NATS is: as values say, or the one that the umbrella brings. The umbrella renders the Deployments of the services
with the context of its chart nats as `.Nats`, because a chart sees no values of its neighbours.
*/}}
{{- define "common.natsUrl" -}}
{{- $url := include "common.externalNats" . -}}
{{- if and (not $url) .Nats -}}
{{- $url = printf "%s://%s:4222" (ternary "tls" "nats" (ne (include "nats.tlsSecret" .Nats) "")) (include "common.fullname" .Nats) -}}
{{- end -}}
{{- required "nats.url says where NATS is, such as nats://nats:4222 (or global.nats.url for both services)" $url -}}
{{- end -}}

{{/* Whether the umbrella renders the Deployment of a service: text or nothing. */}}
{{- define "common.inUmbrella" -}}
{{- if hasKey (dig "nats" (dict) (.Values.global | default dict)) "service" }}yes{{ end -}}
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
{{- $own := .Values.nats.tls.existingSecret -}}
{{- if and .Values.nats.tls.clientCertificate (not $own) -}}
{{- fail "nats.tls.clientCertificate needs nats.tls.existingSecret: a secret with ca.crt and a certificate of this service" -}}
{{- end -}}
{{- if $own -}}
{{- $own -}}
{{- else if and .Nats (not (include "common.externalNats" .)) -}}
{{- include "nats.tlsSecret" .Nats -}}
{{- end -}}
{{- end -}}

{{/* Name of the secret with the credentials: of this chart, of all, or that of the NATS that the umbrella brings. */}}
{{- define "common.natsSecret" -}}
{{- $secret := .Values.nats.existingSecret | default (dig "nats" "existingSecret" "" (.Values.global | default dict)) -}}
{{- if and (not $secret) .Nats (not (include "common.externalNats" .)) -}}
{{- $secret = include "nats.secret" .Nats -}}
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
- name: HEADWAY_NATS_RETENTION_SECONDS
  value: {{ include "common.text" $nats.retentionSeconds | quote }}
- name: HEADWAY_NATS_DEAD_RETENTION_SECONDS
  value: {{ include "common.text" $nats.deadRetentionSeconds | quote }}
- name: HEADWAY_NATS_MAX_TOKEN_SECONDS
  value: {{ include "common.text" $nats.maxTokenSeconds | quote }}
- name: HEADWAY_NATS_DIRECT_DISPATCH
  value: {{ $nats.directDispatch | quote }}
- name: HEADWAY_NATS_READ_PAUSE_MS
  value: {{ include "common.text" $nats.readPauseMs | quote }}
{{- if $secret }}
{{- if eq $auth "user" }}
# Files, which the kubelet writes again when the secret changes: they are read at each connection.
- name: HEADWAY_NATS_USER_FILE
  value: /etc/headway/nats/auth/{{ $nats.userKey }}
- name: HEADWAY_NATS_PASSWORD_FILE
  value: /etc/headway/nats/auth/{{ $nats.passwordKey }}
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
{{- if include "common.natsSecret" . }}
- { name: nats-auth, mountPath: /etc/headway/nats/auth, readOnly: true }
{{- end }}
{{- if include "common.natsTlsSecret" . }}
- { name: nats-tls, mountPath: /etc/headway/nats/tls, readOnly: true }
{{- end }}
{{- end -}}

{{- define "common.natsVolumes" -}}
{{- with include "common.natsSecret" . }}
{{- $keys := dict "user" (list "userKey" "passwordKey") "creds" (list "credsKey") "nkey" (list "nkeyKey") }}
- name: nats-auth
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
    # Not those of other roles, which the same secret may hold.
    items:
      {{- range get $keys (include "common.natsAuth" $) }}
      - { key: {{ get $.Values.nats . | quote }}, path: {{ get $.Values.nats . | quote }} }
      {{- end }}
{{- end }}
{{- with include "common.natsTlsSecret" . }}
- name: nats-tls
  secret:
    secretName: {{ . | quote }}
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
