{{/*
The Deployment of a service. Takes its context, and a dict: `minimum` under autoscaling or null, the grace period `period`
in seconds, and as YAML `env`, `ports`, `tmp` (its emptyDir) and, if it has any, `lifecycle`.
*/}}
{{- define "common.deployment" -}}
{{- $own := index . 1 -}}
{{- with index . 0 -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "common.metadata" (list . .Values.deployment (include "common.fullname" .)) | nindent 2 }}
spec:
  {{- include "common.replicas" (list . $own.minimum) | nindent 2 }}
  {{- with .Values.minReadySeconds }}
  minReadySeconds: {{ . }}
  {{- end }}
  revisionHistoryLimit: {{ .Values.revisionHistoryLimit }}
  selector:
    matchLabels: {{- include "common.selectorLabels" . | nindent 6 }}
  strategy: {{- include "common.updateStrategy" . | nindent 4 }}
  template:
    metadata:
      {{- include "common.podMetadata" (list . (dict)) | nindent 6 }}
    spec:
      serviceAccountName: {{ include "common.serviceAccountName" . | quote }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ $own.period }}
      securityContext: {{- toYaml .Values.podSecurityContext | nindent 8 }}
      {{- include "common.imagePullSecrets" . | nindent 6 }}
      {{- with .Values.initContainers }}
      initContainers: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ include "common.component" . }}
          image: {{ include "common.image" (list . .Values.image .Chart.AppVersion) | quote }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          env:
            {{- include "common.natsEnv" . | nindent 12 }}
            {{- include "common.configEnv" . | nindent 12 }}
            {{- $own.env | nindent 12 }}
            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- with .Values.extraEnvFrom }}
          envFrom: {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            {{- $own.ports | nindent 12 }}
          startupProbe:
            {{- include "common.probe" (list "{httpGet: {path: /livez, port: ops}, periodSeconds: 2, failureThreshold: 60}" .Values.startupProbe) | nindent 12 }}
          livenessProbe:
            {{- include "common.probe" (list "{httpGet: {path: /livez, port: ops}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3}" .Values.livenessProbe) | nindent 12 }}
          readinessProbe:
            {{- include "common.probe" (list "{httpGet: {path: /readyz, port: ops}, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2}" .Values.readinessProbe) | nindent 12 }}
          {{- with $own.lifecycle }}
          lifecycle:
            {{- . | nindent 12 }}
          {{- end }}
          securityContext: {{- toYaml .Values.securityContext | nindent 12 }}
          resources: {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- include "common.natsMounts" . | nindent 12 }}
            {{- with .Values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
        {{- with .Values.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- include "common.topologySpread" . | nindent 6 }}
      {{- include "common.podOptions" . | nindent 6 }}
      volumes:
        - name: tmp
          emptyDir: {{ $own.tmp }}
        {{- include "common.natsVolumes" . | nindent 8 }}
        {{- with .Values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}
{{- end -}}
