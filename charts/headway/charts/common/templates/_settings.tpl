{{/* A value as a setting takes it: large numbers without an exponent, lists with commas. */}}
{{- define "common.text" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* Settings of the service itself: config.opsPort of the streamer sets HEADWAY_STREAMER_OPS_PORT. */}}
{{- define "common.configEnv" -}}
{{- range $key, $value := omit .Values.config "allowedHosts" }}
{{- if not (kindIs "invalid" $value) }}
- name: HEADWAY_{{ include "common.component" $ | upper }}_{{ $key | snakecase | upper }}
  value: {{ include "common.text" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}
