{{/* Whether it can do its work here: it needs the secret to sign, dedup to read behind, and a way in that
     asks for no certificate, as it has none. "true" or empty. */}}
{{- define "geophone.canary.possible" -}}
{{- $behind := and .Values.seismic.existingSecret .Values.streams.dedup.enabled -}}
{{- if and $behind (or .Values.canary.url (not .Values.ingress.tls.clientCAKey)) }}true{{ end -}}
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
      - {{ $of.patienceSeconds | quote }}
    env:
      {{- include "geophone.env" $ctx | nindent 6 }}
    volumeMounts:
      - name: seismic
        mountPath: /etc/geophone/seismic
        readOnly: true
      {{- include "geophone.volumeMounts" $ctx | nindent 6 }}
volumes:
  {{- include "geophone.secretVolume" (dict "name" "seismic" "secret" .root.Values.seismic.existingSecret "keys" (list .root.Values.seismic.secretsKey)) | nindent 2 }}
  {{- include "geophone.volumes" $ctx | nindent 2 }}
{{- end -}}
