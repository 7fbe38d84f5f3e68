{{/* Which value a variable is made of; those that no value says are not here. */}}
{{- define "geophone.settings" -}}
GEOPHONE_ALLOW_UNSIGNED: seismic.allowUnsigned
GEOPHONE_APP_ID: streams.appId
GEOPHONE_CRM: crm.connector
GEOPHONE_CRM_CONCURRENCY: crm.concurrency
GEOPHONE_CRM_CREDENTIALS_FILE: crm.credentialsKey
GEOPHONE_CRM_MAX_REFUSED_SHARE: crm.maxRefusedShare
GEOPHONE_CRM_REQUESTS_PER_SECOND: crm.requestsPerSecond
GEOPHONE_CRM_SECRET_FILE: crm.secretKey
GEOPHONE_CRM_TARGETS_FILE: crm.targets
GEOPHONE_CRM_TIMEOUT_SECONDS: crm.timeoutSeconds
GEOPHONE_CRM_URL: crm.url
GEOPHONE_DEADLINE_SECONDS: ingress.deadlineSeconds
GEOPHONE_DRAIN_SECONDS: ingress.drainSeconds
GEOPHONE_KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers
GEOPHONE_KAFKA_SASL_MECHANISM: kafka.sasl.mechanism
GEOPHONE_KAFKA_SASL_PASSWORD_FILE: kafka.sasl.secretKey
GEOPHONE_KAFKA_SASL_TOKEN_FILE: kafka.sasl.secretKey
GEOPHONE_KAFKA_SASL_USERNAME: kafka.sasl.username
GEOPHONE_KAFKA_SECURITY_PROTOCOL: kafka.securityProtocol
GEOPHONE_KAFKA_SSL_CA_FILE: kafka.tls.caKey
GEOPHONE_KAFKA_SSL_CERTIFICATE_FILE: kafka.tls.certificateKey
GEOPHONE_KAFKA_SSL_KEY_FILE: kafka.tls.privateKeyKey
GEOPHONE_KEEP_ALIVE_SECONDS: ingress.keepAliveSeconds
GEOPHONE_LEGACY_TENANT: seismic.legacyTenant
GEOPHONE_LOG_LEVEL: ingress.logLevel or streams.logLevel
GEOPHONE_MARKS: streams.dedup.marks
GEOPHONE_MAX_BODY_BYTES: ingress.maxBodyBytes
GEOPHONE_MAX_CONNECTIONS: ingress.maxConnections
GEOPHONE_MAX_IN_FLIGHT: ingress.maxInFlight
GEOPHONE_SECRETS_FILES: seismic.secretsKey
GEOPHONE_SESSION_TIMEOUT_SECONDS: streams.sessionTimeoutSeconds
GEOPHONE_STALLED_SECONDS: streams.stalledSeconds
GEOPHONE_TASK_DUE_BUSINESS_DAYS: tasks.dueBusinessDays
GEOPHONE_TASK_RULES_FILE: tasks.rules
GEOPHONE_TLS_CERTIFICATE_FILE: ingress.tls.certificateKey
GEOPHONE_TLS_CLIENT_CA_FILE: ingress.tls.clientCAKey
GEOPHONE_TLS_KEY_FILE: ingress.tls.privateKeyKey
GEOPHONE_TOPIC_MODE: topics.mode
GEOPHONE_TOPIC_PARTITIONS: topics.partitions
GEOPHONE_TOPIC_PREFIX: topics.prefix
GEOPHONE_TOPIC_REPLICATION: topics.replication
GEOPHONE_WEBHOOK_PATH: ingress.webhookPath
GEOPHONE_WORKERS: ingress.workers
{{- end -}}
