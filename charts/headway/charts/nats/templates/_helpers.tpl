{{/* Name of the secret with users and passwords. */}}
{{- define "nats.secret" -}}
{{- include "nats.existingSecret" . | default (printf "%s-accounts" (include "common.fullname" .)) -}}
{{- end -}}

{{/* Name of a secret that this chart does not make: of this chart, or of the umbrella for all; empty if it makes one. */}}
{{- define "nats.existingSecret" -}}
{{- .Values.auth.existingSecret | default (dig "nats" "existingSecret" "" (.Values.global | default dict)) -}}
{{- end -}}

{{/* The one pod that there may be: a second one would have a store of its own. */}}
{{- define "nats.podSelector" -}}
{{ include "common.selectorLabels" . }}
statefulset.kubernetes.io/pod-name: {{ include "common.fullname" . }}-0
{{- end -}}

{{/*
The password of each role: the given one, else that of the cluster's secret, else a random one. Without a cluster
`lookup` returns nothing at all, and none is generated: it would be another one in each render. A list is not empty
where there is a cluster, even if it has no items or its namespace does not exist yet.
Kept in the values for this render, so that all templates see the same passwords.
*/}}
{{- define "nats.passwords" -}}
{{- if not (hasKey .Values "_passwords") -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (include "nats.secret" .) -}}
{{- $stored := $secret.data | default dict -}}
{{- $passwords := dict -}}
{{- range $role, $given := .Values.auth.passwords -}}
{{- $password := $given | default (get $stored (printf "%s-password" $role) | b64dec) -}}
{{- if not $password -}}
{{- if not (lookup "apps/v1" "StatefulSet" $.Release.Namespace "") -}}
{{- fail (printf "auth.passwords.%s of the chart nats is empty, and Helm does not reach a cluster, where a random password would be stored. Set auth.existingSecret to the name of a secret, or auth.passwords.streamer, auth.passwords.processor and auth.passwords.reporter; or let Helm ask the cluster (--dry-run=server)" $role) -}}
{{- end -}}
{{- $password = printf "%s%s" (randAlpha 1) (randAlphaNum 39) -}}
{{- end -}}
{{- $_ := set $passwords $role $password -}}
{{- end -}}
{{- $_ := set .Values "_passwords" $passwords -}}
{{- end -}}
{{- toYaml .Values._passwords -}}
{{- end -}}

{{/* What JetStream may store: nine tenths of the volume, because a file system needs space of its own. */}}
{{- define "nats.maxFile" -}}
{{- $size := .Values.jetstream.size | toString -}}
{{- if not (regexMatch "^[0-9]+(\\.[0-9]+)?([KMGT]i?)?$" $size) }}{{ fail (printf "jetstream.size: %s is not a size such as 10Gi" $size) }}{{ end -}}
{{- $units := dict "" 1 "K" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $unit := get $units (regexFind "[KMGTi]*$" $size) -}}
{{- mulf (regexFind "^[0-9.]+" $size | float64) (float64 $unit) 0.9 | int64 -}}
{{- end -}}

{{/* Name of the secret with the server's certificate; empty without TLS. */}}
{{- define "nats.tlsSecret" -}}
{{- $global := dig "nats" "tls" (dict) (.Values.global | default dict) -}}
{{- if or .Values.tls.enabled $global.enabled -}}
{{- required "tls.secretName of the chart nats (or global.nats.tls.secretName) names the secret with the server's certificate" (.Values.tls.secretName | default $global.secretName) -}}
{{- end -}}
{{- end -}}

{{/* By which the pod is replaced when its configuration or a password changes. */}}
{{- define "nats.checksums" -}}
checksum/config: {{ tpl (.Files.Get "files/nats.conf") . | sha256sum }}
{{- if not (include "nats.existingSecret" .) }}
# Short, so that it tells of a change and not of the passwords.
checksum/auth: {{ include "nats.passwords" . | sha256sum | trunc 8 | quote }}
{{- end }}
{{- end -}}
