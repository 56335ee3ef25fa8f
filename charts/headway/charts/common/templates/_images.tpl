{{/* An image with its registry, and its digest or tag. Takes the context, the values of the image, and a tag for those without. */}}
{{- define "common.image" -}}
{{- $image := index . 1 -}}
{{- $registry := ((index . 0).Values.global | default dict).imageRegistry | default $image.registry -}}
{{- $path := ternary (printf "%s/%s" $registry $image.repository) $image.repository (ne $registry "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $path $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $path ($image.tag | default (index . 2)) -}}
{{- end -}}
{{- end -}}

{{- define "common.imagePullSecrets" -}}
{{- $global := .Values.global | default dict -}}
{{- with concat ($global.imagePullSecrets | default list) .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}
