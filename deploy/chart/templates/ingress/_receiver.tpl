{{/* What the receiver's container has beside what all have. */}}

{{- define "geophone.ingress.env" -}}
{{- $of := .Values.ingress -}}
- name: GEOPHONE_PORT
  value: "8080"
- name: GEOPHONE_ADMIN_PORT
  value: "9090"
- name: GEOPHONE_WEBHOOK_PATH
  value: {{ $of.webhookPath | quote }}
{{- if .Values.seismic.existingSecret }}
- name: GEOPHONE_SECRETS_FILES
  value: /etc/geophone/seismic/{{ .Values.seismic.secretsKey }}
{{- end }}
- name: GEOPHONE_ALLOW_UNSIGNED
  value: {{ .Values.seismic.allowUnsigned | quote }}
{{- if $of.tls.existingSecret }}
- name: GEOPHONE_TLS_CERTIFICATE_FILE
  value: /etc/geophone/tls/{{ $of.tls.certificateKey }}
- name: GEOPHONE_TLS_KEY_FILE
  value: /etc/geophone/tls/{{ $of.tls.privateKeyKey }}
{{- with $of.tls.clientCAKey }}
- name: GEOPHONE_TLS_CLIENT_CA_FILE
  value: /etc/geophone/tls/{{ . }}
{{- end }}
{{- end }}
- name: GEOPHONE_DEADLINE_SECONDS
  value: {{ $of.deadlineSeconds | quote }}
- name: GEOPHONE_MAX_BODY_BYTES
  value: {{ int64 $of.maxBodyBytes | quote }}
- name: GEOPHONE_MAX_IN_FLIGHT
  value: {{ int64 $of.maxInFlight | quote }}
- name: GEOPHONE_MAX_CONNECTIONS
  value: {{ int64 $of.maxConnections | quote }}
- name: GEOPHONE_WORKERS
  value: {{ $of.workers | quote }}
- name: GEOPHONE_KEEP_ALIVE_SECONDS
  value: {{ int64 $of.keepAliveSeconds | quote }}
- name: GEOPHONE_DRAIN_SECONDS
  value: {{ $of.drainSeconds | quote }}
- name: GEOPHONE_LOG_LEVEL
  value: {{ $of.logLevel | quote }}
{{ include "geophone.topics.env" . }}
{{- end -}}

{{- define "geophone.ingress.volumeMounts" -}}
{{- $of := .Values.ingress -}}
{{- with .Values.seismic.existingSecret }}
- name: seismic
  mountPath: /etc/geophone/seismic
  readOnly: true
{{- end }}
{{- with $of.tls.existingSecret }}
- name: tls
  mountPath: /etc/geophone/tls
  readOnly: true
{{- end }}
{{- end -}}
