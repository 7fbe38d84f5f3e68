{{/* Whether it can do its work here: it needs the secret to sign, dedup to read behind, and a way in whose
     certificate it knows and that asks for none, as it has none. "true" or empty. */}}
{{- define "geophone.canary.possible" -}}
{{- $behind := and .Values.seismic.existingSecret .Values.streams.dedup.enabled -}}
{{- $tls := .Values.ingress.tls -}}
{{- $open := or (not $tls.existingSecret) (and (not $tls.clientCAKey) (include "geophone.canary.trusts" .)) -}}
{{- if and $behind (or .Values.canary.url $open) }}true{{ end -}}
{{- end -}}

{{/* Whether it has been told of a CA; no public one signs for a Service's name. "true" or empty. */}}
{{- define "geophone.canary.trusts" -}}
{{- range concat (.Values.extraEnv | default list) (.Values.canary.extraEnv | default list) }}{{ if eq .name "SSL_CERT_FILE" }}true{{ end }}{{ end -}}
{{- end -}}

{{- define "geophone.canary.env" }}{{ end -}}
{{- define "geophone.canary.volumeMounts" -}}
{{- if .Values.seismic.existingSecret }}
- name: seismic
  mountPath: /etc/geophone/seismic
  readOnly: true
{{- end }}
{{- end -}}

{{/* spec of a pod that plays Seismic once. Takes root. */}}
{{- define "geophone.canary.podSpec" -}}
{{- $of := .root.Values.canary -}}
{{- $ctx := dict "root" .root "component" "canary" "of" $of -}}
{{- include "geophone.podSpec" $ctx }}
restartPolicy: Never
containers:
  - {{- include "geophone.container" $ctx | nindent 4 }}
    args:
      - prove
      - --url
      - {{ $of.url | default (include "geophone.internalUrl" .root) | quote }}
      - --secret-file
      - /etc/geophone/seismic/{{ .root.Values.seismic.secretsKey }}
      - --patience
      - {{ int64 $of.patienceSeconds | quote }}
    env:
      {{- include "geophone.env" $ctx | nindent 6 }}
    volumeMounts:
      {{- include "geophone.volumeMounts" $ctx | nindent 6 }}
volumes:
  {{- include "geophone.secretVolume" (dict "name" "seismic" "secret" .root.Values.seismic.existingSecret "keys" (list .root.Values.seismic.secretsKey)) | nindent 2 }}
  {{- include "geophone.volumes" $ctx | nindent 2 }}
{{- end -}}
