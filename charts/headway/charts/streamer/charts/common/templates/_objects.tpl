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
  maxUnavailable: {{ .Values.pdb.maxUnavailable }}
  selector:
    matchLabels: {{- include "common.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Takes the context and the port that is scraped. */}}
{{- define "common.podMonitor" -}}
{{- with index . 0 }}
{{- if .Values.podMonitor.enabled }}
{{- if not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") }}
{{- fail "podMonitor.enabled needs the Prometheus operator: its CRDs (monitoring.coreos.com/v1) are not in this cluster" }}
{{- end }}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  {{- include "common.metadata" (list . .Values.podMonitor (include "common.fullname" .)) | nindent 2 }}
spec:
  selector:
    matchLabels: {{- include "common.selectorLabels" . | nindent 6 }}
  podMetricsEndpoints:
    - port: {{ index $ 1 }}
      path: /metrics
      interval: {{ .Values.podMonitor.interval }}
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
    {{- .Files.Get "files/alerts.yaml" | trim | nindent 4 }}
{{- end }}
{{- end -}}
