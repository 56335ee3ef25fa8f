{{/* The Deployment of the streamers, which the umbrella renders in place of this chart. */}}
{{- define "streamer.deployment" -}}
{{- $preStop := int .Values.drain.preStopSeconds }}
{{- $window := int .Values.drain.windowSeconds }}
{{- $least := add $preStop $window 10 }}
{{- $period := .Values.drain.terminationGracePeriodSeconds | default $least }}
{{- if lt (int $period) (int $least) }}
{{- fail (printf "drain.terminationGracePeriodSeconds is %d, but a drain takes up to %d: raise it, or lower drain.windowSeconds" (int $period) (int $least)) }}
{{- end }}
{{- if gt (int (.Values.config.workers | default 1)) 1 }}
{{- fail "config.workers must be 1: probes and metrics ask one process a pod. Raise replicaCount instead; it does the same" }}
{{- end }}
{{- if hasKey .Values.config "drainSeconds" }}
{{- fail "set drain.windowSeconds instead of config.drainSeconds: the pod's grace period is computed from it" }}
{{- end }}
{{- $own := dict "period" $period "tmp" "{}" "minimum" (ternary .Values.autoscaling.minReplicas nil .Values.autoscaling.enabled) }}
{{- $_ := set $own "env" (include "streamer.env" (list . $window)) }}
{{- $_ := set $own "ports" (include "streamer.ports" .) }}
{{- /* By the image's own Python: the field `sleep` needs a younger Kubernetes, and there is no shell. */}}
{{- $_ := set $own "lifecycle" (printf "preStop: { exec: { command: [python, -c, \"import time; time.sleep(%d)\"] } }" $preStop) }}
{{- include "common.deployment" (list . $own) }}
{{- end -}}

{{- define "streamer.env" -}}
{{- $window := index . 1 -}}
{{- with index . 0 -}}
{{- include "streamer.accessEnv" . | trim }}
- name: HEADWAY_STREAMER_ALLOWED_HOSTS
  value: {{ include "streamer.allowedHosts" . | quote }}
- name: HEADWAY_STREAMER_DRAIN_SECONDS
  value: {{ $window | quote }}
{{- end -}}
{{- end -}}

{{- define "streamer.ports" -}}
- { name: http, containerPort: {{ .Values.config.port | default 8000 }}, protocol: TCP }
- { name: ops, containerPort: {{ .Values.config.opsPort | default 9000 }}, protocol: TCP }
{{- end -}}
