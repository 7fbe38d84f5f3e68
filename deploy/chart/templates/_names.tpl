{{/* Prefix of all names. 40 characters leave room for the longest suffix and for what the StatefulSet
     controller appends to a label of its pods. */}}
{{- define "geophone.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- /* A release's name may have dots, a Service's none. */ -}}
{{- $full | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of this installation alone: an umbrella may have several in one release, and a release other
     charts' pods. */}}
{{- define "geophone.installationLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* What never changes between versions: selectors are immutable. Takes root, component. */}}
{{- define "geophone.selectorLabels" -}}
{{ include "geophone.installationLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of an object. Takes root, component, and perhaps more (a map). */}}
{{- define "geophone.labels" -}}
{{- $chart := printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_") -}}
{{- $ours := dict "helm.sh/chart" ($chart | trunc 63) "app.kubernetes.io/version" .root.Chart.AppVersion "app.kubernetes.io/part-of" "geophone" "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $selected := include "geophone.selectorLabels" . | fromYaml -}}
{{- toYaml (merge dict $selected $ours (default dict .more) (default dict .root.Values.commonLabels)) -}}
{{- end -}}

{{/* metadata of an object. Takes root, component; perhaps name (default: prefix-component), namespace,
     annotations and more labels. */}}
{{- define "geophone.metadata" -}}
name: {{ default (printf "%s-%s" (include "geophone.fullname" .root) .component) .name | quote }}
namespace: {{ default .root.Release.Namespace .namespace | quote }}
labels:
  {{- include "geophone.labels" . | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "geophone.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "geophone.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* Takes root and image. */}}
{{- define "geophone.image" -}}
{{- $registry := .image.registry | default .root.Values.image.registry -}}
{{- include "geophone.imageIn" (dict "registry" $registry "image" .image "tag" (.root.Values.image.tag | default .root.Chart.AppVersion)) -}}
{{- end -}}

{{/* Takes registry, image, and the tag if image has none. */}}
{{- define "geophone.imageIn" -}}
{{- $name := ternary (printf "%s/%s" .registry .image.repository) .image.repository (ne .registry "") -}}
{{- with .image.digest }}{{ $name }}@{{ . }}{{ else }}{{ $name }}:{{ .image.tag | default .tag }}{{ end -}}
{{- end -}}

{{/* The stages that run, in the order of the flow. */}}
{{- define "geophone.stages" -}}
{{- $stages := list -}}
{{- if .Values.streams.dedup.enabled }}{{ $stages = append $stages "dedup" }}{{ end -}}
{{- if .Values.streams.followup.enabled }}{{ $stages = append $stages "followup" }}{{ end -}}
{{- if and .Values.crm.connector .Values.streams.crm.enabled }}{{ $stages = append $stages "crm" }}{{ end -}}
{{- toJson $stages -}}
{{- end -}}

{{/* All workloads of ours that serve probes and metrics. */}}
{{- define "geophone.workloads" -}}
{{- toJson (prepend (include "geophone.stages" . | fromJsonArray) "ingress") -}}
{{- end -}}

{{/* Fewest pods of a workload, of its values. */}}
{{- define "geophone.fewest" -}}
{{- if .keda.enabled }}{{ .keda.minReplicas }}
{{- else if (.autoscaling | default dict).enabled }}{{ .autoscaling.minReplicas }}
{{- else }}{{ .replicas }}{{ end -}}
{{- end -}}

{{/* Where the webhook is inside the cluster. */}}
{{- define "geophone.internalUrl" -}}
{{- $ingress := .Values.ingress -}}
{{ ternary "https" "http" (ne $ingress.tls.existingSecret "") }}://{{ include "geophone.fullname" . }}-ingress.{{ .Release.Namespace }}.svc:{{ $ingress.service.port }}{{ $ingress.webhookPath }}
{{- end -}}

{{/* Port of a URL, said or meant. */}}
{{- define "geophone.portOf" -}}
{{- $host := (urlParse .).host -}}
{{- if regexMatch ":[0-9]+$" $host }}{{ splitList ":" $host | last }}{{ else }}{{ ternary 443 80 (hasPrefix "https:" .) }}{{ end -}}
{{- end -}}

{{/* Policies see a Service's pods, not its port, and OpenShift's DNS pods listen at 5353. */}}
{{- define "geophone.dnsEgress" -}}
- ports:
    {{- range list 53 5353 }}
    - port: {{ . }}
      protocol: UDP
    - port: {{ . }}
      protocol: TCP
    {{- end }}
{{- end -}}

{{/* By how much counters have grown. A series that is new has no increase: it was born with its first
     count. Takes of (a selector) and in (a duration). */}}
{{- define "geophone.counted" -}}
sum((increase({{ .of }}[{{ .in }}]) and {{ .of }} offset {{ .in }}) or {{ .of }})
{{- end -}}

{{/* Matchers of this installation's metrics. Our own monitors put its labels beside the namespace. */}}
{{- define "geophone.selector" -}}
{{- $monitoring := .Values.monitoring -}}
{{- $matchers := list (printf "namespace=%q" .Release.Namespace) -}}
{{- if or $monitoring.podMonitor.enabled $monitoring.serviceMonitor.enabled -}}
{{- range $label, $value := include "geophone.installationLabels" . | fromYaml -}}
{{- $matchers = append $matchers (printf "%s=%q" (regexReplaceAll "[^a-z]" $label "_") $value) -}}
{{- end -}}
{{- end -}}
{{ $monitoring.prometheusRule.selector | default (join "," $matchers) }}
{{- end -}}
