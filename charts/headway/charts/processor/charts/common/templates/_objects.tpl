{{/* Objects that are the same for each chart. */}}
{{- define "common.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "common.metadata" (list . .Values.serviceAccount (include "common.serviceAccountName" .)) | nindent 2 }}
automountServiceAccountToken: false
{{- end }}
{{- end -}}

{{- define "common.podDisruptionBudget" -}}
{{- if .Values.pdb.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "common.metadata" (list . .Values.pdb (include "common.fullname" .)) | nindent 2 }}
spec:
  {{- if kindIs "invalid" .Values.pdb.minAvailable }}
  maxUnavailable: {{ .Values.pdb.maxUnavailable }}
  {{- else }}
  minAvailable: {{ .Values.pdb.minAvailable }}
  {{- end }}
  {{- with .Values.pdb.unhealthyPodEvictionPolicy }}
  unhealthyPodEvictionPolicy: {{ . }}
  {{- end }}
  selector:
    matchLabels: {{- include "common.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Takes the context and the port that is scraped. */}}
{{- define "common.podMonitor" -}}
{{- with index . 0 }}
{{- $values := .Values.podMonitor }}
{{- if $values.enabled }}
{{- if not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") }}
{{- fail "podMonitor.enabled needs the Prometheus operator: its CRDs (monitoring.coreos.com/v1) are not in this cluster" }}
{{- end }}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  {{- include "common.metadata" (list . $values (include "common.fullname" .)) | nindent 2 }}
spec:
  selector:
    matchLabels: {{- include "common.selectorLabels" . | nindent 6 }}
  podMetricsEndpoints:
    - port: {{ index $ 1 }}
      path: /metrics
      {{- range $field := list "interval" "scrapeTimeout" }}
      {{- with index $values $field }}
      {{ $field }}: {{ . }}
      {{- end }}
      {{- end }}
      {{- range $field := list "relabelings" "metricRelabelings" }}
      {{- with index $values $field }}
      {{ $field }}: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "common.prometheusRule" -}}
{{- if .Values.prometheusRule.enabled }}
{{- if not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") }}
{{- fail "prometheusRule.enabled needs the Prometheus operator: its CRDs (monitoring.coreos.com/v1) are not in this cluster" }}
{{- end }}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "common.metadata" (list . .Values.prometheusRule (include "common.fullname" .)) | nindent 2 }}
spec:
  groups:
    {{- $groups := list }}
    {{- range $group := .Files.Get "files/alerts.yaml" | fromYamlArray }}
    {{- $rules := list }}
    {{- range $rule := $group.rules }}
    {{- if not (has $rule.alert $.Values.prometheusRule.disabled) }}{{ $rules = append $rules $rule }}{{ end }}
    {{- end }}
    {{- $groups = append $groups (set $group "rules" $rules) }}
    {{- end }}
    {{- toYaml $groups | nindent 4 }}
    {{- with .Values.prometheusRule.extraGroups }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end -}}

{{/* Objects that values bring: maps, or strings that are templates. */}}
{{- define "common.extraObjects" -}}
{{- range .Values.extraObjects }}
---
{{ tpl (ternary . (toYaml .) (kindIs "string" .)) $ }}
{{- end }}
{{- end -}}

{{/* The fields of a Service that values may set besides its type. */}}
{{- define "common.serviceOptions" -}}
{{- range $field := list "loadBalancerClass" "externalTrafficPolicy" "trafficDistribution" "ipFamilyPolicy" }}
{{- with index $.Values.service $field }}
{{ $field }}: {{ . }}
{{- end }}
{{- end }}
{{- range $field := list "loadBalancerSourceRanges" "ipFamilies" }}
{{- with index $.Values.service $field }}
{{ $field }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A HorizontalPodAutoscaler. Takes the context, its values, and as YAML its metrics and its behaviour. */}}
{{- define "common.horizontalPodAutoscaler" -}}
{{- $values := index . 1 -}}
{{- $metrics := index . 2 -}}
{{- $behavior := index . 3 | fromYaml -}}
{{- if lt (int $values.maxReplicas) (int $values.minReplicas) }}
{{- fail (printf "autoscaling of %s: maxReplicas %d is below minReplicas %d" (include "common.component" (index . 0)) (int $values.maxReplicas) (int $values.minReplicas)) }}
{{- end }}
{{- with index . 0 -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "common.metadata" (list . $values (include "common.fullname" .)) | nindent 2 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ include "common.fullname" . | quote }} }
  minReplicas: {{ $values.minReplicas }}
  maxReplicas: {{ $values.maxReplicas }}
  metrics:
    {{- $metrics | nindent 4 }}
    {{- with $values.metrics }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  behavior: {{- mergeOverwrite $behavior ($values.behavior | default dict) | toYaml | nindent 4 }}
{{- end -}}
{{- end -}}
