{{/* How the pods of a chart are scheduled and resolve names. */}}
{{- define "common.podOptions" -}}
{{- range $field := list "priorityClassName" "runtimeClassName" "schedulerName" "dnsPolicy" }}
{{- with index $.Values $field }}
{{ $field }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "hostAliases" "dnsConfig" }}
{{- with index $.Values $field }}
{{ $field }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Constraints of one's own, or the default of the chart; each finds the pods of the chart unless it has a selector. */}}
{{- define "common.topologySpread" -}}
{{- $selector := dict "matchLabels" (include "common.selectorLabels" . | fromYaml) -}}
{{- $constraints := .Values.topologySpreadConstraints -}}
{{- with .Values.topologySpread -}}
{{- if and .enabled (not $constraints) -}}
{{- $constraints = list (dict "maxSkew" 1 "topologyKey" .topologyKey "whenUnsatisfiable" "ScheduleAnyway" "matchLabelKeys" (list "pod-template-hash")) -}}
{{- end -}}
{{- end -}}
{{- with $constraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{- ternary . (merge (dict "labelSelector" $selector) .) (hasKey . "labelSelector") | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* A probe with the fields that values replace. Takes the chart's own as YAML, and the values. */}}
{{- define "common.probe" -}}
{{- $probe := index . 0 | fromYaml -}}
{{- $given := index . 1 | default dict -}}
{{- if or $given.exec $given.grpc $given.httpGet $given.tcpSocket -}}
{{- $probe = omit $probe "exec" "grpc" "httpGet" "tcpSocket" -}}
{{- end -}}
{{- mergeOverwrite $probe $given | toYaml -}}
{{- end -}}

{{/* The strategy of updates: `rollingUpdate` goes with no other type. */}}
{{- define "common.updateStrategy" -}}
{{- ternary .Values.updateStrategy (omit .Values.updateStrategy "rollingUpdate") (eq .Values.updateStrategy.type "RollingUpdate") | toYaml -}}
{{- end -}}

{{/*
Number of pods. Takes the context, and the minimum under autoscaling, which is null without it. Under autoscaling the number
that the cluster has is kept, because a field that disappears from a manifest becomes 1, and begins at the minimum. Where
Helm reaches no cluster, the field is left out: each later render would set the number back.
*/}}
{{- define "common.replicas" -}}
{{- $minimum := index . 1 -}}
{{- with index . 0 -}}
{{- $live := lookup "apps/v1" "Deployment" .Release.Namespace (include "common.fullname" .) -}}
{{- $current := dig "spec" "replicas" nil $live -}}
{{- $automatic := not (kindIs "invalid" $minimum) -}}
{{- if and (not $automatic) (not (kindIs "invalid" .Values.replicaCount)) }}
replicas: {{ .Values.replicaCount }}
{{- else if not (kindIs "invalid" $current) }}
replicas: {{ max (int $current) (int $minimum) }}
{{- else if and $automatic (lookup "apps/v1" "Deployment" .Release.Namespace "") }}
replicas: {{ $minimum }}
{{- end }}
{{- end -}}
{{- end -}}
