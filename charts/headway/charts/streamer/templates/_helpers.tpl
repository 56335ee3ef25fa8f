{{/* Called by what leads to the streamer from outside of the cluster, with the value that asks for it. */}}
{{- define "streamer.requireAccess" -}}
{{- if eq (index . 0).Values.config.access "none" }}
{{- fail (printf "%s would let everybody submit, read and cancel tasks: set config.access to jwt or forward (docs/how-to/control-access.md)" (index . 1)) }}
{{- end }}
{{- end -}}

{{/* The secrets of access control. */}}
{{- define "streamer.accessEnv" -}}
{{- with .Values.access.existingSecret }}
{{- range $name, $key := dict "JWT_SECRET" "jwt-secret" "OIDC_CLIENT_SECRET" "oidc-client-secret" }}
- name: HEADWAY_STREAMER_{{ $name }}
  valueFrom:
    secretKeyRef: { name: {{ $.Values.access.existingSecret | quote }}, key: {{ $key }}, optional: true }
{{- end }}
{{- end }}
{{- end -}}

{{/* The host names that requests may be addressed to: the Service's, those of the Ingress and HTTPRoute, and more. */}}
{{- define "streamer.allowedHosts" -}}
{{- $service := include "common.fullname" . -}}
{{- $local := printf "%s.%s" $service .Release.Namespace -}}
{{- $hosts := list $service $local (printf "%s.svc" $local) (printf "%s.svc.%s" $local .Values.clusterDomain) -}}
{{- if .Values.ingress.enabled -}}
{{- $hosts = concat $hosts .Values.ingress.hosts -}}
{{- end -}}
{{- if .Values.httpRoute.enabled -}}
{{- $hosts = concat $hosts .Values.httpRoute.hostnames -}}
{{- end -}}
{{- join "," (concat $hosts (.Values.config.allowedHosts | default list) | uniq) -}}
{{- end -}}

{{/* What the autoscaler goes by. */}}
{{- define "streamer.metrics" -}}
{{- with .Values.autoscaling.watchers }}
- type: Pods
  pods:
    metric: { name: headway_watchers }
    target: { type: AverageValue, averageValue: {{ int64 . | quote }} }
{{- end }}
{{- with .Values.autoscaling.cpu }}
- type: Resource
  resource:
    name: cpu
    target: { type: Utilization, averageUtilization: {{ . }} }
{{- end }}
{{- end -}}

{{/* How fast it scales: each pod that goes ends its streams, and they come back to the others, so down slowly. */}}
{{- define "streamer.scaling" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies: [{ type: Percent, value: 100, periodSeconds: 15 }]
scaleDown:
  stabilizationWindowSeconds: 600
  policies: [{ type: Pods, value: 1, periodSeconds: 120 }]
{{- end -}}
