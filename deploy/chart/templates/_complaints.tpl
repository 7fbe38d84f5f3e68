{{/* What is wrong with values that are each fine: a line for each, with what to do. */}}
{{- define "geophone.complaints" -}}
{{- include "geophone.complaints.names" . }}
{{- include "geophone.complaints.images" . }}
{{- include "geophone.complaints.kafka" . }}
{{- include "geophone.complaints.sender" . }}
{{- include "geophone.complaints.scaling" . }}
{{- include "geophone.complaints.exposure" . }}
{{- include "geophone.complaints.crm" . }}
{{- include "geophone.complaints.texts" . }}
{{- include "geophone.complaints.extras" . }}
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
{{- if and $kafka.dev.enabled (not (or $kafka.dev.image.tag $kafka.dev.image.digest)) }}
- kafka.dev.image.tag: say which version of Kafka.
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
{{- $resource := printf "%sraw" .Values.topics.prefix | lower | replace "_" "-" }}
{{- if and $kafka.strimzi.topics (not (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" $resource)) }}
- topics.prefix: with kafka.strimzi.topics it begins the names of resources, and {{ $resource }} is none; let it begin with a letter or digit, and have one before and after each dot.
{{- end }}
{{- if and $kafka.strimzi.user (not .Values.topics.prefix) }}
- topics.prefix is empty, so the user of kafka.strimzi.user could read and write every topic; choose one.
{{- end }}
{{- if $kafka.strimzi.user }}
{{- if and (eq $kafka.strimzi.authentication "tls") (not (and (eq $protocol "SSL") $kafka.tls.clientSecret)) }}
- kafka.strimzi.authentication is tls: log in with its certificate, by kafka.securityProtocol SSL and kafka.tls.clientSecret.
{{- else if and (eq $kafka.strimzi.authentication "scram-sha-512") (not (and (hasPrefix "SASL" $protocol) (eq $sasl.mechanism "SCRAM-SHA-512"))) }}
- kafka.strimzi.authentication is scram-sha-512: log in with its password, by kafka.securityProtocol SASL_SSL and kafka.sasl.mechanism SCRAM-SHA-512.
{{- end }}
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
{{- else if and .Values.canary.schedule (not .Values.ingress.tls.clientCAKey) (not (include "geophone.canary.possible" .)) }}
- canary.schedule: the canary does not know the CA of ingress.tls; name it by SSL_CERT_FILE in canary.extraEnv, or set canary.url to another way in.
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
{{- if and .autoscaling.enabled (not (or (.resources.requests | default dict).cpu (.resources.limits | default dict).cpu)) }}
- ingress.resources.requests.cpu: ingress.autoscaling goes by the share of it that is used, so say how much.
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
{{- if and (ne .Values.ingress.service.type "LoadBalancer") .Values.ingress.service.loadBalancerSourceRanges }}
- ingress.service.loadBalancerSourceRanges: a {{ .Values.ingress.service.type }} has no load balancer to keep anybody out.
{{- end }}
{{- end -}}

{{- define "geophone.complaints.crm" -}}
{{- $crm := .Values.crm -}}
{{- $vendors := list "salesforce" "hubspot" "dynamics" -}}
{{- $https := "^https://[^/?#@]+(/[^?#]*)?$" -}}
{{- if and $crm.connector (not $crm.url) (ne $crm.connector "hubspot") }}
- crm.url: say where the connector {{ $crm.connector }} delivers.
{{- end }}
{{- if and (not $crm.connector) (or $crm.url $crm.existingSecret $crm.targets) }}
- crm.connector: crm.url, crm.existingSecret or crm.targets is set, but no connector, so nothing would be delivered.
{{- end }}
{{- if and (has $crm.connector $vendors) (not $crm.existingSecret) }}
- crm.existingSecret: {{ $crm.connector }} needs credentials; name a Secret whose key {{ $crm.credentialsKey }} is the file that docs/crm/{{ $crm.connector }}.md describes.
{{- end }}
{{- if and $crm.url (has $crm.connector $vendors) (not (regexMatch $https $crm.url)) }}
- crm.url: {{ $crm.connector }} is called by TLS alone, at a host and perhaps a path, like https://crm.example.com.
{{- end }}
{{- $targets := $crm.targets | fromYaml }}
{{- if hasKey $targets "Error" }}
- crm.targets: is no YAML mapping of targets: {{ get $targets "Error" }}
{{- else }}
{{- range $name, $target := $targets }}
{{- if eq $name "default" }}
- crm.targets: default is the target that crm.connector and crm.url describe; rename it.
{{- else if not (regexMatch "^[a-z][a-z0-9-]{0,39}$" $name) }}
- crm.targets: {{ $name }} becomes part of a consumer group's name; use up to 40 small letters, digits and -, a letter first.
{{- end }}
{{- if not (kindIs "map" $target) }}
- crm.targets: {{ $name }} has to say crm, url and tenants, each on a line of its own.
{{- else }}
{{- $url := $target.url | default "" }}
{{- if has $target.crm $vendors }}
{{- if and (or $url (ne $target.crm "hubspot")) (not (regexMatch $https (toString $url))) }}
- crm.targets: {{ $name }}.url: {{ $target.crm }} is called by TLS alone, at a host and perhaps a path, like https://crm.example.com.
{{- end }}
{{- else if not (and (kindIs "string" $url) (regexMatch "^https?://[^/]" $url)) }}
- crm.targets: {{ $name }}.url: say where {{ $target.crm }} delivers, like https://crm.example.com/tasks.
{{- end }}
{{- if and $target.credentials_file (not $crm.existingSecret) }}
- crm.existingSecret: {{ $name }} in crm.targets has its credentials in {{ $target.credentials_file }}; name a Secret with that key.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "geophone.complaints.texts" -}}
{{- $rules := .Values.tasks.rules | fromYaml -}}
{{- if hasKey $rules "Error" }}
- tasks.rules: is no YAML mapping: {{ get $rules "Error" }}
{{- end }}
{{- end -}}

{{/* What a container has once may not be given again: the API refuses it, or the last one wins. */}}
{{- define "geophone.complaints.extras" -}}
{{- $settings := include "geophone.settings" . | fromYaml -}}
{{- $env := list -}}
{{- $mounts := list -}}
{{- $places := list -}}
{{- range $component := append (include "geophone.workloads" . | fromJsonArray) "canary" }}
{{- $stage := not (has $component (list "ingress" "canary")) }}
{{- $of := get (ternary $.Values.streams $.Values $stage) $component }}
{{- $ctx := dict "root" $ "component" $component "of" $of }}
{{- $ours := include "geophone.ownEnv" $ctx | fromYamlArray }}
{{- $in := include "geophone.ownMounts" $ctx | fromYamlArray }}
{{- $env = concat $env $ours }}
{{- $mounts = concat $mounts $in }}
{{- $places = append $places (dict "name" (printf "%s%s." (ternary "streams." "" $stage) $component) "of" $of "env" $ours "mounts" $in) }}
{{- end }}
{{- range append $places (dict "name" "" "of" .Values "env" $env "mounts" $mounts) }}
{{- $place := . }}
{{- $names := include "geophone.each" (dict "in" .env "key" "name") | fromJsonArray }}
{{- $volumes := include "geophone.each" (dict "in" .mounts "key" "name") | fromJsonArray }}
{{- $paths := include "geophone.each" (dict "in" .mounts "key" "mountPath") | fromJsonArray }}
{{- range .of.extraEnv }}
{{- if not (has .name $names) }}
{{- else if get $settings .name }}
- {{ $place.name }}extraEnv: {{ .name }} is what {{ get $settings .name }} says; set that.
{{- else }}
- {{ $place.name }}extraEnv: {{ .name }} is the chart's own; leave it out.
{{- end }}
{{- end }}
{{- range .of.extraVolumes }}
{{- if has .name $volumes }}
- {{ $place.name }}extraVolumes: {{ .name }} is a volume of the chart's own; choose another name.
{{- end }}
{{- end }}
{{- range .of.extraVolumeMounts }}
{{- if has .mountPath $paths }}
- {{ $place.name }}extraVolumeMounts: at {{ .mountPath }} is a volume of the chart's own; choose another path.
{{- end }}
{{- end }}
{{- range $value, $key := dict "extraEnv" "name" "extraVolumes" "name" "extraVolumeMounts" "mountPath" }}
{{- $said := include "geophone.each" (dict "in" (get $place.of $value | default list) "key" $key) | fromJsonArray }}
{{- if ne (len $said) (len (uniq $said)) }}
- {{ $place.name }}{{ $value }}: no two of them may have the same {{ $key }}.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* One key of each, as a JSON list. Takes in and key. */}}
{{- define "geophone.each" -}}
{{- $found := list -}}
{{- range .in }}{{ $found = append $found (get . $.key) }}{{ end -}}
{{- toJson $found -}}
{{- end -}}

{{- define "geophone.complaints.monitoring" -}}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled }}
- monitoring.podMonitor and monitoring.serviceMonitor would count everything twice: choose one.
{{- end }}
{{- end -}}
