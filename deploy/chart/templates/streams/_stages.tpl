{{/* What each stage needs beside what all do; `text` is what it reads from a file at its start. */}}

{{/* Variables and mounts of a stage's container. Take root and component. */}}
{{- define "geophone.stage.env" -}}
{{- $streams := .root.Values.streams -}}
- name: GEOPHONE_STAGES
  value: {{ .component }}
- name: GEOPHONE_INSTANCE
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: GEOPHONE_APP_ID
  value: {{ $streams.appId | quote }}
- name: GEOPHONE_ADMIN_PORT
  value: "9091"
- name: GEOPHONE_SESSION_TIMEOUT_SECONDS
  value: {{ $streams.sessionTimeoutSeconds | quote }}
- name: GEOPHONE_STALLED_SECONDS
  value: {{ int64 $streams.stalledSeconds | quote }}
- name: GEOPHONE_LOG_LEVEL
  value: {{ $streams.logLevel | quote }}
{{ include (printf "geophone.%s.env" .component) .root }}
{{ include "geophone.topics.env" .root }}
{{- end -}}
{{- define "geophone.stage.volumeMounts" -}}
{{ include (printf "geophone.%s.volumeMounts" .component) .root }}
{{- end -}}

{{- define "geophone.dedup.env" -}}
- name: GEOPHONE_MARKS
  value: {{ .Values.streams.dedup.marks }}
{{- if eq .Values.streams.dedup.marks "rocksdb" }}
- name: GEOPHONE_STATE_DIR
  value: /var/lib/geophone
{{- end }}
{{- end -}}
{{- define "geophone.dedup.volumeMounts" -}}
{{- if eq .Values.streams.dedup.marks "rocksdb" }}
- name: state
  mountPath: /var/lib/geophone
{{- end }}
{{- end -}}
{{- define "geophone.dedup.volumes" }}{{ end -}}
{{- define "geophone.dedup.text" }}{{ end -}}

{{- define "geophone.followup.env" -}}
- name: GEOPHONE_TASK_DUE_BUSINESS_DAYS
  value: {{ .Values.tasks.dueBusinessDays | quote }}
{{- if .Values.tasks.rules }}
- name: GEOPHONE_TASK_RULES_FILE
  value: /etc/geophone/tasks/task-rules.yaml
{{- end }}
{{- end -}}
{{- define "geophone.followup.volumeMounts" -}}
{{- if .Values.tasks.rules }}
- name: tasks
  mountPath: /etc/geophone/tasks
  readOnly: true
{{- end }}
{{- end -}}
{{- define "geophone.followup.volumes" -}}
{{- if .Values.tasks.rules }}
- name: tasks
  configMap:
    name: {{ include "geophone.fullname" . }}-followup
    items:
      - key: task-rules.yaml
        path: task-rules.yaml
{{- end }}
{{- end -}}
{{- define "geophone.followup.text" }}{{ .Values.tasks.rules }}{{ end -}}

{{- define "geophone.crm.env" -}}
{{- $crm := .Values.crm -}}
- name: GEOPHONE_CRM
  value: {{ $crm.connector }}
{{- with $crm.url }}
- name: GEOPHONE_CRM_URL
  value: {{ . | quote }}
{{- end }}
{{- if $crm.existingSecret }}
{{- if has $crm.connector (list "webhook" "sandbox") }}
{{- with $crm.secretKey }}
- name: GEOPHONE_CRM_SECRET_FILE
  value: /etc/geophone/crm/{{ . }}
{{- end }}
{{- else }}
- name: GEOPHONE_CRM_CREDENTIALS_FILE
  value: /etc/geophone/crm/{{ $crm.credentialsKey }}
{{- end }}
{{- end }}
{{- if $crm.targets }}
- name: GEOPHONE_CRM_TARGETS_FILE
  value: /etc/geophone/crm/targets.yaml
{{- end }}
- name: GEOPHONE_CRM_TIMEOUT_SECONDS
  value: {{ $crm.timeoutSeconds | quote }}
{{- with $crm.requestsPerSecond }}
- name: GEOPHONE_CRM_REQUESTS_PER_SECOND
  value: {{ . | quote }}
{{- end }}
{{- with $crm.concurrency }}
- name: GEOPHONE_CRM_CONCURRENCY
  value: {{ int64 . | quote }}
{{- end }}
- name: GEOPHONE_CRM_MAX_REFUSED_SHARE
  value: {{ $crm.maxRefusedShare | quote }}
{{- end -}}
{{- define "geophone.crm.volumeMounts" -}}
{{- if or .Values.crm.existingSecret .Values.crm.targets }}
- name: crm
  mountPath: /etc/geophone/crm
  readOnly: true
{{- end }}
{{- end -}}
{{/* One folder, because a targets file names credentials files beside it. */}}
{{- define "geophone.crm.volumes" -}}
{{- $crm := .Values.crm -}}
{{- if or $crm.existingSecret $crm.targets }}
- name: crm
  projected:
    defaultMode: 0440
    sources:
      {{- with $crm.existingSecret }}
      - secret:
          name: {{ . | quote }}
      {{- end }}
      {{- if $crm.targets }}
      - configMap:
          name: {{ include "geophone.fullname" . }}-crm
          items:
            - key: targets.yaml
              path: targets.yaml
      {{- end }}
{{- end }}
{{- end -}}
{{- define "geophone.crm.text" }}{{ .Values.crm.targets }}{{ end -}}

{{/* Ports of the CRMs, as a JSON list; 443 in any case, as a vendor's tokens come from another host
     than its records. */}}
{{- define "geophone.crm.ports" -}}
{{- $ports := list 443 -}}
{{- $urls := list .Values.crm.url -}}
{{- range .Values.crm.targets | fromYaml }}{{ if kindIs "map" . }}{{ if kindIs "string" .url }}{{ $urls = append $urls .url }}{{ end }}{{ end }}{{ end -}}
{{- range compact $urls }}{{ $ports = append $ports (include "geophone.portOf" . | int) }}{{ end -}}
{{- toJson (uniq $ports) -}}
{{- end -}}

{{/* The consumer groups of a stage, without their prefix: for crm one for each target. Takes root and
     stage. */}}
{{- define "geophone.groups" -}}
{{- $groups := list .stage -}}
{{- if and (eq .stage "crm") .root.Values.crm.targets -}}
{{- range $target := .root.Values.crm.targets | fromYaml | keys | sortAlpha }}{{ $groups = append $groups (printf "crm-%s" $target) }}{{ end -}}
{{- end -}}
{{- toJson $groups -}}
{{- end -}}
