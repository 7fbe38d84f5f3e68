{{/* What is wrong with values that are each fine: a line for each, with what to do. */}}
{{- define "geophone.complaints" -}}
{{- include "geophone.complaints.names" . }}
{{- include "geophone.complaints.images" . }}
{{- include "geophone.complaints.kafka" . }}
{{- include "geophone.complaints.sender" . }}
{{- include "geophone.complaints.scaling" . }}
{{- include "geophone.complaints.exposure" . }}
{{- include "geophone.complaints.crm" . }}
{{- include "geophone.complaints.monitoring" . }}
{{- end -}}

{{- define "geophone.complaints.names" -}}
{{- $name := include "geophone.fullname" . -}}
{{- if regexMatch "^[0-9]" $name }}
- fullnameOverride: all names would begin with {{ $name }}, but a Service's has to begin with a letter; choose another beginning.
{{- end }}
{{- end -}}

{{- define "geophone.complaints.images" -}}
{{- range $name, $image := dict "image" .Values.image "ingress.image" .Values.ingress.image "streams.image" .Values.streams.image "canary.image" .Values.canary.image "kafka.dev.image" .Values.kafka.dev.image }}
{{- if and (eq $image.tag "latest") (not $image.digest) }}
- {{ $name }}.tag: latest does not say what runs, and pods of one workload may differ; name a version or a digest.
{{- end }}
{{- end }}
{{- end -}}

{{- define "geophone.complaints.kafka" -}}
{{- $kafka := .Values.kafka -}}
{{- $protocol := $kafka.securityProtocol -}}
{{- $sasl := $kafka.sasl -}}
{{- $bearer := eq $sasl.mechanism "OAUTHBEARER" -}}
{{- if and $kafka.dev.enabled $kafka.bootstrapServers }}
- kafka.dev.enabled and kafka.bootstrapServers are two Kafkas: choose one.
{{- else if not (or $kafka.dev.enabled $kafka.bootstrapServers) }}
- kafka.bootstrapServers: say where Kafka is (HOST:PORT), or set kafka.dev.enabled=true to try geophone out.
{{- end }}
{{- if and $kafka.dev.enabled (ne $protocol "PLAINTEXT") }}
- kafka.securityProtocol: the Kafka of kafka.dev speaks PLAINTEXT only.
{{- end }}
{{- if and $kafka.dev.enabled .Values.networkPolicy.enabled (include "geophone.keda.inUse" .) }}
- streams: its network policy lets only this release reach the Kafka of kafka.dev, so KEDA would see no lag; turn keda off.
{{- end }}
{{- if hasPrefix "SASL" $protocol }}
{{- if and $bearer (not (or $sasl.existingSecret $sasl.tokenAudience)) }}
- kafka.sasl: OAUTHBEARER needs a token: set tokenAudience, or existingSecret to a Secret that has one.
{{- end }}
{{- if and $bearer $sasl.existingSecret $sasl.tokenAudience }}
- kafka.sasl.tokenAudience and kafka.sasl.existingSecret are two tokens: choose one.
{{- end }}
{{- if not (or $bearer (and $sasl.username $sasl.existingSecret)) }}
- kafka.sasl: {{ $protocol }} needs username, and existingSecret with the password.
{{- end }}
{{- if and $sasl.tokenAudience (not $bearer) }}
- kafka.sasl.tokenAudience is for the mechanism OAUTHBEARER, not for {{ $sasl.mechanism }}.
{{- end }}
{{- else if or $sasl.username $sasl.existingSecret $sasl.tokenAudience }}
- kafka.sasl: nobody logs in with kafka.securityProtocol {{ $protocol }}; set SASL_SSL.
{{- end }}
{{- if and (or $kafka.tls.caSecret $kafka.tls.clientSecret) (not (hasSuffix "SSL" $protocol)) }}
- kafka.tls: kafka.securityProtocol {{ $protocol }} does not encrypt; set SSL or SASL_SSL.
{{- end }}
{{- if and (or $kafka.strimzi.topics $kafka.strimzi.user) (not $kafka.strimzi.cluster) }}
- kafka.strimzi.cluster: name the Kafka resource that topics and user belong to.
{{- end }}
{{- if and $kafka.strimzi.topics (eq (include "geophone.topics.mode" .) "create") }}
- topics.mode is create and kafka.strimzi.topics is true: a topic has one owner, so set topics.mode=verify.
{{- end }}
{{- end -}}

{{- define "geophone.complaints.sender" -}}
{{- $secret := .Values.seismic.existingSecret -}}
{{- if not (or $secret .Values.seismic.allowUnsigned) }}
- seismic.existingSecret: name a Secret whose key {{ .Values.seismic.secretsKey }} has the app's signing secret; without one anybody could send events.
{{- end }}
{{- if and .Values.canary.schedule (not (and $secret .Values.streams.dedup.enabled)) }}
- canary.schedule: the canary signs its events and reads them behind dedup, so it needs seismic.existingSecret and streams.dedup.enabled.
{{- else if and .Values.canary.schedule (not (include "geophone.canary.possible" .)) }}
- canary.schedule: ingress.tls.clientCAKey asks callers for a certificate, and the canary has none; set canary.url to a way in that asks for none.
{{- end }}
{{- end -}}

{{- define "geophone.complaints.scaling" -}}
{{- $partitions := int .Values.topics.partitions -}}
{{- with .Values.ingress }}
{{- if and .autoscaling.enabled .keda.enabled }}
- ingress.autoscaling and ingress.keda would both set the number of pods: choose one.
{{- end }}
{{- range $name := list "autoscaling" "keda" }}
{{- $of := get $.Values.ingress $name }}
{{- if gt (int $of.minReplicas) (int $of.maxReplicas) }}
- ingress.{{ $name }}.minReplicas is {{ $of.minReplicas }}, more than its maxReplicas {{ $of.maxReplicas }}.
{{- end }}
{{- end }}
{{- if and .keda.enabled (not .keda.prometheusAddress) }}
- ingress.keda.prometheusAddress: KEDA has to be told which Prometheus has the metrics.
{{- end }}
{{- if and .keda.enabled (gt (int .keda.inFlightPerPod) (int .maxInFlight)) }}
- ingress.keda.inFlightPerPod is beyond ingress.maxInFlight: pods would answer 503 before there are more of them.
{{- end }}
{{- end }}
{{- range $stage := include "geophone.stages" . | fromJsonArray }}
{{- $of := get $.Values.streams $stage }}
{{- $most := ternary $of.keda.maxReplicas $of.replicas $of.keda.enabled }}
{{- if gt (int $most) $partitions }}
- streams.{{ $stage }}: {{ $most }} pods, but topics.partitions is {{ $partitions }}: a partition has one owner, so the others would idle.
{{- end }}
{{- if and $of.keda.enabled (gt (int $of.keda.minReplicas) (int $of.keda.maxReplicas)) }}
- streams.{{ $stage }}.keda.minReplicas is {{ $of.keda.minReplicas }}, more than its maxReplicas {{ $of.keda.maxReplicas }}.
{{- end }}
{{- end }}
{{- with .Values.streams }}
{{- if le (int .sessionTimeoutSeconds) (add .terminationGracePeriodSeconds 10 | int) }}
- streams.sessionTimeoutSeconds is {{ .sessionTimeoutSeconds }}, and a restart takes up to terminationGracePeriodSeconds ({{ .terminationGracePeriodSeconds }}) and a start: make it more than 10 s longer, or each restart moves partitions.
{{- end }}
{{- end }}
{{- if and (include "geophone.keda.inUse" .) (hasPrefix "SASL" .Values.kafka.securityProtocol) (eq .Values.kafka.sasl.mechanism "OAUTHBEARER") (not .Values.streams.keda.authenticationRef) }}
- streams.keda.authenticationRef: KEDA gets its own OAUTHBEARER tokens, so name a TriggerAuthentication that says where.
{{- end }}
{{- end -}}

{{- define "geophone.complaints.exposure" -}}
{{- $expose := .Values.expose -}}
{{- if and $expose.ingress.enabled (not $expose.ingress.host) }}
- expose.ingress.host: name the host that Seismic calls.
{{- end }}
{{- if and $expose.gateway.enabled (not (and $expose.gateway.parentRefs $expose.gateway.hostnames)) }}
- expose.gateway: needs parentRefs (the Gateway) and hostnames (what Seismic calls).
{{- end }}
{{- if and .Values.ingress.tls.clientCAKey (not .Values.ingress.tls.existingSecret) }}
- ingress.tls.clientCAKey is a key of ingress.tls.existingSecret, which is not set.
{{- end }}
{{- if and (eq .Values.ingress.service.type "ClusterIP") .Values.ingress.service.loadBalancerSourceRanges }}
- ingress.service.loadBalancerSourceRanges: a ClusterIP has no load balancer to keep anybody out.
{{- end }}
{{- end -}}

{{- define "geophone.complaints.crm" -}}
{{- $crm := .Values.crm -}}
{{- if and $crm.connector (not $crm.url) (ne $crm.connector "hubspot") }}
- crm.url: say where the connector {{ $crm.connector }} delivers.
{{- end }}
{{- if and (not $crm.connector) (or $crm.url $crm.existingSecret $crm.targets) }}
- crm.connector: crm.url, crm.existingSecret or crm.targets is set, but no connector, so nothing would be delivered.
{{- end }}
{{- if and (has $crm.connector (list "salesforce" "hubspot" "dynamics")) (not $crm.existingSecret) }}
- crm.existingSecret: {{ $crm.connector }} needs credentials; name a Secret whose key {{ $crm.credentialsKey }} is the file that docs/crm/{{ $crm.connector }}.md describes.
{{- end }}
{{- with $crm.targets }}
{{- if hasKey (. | fromYaml) "Error" }}
- crm.targets: is no YAML mapping of targets: {{ get (. | fromYaml) "Error" }}
{{- end }}
{{- end }}
{{- if and .Values.tasks.rules (not .Values.streams.followup.enabled) }}
- tasks.rules: streams.followup is off, so nobody would read them.
{{- end }}
{{- end -}}

{{- define "geophone.complaints.monitoring" -}}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled }}
- monitoring.podMonitor and monitoring.serviceMonitor would count everything twice: choose one.
{{- end }}
{{- end -}}
