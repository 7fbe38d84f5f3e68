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

{{/* Of geophone's own containers: what each has of its own, what Kafka needs, a place to write, and what users
     add. Each takes root, component and of. */}}
{{- define "geophone.env" -}}
{{- include "geophone.ownEnv" . }}
{{- include "geophone.extra" (merge (dict "value" "extraEnv" "key" "name") .) }}
{{- end -}}

{{- define "geophone.ownEnv" -}}
{{- include "geophone.part" (merge (dict "part" "env") .) }}
{{ include "geophone.kafka.env" .root }}
{{- end -}}

{{- define "geophone.volumeMounts" -}}
{{- include "geophone.ownMounts" . }}
{{- include "geophone.extra" (merge (dict "value" "extraVolumeMounts" "key" "mountPath") .) }}
{{- end -}}

{{- define "geophone.ownMounts" -}}
{{- include "geophone.part" (merge (dict "part" "volumeMounts") .) }}
- name: tmp
  mountPath: /tmp
{{- include "geophone.kafka.volumeMounts" .root }}
{{- end -}}

{{- define "geophone.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- include "geophone.kafka.volumes" .root }}
{{- include "geophone.extra" (merge (dict "value" "extraVolumes" "key" "name") .) }}
{{- end -}}

{{/* Env or mounts of a component alone. Takes root, component and part. */}}
{{- define "geophone.part" -}}
{{- if has .component (list "ingress" "canary") -}}
{{ include (printf "geophone.%s.%s" .component .part) .root }}
{{- else -}}
{{ include (printf "geophone.stage.%s" .part) . }}
{{- end }}
{{- end -}}

{{/* What users add for all workloads and for this one, whose word counts where both have one. Takes root, of,
     value (where they say it) and key (what no two of them may share). */}}
{{- define "geophone.extra" -}}
{{- $own := get .of .value | default list -}}
{{- $taken := list -}}
{{- range $own }}{{ $taken = append $taken (get . $.key) }}{{ end -}}
{{- $all := list -}}
{{- range get .root.Values .value | default list }}{{ if not (has (get . $.key) $taken) }}{{ $all = append $all . }}{{ end }}{{ end -}}
{{- with concat $all $own }}
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
