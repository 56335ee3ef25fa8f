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
User and password of each role, and those before, which are still accepted. The password is the given one, else that of
the cluster's secret unless auth.rotation was raised, else a random one. A new password comes with the other one of two
user names, because a server knows one password of a user; what was used so far becomes the previous one, until
auth.revocation is raised. Without a cluster `lookup` returns nothing at all, and none is generated: it would be another
one in each render. A list is not empty where there is a cluster, even if it has no items or its namespace does not
exist yet. Kept in the values for this render, so that all templates see the same passwords.
*/}}
{{- define "nats.users" -}}
{{- if not (hasKey .Values "_users") -}}
{{- $stored := (lookup "v1" "Secret" .Release.Namespace (include "nats.secret" .)).data | default dict -}}
{{- $rotated := gt (int .Values.auth.rotation) (int (include "nats.stored" (list $stored "rotation") | default "1")) -}}
{{- $revoked := gt (int .Values.auth.revocation) (int (include "nats.stored" (list $stored "revocation") | default "1")) -}}
{{- $users := dict -}}
{{- range $role, $given := .Values.auth.passwords -}}
{{- $user := include "nats.stored" (list $stored (printf "%s-user" $role)) -}}
{{- $kept := include "nats.stored" (list $stored (printf "%s-password" $role)) -}}
{{- $password := $given | default (ternary "" $kept $rotated) -}}
{{- if not $password -}}
{{- if not (lookup "apps/v1" "StatefulSet" $.Release.Namespace "") -}}
{{- fail (printf "auth.passwords.%s of the chart nats is empty, and Helm does not reach a cluster, where a random password would be stored. Set auth.existingSecret to the name of a secret, or auth.passwords.streamer, auth.passwords.processor and auth.passwords.reporter; or let Helm ask the cluster (--dry-run=server)" $role) -}}
{{- end -}}
{{- $password = printf "%s%s" (randAlpha 1) (randAlphaNum 39) -}}
{{- else if and $rotated $given (eq $given $kept) -}}
{{- fail (printf "auth.rotation of the chart nats was raised, but auth.passwords.%s is still the password in use: give another one" $role) -}}
{{- end -}}
{{- $previous := dict "user" (include "nats.stored" (list $stored (printf "%s-previous-user" $role))) "password" (include "nats.stored" (list $stored (printf "%s-previous-password" $role))) -}}
{{- if and $kept (ne $password $kept) -}}
{{- $previous = dict "user" $user "password" $kept -}}
{{- $user = ternary (printf "%s_2" $role) $role (eq $user $role) -}}
{{- end -}}
{{- if $revoked -}}
{{- $previous = dict "user" "" "password" "" -}}
{{- end -}}
{{- $_ := set $users $role (dict "user" ($user | default $role) "password" $password "previousUser" $previous.user "previousPassword" $previous.password) -}}
{{- end -}}
{{- $_ := set .Values "_users" $users -}}
{{- end -}}
{{- toYaml .Values._users -}}
{{- end -}}

{{/* What the secret in the cluster holds. Takes its data and a key. */}}
{{- define "nats.stored" -}}
{{- get (index . 0) (index . 1) | b64dec -}}
{{- end -}}

{{/* Whether the server accepts the previous password of a role. Takes the context and the role. */}}
{{- define "nats.hasPrevious" -}}
{{- with index . 0 -}}
{{- if include "nats.existingSecret" . -}}
{{- if .Values.auth.previousUsers }}true{{ end -}}
{{- else if (get (include "nats.users" . | fromYaml) (index $ 1)).previousUser -}}
true
{{- end -}}
{{- end -}}
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
checksum/auth: {{ include "nats.users" . | sha256sum | trunc 8 | quote }}
{{- end }}
{{- if not .Values.operator.existingSecret }}
checksum/operator: {{ include "nats.operatorPassword" . | sha256sum | trunc 8 | quote }}
{{- end }}
{{- end -}}

{{/* Whether the volume depends on the cluster's default storage class: text or nothing. */}}
{{- define "nats.defaultStorage" -}}
{{- with .Values.jetstream }}
{{- if and .persistent (not .storageClass) (not .existingClaim) }}yes{{ end }}
{{- end }}
{{- end -}}

{{/* With global.preflight: fails if the volume would wait for a storage class that does not exist. */}}
{{- define "nats.preflight" -}}
{{- if and (dig "preflight" false (.Values.global | default dict)) (include "nats.defaultStorage" .) -}}
{{- $classes := (lookup "storage.k8s.io/v1" "StorageClass" "" "").items | default list -}}
{{- $default := list -}}
{{- range $classes -}}
{{- if eq (dig "metadata" "annotations" "storageclass.kubernetes.io/is-default-class" "" .) "true" -}}
{{- $default = append $default .metadata.name -}}
{{- end -}}
{{- end -}}
{{- if not $default -}}
{{- $names := list -}}
{{- range $classes }}{{ $names = append $names .metadata.name }}{{ end -}}
{{- fail (printf "the cluster has no default storage class, and the volume of NATS would stay Pending: set jetstream.storageClass of the chart nats to one of [%s], or jetstream.persistent=false" (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Password of the operator: the given one, that of the cluster's secret, or a random one; nothing without a cluster. */}}
{{- define "nats.operatorPassword" -}}
{{- if not (hasKey .Values "_operatorPassword") -}}
{{- $stored := (lookup "v1" "Secret" .Release.Namespace (printf "%s-operator" (include "common.fullname" .))).data | default dict -}}
{{- $password := .Values.operator.password | default (get $stored "operator-password" | b64dec) -}}
{{- if and (not $password) (lookup "apps/v1" "StatefulSet" .Release.Namespace "") -}}
{{- $password = printf "%s%s" (randAlpha 1) (randAlphaNum 39) -}}
{{- end -}}
{{- $_ := set .Values "_operatorPassword" $password -}}
{{- end -}}
{{- .Values._operatorPassword -}}
{{- end -}}

{{/* Name of the secret with the password of the operator; empty where there is none. */}}
{{- define "nats.operatorSecret" -}}
{{- if .Values.operator.existingSecret -}}
{{- .Values.operator.existingSecret -}}
{{- else if include "nats.operatorPassword" . -}}
{{- printf "%s-operator" (include "common.fullname" .) -}}
{{- end -}}
{{- end -}}
