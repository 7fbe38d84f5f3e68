{{/* Where Kafka is, how to log in, and what its topics are. */}}

{{- define "geophone.kafka.servers" -}}
{{- if .Values.kafka.dev.enabled -}}
{{ include "geophone.fullname" . }}-kafka.{{ .Release.Namespace }}.svc:9092
{{- else -}}
{{ .Values.kafka.bootstrapServers }}
{{- end -}}
{{- end -}}

{{- define "geophone.kafka.replication" -}}
{{ ternary 1 (int64 .Values.topics.replication) .Values.kafka.dev.enabled }}
{{- end -}}

{{- define "geophone.kafka.env" -}}
{{- $kafka := .Values.kafka -}}
- name: GEOPHONE_KAFKA_BOOTSTRAP_SERVERS
  value: {{ include "geophone.kafka.servers" . | quote }}
- name: GEOPHONE_KAFKA_SECURITY_PROTOCOL
  value: {{ $kafka.securityProtocol }}
{{- if hasPrefix "SASL" $kafka.securityProtocol }}
- name: GEOPHONE_KAFKA_SASL_MECHANISM
  value: {{ $kafka.sasl.mechanism }}
{{- if eq $kafka.sasl.mechanism "OAUTHBEARER" }}
- name: GEOPHONE_KAFKA_SASL_TOKEN_FILE
  value: /etc/geophone/kafka/sasl/{{ ternary "token" $kafka.sasl.secretKey (ne $kafka.sasl.tokenAudience "") }}
{{- else }}
- name: GEOPHONE_KAFKA_SASL_USERNAME
  value: {{ $kafka.sasl.username | quote }}
- name: GEOPHONE_KAFKA_SASL_PASSWORD_FILE
  value: /etc/geophone/kafka/sasl/{{ $kafka.sasl.secretKey }}
{{- end }}
{{- end }}
{{- with $kafka.tls.caSecret }}
- name: GEOPHONE_KAFKA_SSL_CA_FILE
  value: /etc/geophone/kafka/ca/{{ $kafka.tls.caKey }}
{{- end }}
{{- with $kafka.tls.clientSecret }}
- name: GEOPHONE_KAFKA_SSL_CERTIFICATE_FILE
  value: /etc/geophone/kafka/client/{{ $kafka.tls.certificateKey }}
- name: GEOPHONE_KAFKA_SSL_KEY_FILE
  value: /etc/geophone/kafka/client/{{ $kafka.tls.privateKeyKey }}
{{- end }}
- name: GEOPHONE_TOPIC_PREFIX
  value: {{ .Values.topics.prefix | quote }}
{{- end -}}

{{/* YAML 1.1 reads off as false. */}}
{{- define "geophone.topics.mode" -}}
{{ ternary "off" .Values.topics.mode (kindIs "bool" .Values.topics.mode) }}
{{- end -}}

{{/* For the services alone: the canary makes no topics. */}}
{{- define "geophone.topics.env" -}}
- name: GEOPHONE_TOPIC_MODE
  value: {{ include "geophone.topics.mode" . | quote }}
- name: GEOPHONE_TOPIC_PARTITIONS
  value: {{ int64 .Values.topics.partitions | quote }}
- name: GEOPHONE_TOPIC_REPLICATION
  value: {{ include "geophone.kafka.replication" . | quote }}
- name: GEOPHONE_LEGACY_TENANT
  value: {{ .Values.seismic.legacyTenant | quote }}
{{- end -}}

{{- define "geophone.kafka.volumeMounts" -}}
{{- if or .Values.kafka.sasl.existingSecret .Values.kafka.sasl.tokenAudience }}
- name: kafka-sasl
  mountPath: /etc/geophone/kafka/sasl
  readOnly: true
{{- end }}
{{- if .Values.kafka.tls.caSecret }}
- name: kafka-ca
  mountPath: /etc/geophone/kafka/ca
  readOnly: true
{{- end }}
{{- if .Values.kafka.tls.clientSecret }}
- name: kafka-client
  mountPath: /etc/geophone/kafka/client
  readOnly: true
{{- end }}
{{- end -}}

{{- define "geophone.kafka.volumes" -}}
{{- $sasl := .Values.kafka.sasl -}}
{{- $tls := .Values.kafka.tls -}}
{{- with $sasl.existingSecret }}
{{ include "geophone.secretVolume" (dict "name" "kafka-sasl" "secret" . "keys" (list $sasl.secretKey)) }}
{{- end }}
{{- with $sasl.tokenAudience }}
- name: kafka-sasl
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          audience: {{ . | quote }}
          expirationSeconds: {{ int $sasl.tokenSeconds }}
          path: token
{{- end }}
{{- with $tls.caSecret }}
{{ include "geophone.secretVolume" (dict "name" "kafka-ca" "secret" . "keys" (list $tls.caKey)) }}
{{- end }}
{{- with $tls.clientSecret }}
{{ include "geophone.secretVolume" (dict "name" "kafka-client" "secret" . "keys" (list $tls.certificateKey $tls.privateKeyKey)) }}
{{- end }}
{{- end -}}

{{/* Ports of the brokers, as a JSON list. */}}
{{- define "geophone.kafka.ports" -}}
{{- $ports := .Values.networkPolicy.kafkaPorts -}}
{{- if not $ports -}}
{{- range splitList "," (include "geophone.kafka.servers" .) -}}
{{- $ports = append $ports (splitList ":" . | last | int) -}}
{{- end -}}
{{- end -}}
{{- toJson (uniq $ports) -}}
{{- end -}}
