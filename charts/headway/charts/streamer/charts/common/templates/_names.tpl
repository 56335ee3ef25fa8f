{{- define "common.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "common.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "common.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 36 | trimSuffix "-") $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the chart installs, under whatever alias or name: nats, processor or streamer. */}}
{{- define "common.component" -}}
{{- index .Chart.Annotations "headway-component" -}}
{{- end -}}

{{/* What never changes during the life of a release. */}}
{{- define "common.selectorLabels" -}}
app.kubernetes.io/name: {{ include "common.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The labels of pods: network policies know them by their component, whatever the chart is called. */}}
{{- define "common.podLabels" -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/component: {{ include "common.component" . }}
{{- end -}}

{{- define "common.labels" -}}
{{ include "common.podLabels" . }}
app.kubernetes.io/part-of: headway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Name, labels and annotations of an object. Takes the context, the values of the object, and its name. */}}
{{- define "common.metadata" -}}
{{- $context := index . 0 -}}
{{- $own := index . 1 | default dict -}}
name: {{ index . 2 | quote }}
labels:
  {{- include "common.labels" $context | nindent 2 }}
  {{- with $own.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $own.annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "common.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "common.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}
