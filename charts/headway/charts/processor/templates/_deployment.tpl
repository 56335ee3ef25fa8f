{{/* The Deployment of the processors, which the umbrella renders in place of this chart. */}}
{{- define "processor.deployment" -}}
{{- $grace := int .Values.shutdown.graceSeconds }}
{{- $least := add $grace 10 }}
{{- $period := .Values.shutdown.terminationGracePeriodSeconds | default $least }}
{{- if lt (int $period) (int $least) }}
{{- fail (printf "shutdown.terminationGracePeriodSeconds is %d, but a shutdown takes up to %d: raise it, or lower shutdown.graceSeconds" (int $period) (int $least)) }}
{{- end }}
{{- if hasKey .Values.config "graceSeconds" }}
{{- fail "set shutdown.graceSeconds instead of config.graceSeconds: the pod's grace period is computed from it" }}
{{- end }}
{{- $scaling := .Values.autoscaling }}
{{- $minimum := ternary $scaling.keda.minReplicas (ternary $scaling.hpa.minReplicas nil $scaling.hpa.enabled) $scaling.keda.enabled }}
{{- $own := dict "period" $period "minimum" $minimum "tmp" (printf "{ sizeLimit: %s }" .Values.tmp.sizeLimit) }}
{{- $_ := set $own "env" (include "processor.env" (list . $grace)) }}
{{- $_ := set $own "ports" (printf "- { name: ops, containerPort: %v, protocol: TCP }" (.Values.config.opsPort | default 9001)) }}
{{- include "common.deployment" (list . $own) }}
{{- end -}}

{{- define "processor.env" -}}
- name: HEADWAY_PROCESSOR_GRACE_SECONDS
  value: {{ index . 1 | quote }}
{{- with (index . 0).Values.generate.existingSecret }}
- name: HEADWAY_PROCESSOR_GENERATE_API_KEY
  valueFrom:
    secretKeyRef: { name: {{ . | quote }}, key: generate-api-key }
{{- end }}
{{- with (index . 0).Values.tasks }}
- name: HEADWAY_TASKS
  value: {{ join "," . | quote }}
{{- end }}
{{- end -}}
