{{/* What every pod of the chart has in common. `of` are the values of its workload. */}}

{{/* metadata of a pod. Takes root, component, of, and perhaps annotations. */}}
{{- define "geophone.podMetadata" -}}
labels:
  {{- $selected := include "geophone.selectorLabels" . | fromYaml }}
  {{- toYaml (merge dict $selected (.of.podLabels | default dict) (.root.Values.podLabels | default dict) (.root.Values.commonLabels | default dict)) | nindent 2 }}
{{- with merge dict (.annotations | default dict) (.of.podAnnotations | default dict) (.root.Values.podAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* spec of a pod without containers and volumes. Takes root, component, of, and perhaps hash (the
     label that tells one version of the workload's pods from the next) and user. */}}
{{- define "geophone.podSpec" -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ include "geophone.serviceAccountName" .root | quote }}
automountServiceAccountToken: false
# A Service called geophone-kafka would set GEOPHONE_KAFKA_PORT.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with .user | default $values.runAsUser }}
  runAsUser: {{ int . }}
  runAsGroup: {{ int . }}
  fsGroup: {{ int . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with merge dict (.of.nodeSelector | default dict) ($values.nodeSelector | default dict) }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat (.of.tolerations | default list) ($values.tolerations | default list) }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.affinity | default $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.priorityClassName | default $values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- if and .hash $values.topologySpread.keys }}
topologySpreadConstraints:
  {{- range $values.topologySpread.keys }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: {{ $values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "geophone.selectorLabels" $ | nindent 8 }}
    matchLabelKeys: [{{ $.hash }}]
  {{- end }}
{{- end }}
{{- end -}}

{{/* Name, image and security of a container. Takes root, component, of, and perhaps image. */}}
{{- define "geophone.container" -}}
name: {{ .component }}
image: {{ .image | default (include "geophone.image" (dict "root" .root "image" .of.image)) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml .of.resources | nindent 2 }}
{{- end -}}

{{/* Of geophone's own containers: what Kafka needs, a place to write, and what users add. Each takes
     root and of. */}}
{{- define "geophone.env" -}}
{{- include "geophone.kafka.env" .root }}
{{- with concat (.root.Values.extraEnv | default list) (.of.extraEnv | default list) }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "geophone.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- include "geophone.kafka.volumeMounts" .root }}
{{- with concat (.root.Values.extraVolumeMounts | default list) (.of.extraVolumeMounts | default list) }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "geophone.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- include "geophone.kafka.volumes" .root }}
{{- with concat (.root.Values.extraVolumes | default list) (.of.extraVolumes | default list) }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A probe of the admin port. Takes path, every (seconds) and failures. */}}
{{- define "geophone.probe" -}}
httpGet:
  path: {{ .path }}
  port: admin
periodSeconds: {{ .every }}
timeoutSeconds: 5
failureThreshold: {{ .failures }}
{{- end -}}

{{/* A volume with one key of a Secret. Whole folders are mounted, so that a changed Secret shows.
     Takes name, secret and keys. */}}
{{- define "geophone.secretVolume" -}}
- name: {{ .name }}
  secret:
    secretName: {{ .secret | quote }}
    defaultMode: 0440
    items:
      {{- range .keys }}
      - key: {{ . | quote }}
        path: {{ . | quote }}
      {{- end }}
{{- end -}}
