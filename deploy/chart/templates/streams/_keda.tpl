{{/* How KEDA logs in to Kafka: from the same Secrets as we do. */}}
{{- define "geophone.keda.metadata" -}}
{{- $kafka := .Values.kafka -}}
tls: {{ ternary "enable" "disable" (hasSuffix "SSL" $kafka.securityProtocol) }}
{{- if hasPrefix "SASL" $kafka.securityProtocol }}
sasl: {{ get (dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512" "OAUTHBEARER" "oauthbearer") $kafka.sasl.mechanism }}
{{- end }}
{{- end -}}

{{/* Whether a stage is scaled by KEDA: "true" or empty. */}}
{{- define "geophone.keda.inUse" -}}
{{- range $stage := include "geophone.stages" . | fromJsonArray }}{{ if (get $.Values.streams $stage).keda.enabled }}true{{ end }}{{ end -}}
{{- end -}}

{{/* Name of the TriggerAuthentication; empty if Kafka asks for nothing. */}}
{{- define "geophone.keda.authentication" -}}
{{- $kafka := .Values.kafka -}}
{{- if .Values.streams.keda.authenticationRef -}}
{{ .Values.streams.keda.authenticationRef }}
{{- else if or (hasPrefix "SASL" $kafka.securityProtocol) $kafka.tls.caSecret $kafka.tls.clientSecret -}}
{{ include "geophone.fullname" . }}-kafka
{{- end -}}
{{- end -}}
