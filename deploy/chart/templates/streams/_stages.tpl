{{/* What each stage needs beside what all do. */}}

{{- define "geophone.dedup.env" -}}
- name: GEOPHONE_MARKS
  value: {{ .Values.streams.dedup.marks }}
{{- if eq .Values.streams.dedup.marks "rocksdb" }}
- name: GEOPHONE_STATE_DIR
  value: /var/lib/geophone
{{- end }}
{{- end -}}
{{- define "geophone.dedup.volumeMounts" }}{{ end -}}
{{- define "geophone.dedup.volumes" }}{{ end -}}

{{- define "geophone.followup.env" -}}
- name: GEOPHONE_TASK_DUE_BUSINESS_DAYS
  value: {{ .Values.tasks.dueBusinessDays | quote }}
{{- end -}}
{{- define "geophone.followup.volumeMounts" }}{{ end -}}
{{- define "geophone.followup.volumes" }}{{ end -}}

{{- define "geophone.crm.env" -}}
{{- $crm := .Values.crm -}}
- name: GEOPHONE_CRM
  value: {{ $crm.connector }}
- name: GEOPHONE_CRM_URL
  value: {{ $crm.url | quote }}
{{- if $crm.existingSecret }}
- name: GEOPHONE_CRM_SECRET_FILE
  value: /etc/geophone/crm/{{ $crm.secretKey }}
{{- end }}
- name: GEOPHONE_CRM_TIMEOUT_SECONDS
  value: {{ $crm.timeoutSeconds | quote }}
- name: GEOPHONE_CRM_CONCURRENCY
  value: {{ $crm.concurrency | quote }}
{{- end -}}
{{- define "geophone.crm.volumeMounts" -}}
{{- with .Values.crm.existingSecret }}
- name: crm
  mountPath: /etc/geophone/crm
  readOnly: true
{{- end }}
{{- end -}}
{{- define "geophone.crm.volumes" -}}
{{- with .Values.crm.existingSecret }}
{{- include "geophone.secretVolume" (dict "name" "crm" "secret" . "keys" (list $.Values.crm.secretKey)) }}
{{- end }}
{{- end -}}
