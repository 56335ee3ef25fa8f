{{- define "common.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/*
Name of the objects of a chart: the release's, if it has the name of the chart in it, which appears once then; if it has
the names of several, this holds for the last one. A Service begins with a letter.
*/}}
{{- define "common.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "common.name" . -}}
{{- $release := .Release.Name -}}
{{- if regexMatch "^[0-9]" $release -}}
{{- $release = printf "r%s" $release -}}
{{- end -}}
{{- $last := regexFindAll "nats|processor|streamer" $release -1 | default list | last | default $name -}}
{{- if and (contains $name $release) (or (eq $last $name) (ne $name .Chart.Name)) -}}
{{- $release | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" ($release | trunc 36 | trimSuffix "-") $name | trunc 52 | trimSuffix "-" -}}
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
{{- $values := (index . 0).Values -}}
{{- $own := index . 1 | default dict -}}
{{- $global := $values.global | default dict -}}
name: {{ index . 2 | quote }}
labels: {{- merge (include "common.labels" (index . 0) | fromYaml) ($own.labels | default dict) ($values.commonLabels | default dict) ($global.commonLabels | default dict) | toYaml | nindent 2 }}
{{- with merge dict ($own.annotations | default dict) ($values.commonAnnotations | default dict) ($global.commonAnnotations | default dict) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Labels and annotations of the pods. Takes the context, and annotations of the chart's own. */}}
{{- define "common.podMetadata" -}}
{{- $values := (index . 0).Values -}}
labels: {{- merge (include "common.podLabels" (index . 0) | fromYaml) ($values.podLabels | default dict) | toYaml | nindent 2 }}
{{- with merge dict (index . 1) ($values.podAnnotations | default dict) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "common.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "common.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}
