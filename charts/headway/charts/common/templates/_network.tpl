{{/* What the pods reach by a network policy: names, and NATS. */}}
{{- define "common.egress" -}}
{{- $url := include "common.externalNats" . -}}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
  {{- with .Values.networkPolicy.dns }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if $url }}
{{- $ports := list }}
{{- range splitList "," $url }}
{{- $ports = append $ports (regexFind ":[0-9]+/?$" (trim .) | trimAll ":/" | default "4222") }}
{{- end }}
- ports:
    {{- range uniq $ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with .Values.networkPolicy.nats }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- else }}
- ports: [{ port: client, protocol: TCP }]
  to:
    - podSelector:
        matchLabels: { app.kubernetes.io/instance: {{ .Release.Name | quote }}, app.kubernetes.io/component: nats }
{{- end }}
{{- with .Values.networkPolicy.egress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Who reaches the ops port by a network policy, besides the node. */}}
{{- define "common.scrapers" -}}
{{- if or .Values.networkPolicy.scrapers .Values.podMonitor.enabled }}
- ports: [{ port: ops, protocol: TCP }]
  from: {{- .Values.networkPolicy.scrapers | default (list (dict "namespaceSelector" dict)) | toYaml | nindent 4 }}
{{- end }}
{{- end -}}
