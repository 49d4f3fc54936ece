{{/* The name of the chart, or what overrides it. */}}
{{- define "gorowatch.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of what belongs to this release. StatefulSets add to it, and their
pods' labels hold it: so it is shorter than the 63 bytes of a label. */}}
{{- define "gorowatch.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 44 | trimSuffix "-" }}
{{- else if contains (include "gorowatch.name" .) .Release.Name }}
{{- .Release.Name | trunc 44 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "gorowatch.name" .) | trunc 44 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "gorowatch.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "gorowatch.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gorowatch.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gorowatch.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "gorowatch.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: gorowatch
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gorowatch.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "gorowatch.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "gorowatch.image" -}}
{{- $repository := .Values.image.repository }}
{{- with .Values.image.registry }}{{ $repository = printf "%s/%s" . $repository }}{{ end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default (printf "v%s" .Chart.AppVersion) .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* Where the configuration lies, and whether it is ours. */}}
{{- define "gorowatch.configSecret" -}}
{{- default (include "gorowatch.fullname" .) .Values.existingConfigSecret }}
{{- end }}

{{/* The path under which the pages, the metrics and the probes are served. */}}
{{- define "gorowatch.routePrefix" -}}
{{- $prefix := .Values.routePrefix }}
{{- if not $prefix }}
{{- with .Values.externalUrl }}{{ $prefix = (urlParse .).path }}{{ end }}
{{- end }}
{{- printf "/%s" (trimAll "/" (default "" $prefix)) | trimSuffix "/" }}
{{- end }}

{{/* The host names that gorowatch answers: those of allowedHosts, and those that an Ingress
or an HTTPRoute forwards. */}}
{{- define "gorowatch.allowedHosts" -}}
{{- $hosts := .Values.allowedHosts }}
{{- if .Values.ingress.enabled }}{{ $hosts = concat $hosts .Values.ingress.hosts }}{{ end }}
{{- if .Values.httpRoute.enabled }}{{ $hosts = concat $hosts .Values.httpRoute.hosts }}{{ end }}
{{- $list := uniq $hosts | join "," }}
{{- if gt (int .Values.shards) 1 }}{{ $list }}{{ else }}{{ $list | replace "$(SHARD)" "0" }}{{ end }}
{{- end }}

{{/* The configuration file: what the values say, and what they imply. */}}
{{- define "gorowatch.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if .Values.prometheus.url }}
{{- $_ := set $config "prometheus" (mergeOverwrite (dict "url" .Values.prometheus.url) (default dict $config.prometheus)) }}
{{- end }}
{{- if .Values.kubernetesEvents.enabled }}
{{- $_ := set $config "alerting" (mergeOverwrite (dict "kubernetes_events" (dict "enabled" true)) (default dict $config.alerting)) }}
{{- end }}
{{- if and .Values.alertmanagers (not (dig "alerting" "alertmanagers" "" $config)) }}
{{- $sets := list }}
{{- range .Values.alertmanagers }}
{{- $u := urlParse . }}
{{- $host := $u.host }}
{{- if not (regexMatch ":[0-9]+$" $host) }}{{ $host = printf "%s:%s" $host (ternary "443" "80" (eq $u.scheme "https")) }}{{ end }}
{{- $set := dict "static_configs" (list (dict "targets" (list $host))) }}
{{- if ne $u.scheme "http" }}{{ $_ := set $set "scheme" $u.scheme }}{{ end }}
{{- with trimSuffix "/" $u.path }}{{ $_ := set $set "path_prefix" . }}{{ end }}
{{- $sets = append $sets $set }}
{{- end }}
{{- $_ := set $config "alerting" (mergeOverwrite (dict "alertmanagers" $sets) (default dict $config.alerting)) }}
{{- end }}
{{- if not (dig "storage" "url" "" $config) }}
{{- $_ := set $config "storage" (mergeOverwrite (dict "url" (default "file:///var/lib/gorowatch" .Values.storage.bucket)) (default dict $config.storage)) }}
{{- end }}
{{- /* Pods are looked for where they may be read. */}}
{{- if not .Values.rbac.create }}
{{- $_ := set $config "profiles" (mergeOverwrite (dict "annotated_pods" false) (default dict $config.profiles)) }}
{{- else if not .Values.rbac.clusterWide }}
{{- $_ := set $config "profiles" (mergeOverwrite (dict "pod_namespaces" (include "gorowatch.namespaces" . | fromJsonArray)) (default dict $config.profiles)) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* The namespaces whose pods may be read, unless all may. */}}
{{- define "gorowatch.namespaces" -}}
{{- default (list (include "gorowatch.namespace" .)) .Values.rbac.namespaces | toJson }}
{{- end }}

{{/* Whether the chart claims a volume. A bucket needs none. */}}
{{- define "gorowatch.claims" -}}
{{- if and .Values.persistence.enabled (not .Values.storage.bucket) (not .Values.persistence.existingClaim) }}true{{ end }}
{{- end }}

{{/* Whether the volume is a claim that exists. */}}
{{- define "gorowatch.existingClaim" -}}
{{- if and .Values.persistence.enabled (not .Values.storage.bucket) .Values.persistence.existingClaim }}true{{ end }}
{{- end }}

{{/* The bucket of a replica: replicas of a shard know the same and write it, so
each after the first has a prefix of its own. Takes the bucket and the replica. */}}
{{- define "gorowatch.bucketOfReplica" -}}
{{- $bucket := index . 0 }}
{{- $prefix := printf "replica-%d/" (index . 1) }}
{{- if regexMatch "[?&]prefix=" $bucket }}
{{- regexReplaceAll "([?&]prefix=[^&]*)" $bucket (print "${1}" $prefix) }}
{{- else }}
{{- printf "%s%sprefix=%s" $bucket (ternary "&" "?" (contains "?" $bucket)) $prefix }}
{{- end }}
{{- end }}
