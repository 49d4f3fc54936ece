{{/* What to do next. */}}
{{- define "gorowatch.notes" -}}
{{- $config := include "gorowatch.config" . | fromYaml -}}
gorowatch {{ .Chart.AppVersion }} is installed in {{ include "gorowatch.namespace" . }}.

1. Look at it. Reading the past takes up to some minutes; then the pages say what is
   watched, and why a service is not leaking:

{{- if .Values.externalUrl }}

   {{ .Values.externalUrl }}
{{- else }}

   kubectl -n {{ include "gorowatch.namespace" . }} port-forward svc/{{ include "gorowatch.fullname" . }} {{ .Values.service.port }}
   http://localhost:{{ .Values.service.port }}{{ include "gorowatch.routePrefix" . }}/

   Alerts link to these pages: set externalUrl.
{{- end }}

2. Series come from {{ if .Values.existingConfigSecret }}what Secret {{ .Values.existingConfigSecret }} says{{ else }}{{ dig "prometheus" "url" "the targets themselves" $config }}{{ end }}. The page "Status" says
   whether it answers.

3. Profiles: let gorowatch read /debug/pprof/ of your services. It asks at the address
   that Prometheus scrapes, or where a pod's annotations say:

   profiles.grafana.com/goroutine.scrape: "true"
   profiles.grafana.com/goroutine.port: "6060"

   The page "Targets" says of each what is missing.
{{- if not (or .Values.existingConfigSecret (dig "alerting" "alertmanagers" "" $config)) }}

4. No alerts are sent yet: set alertmanagers, or watch gorowatch_leaks_firing.
{{- end }}
{{- if and (not .Values.persistence.enabled) (not .Values.storage.bucket) }}

   Profiles and leaks are kept in an emptyDir and are lost with the pod: set
   storage.bucket or persistence.enabled.
{{- end }}
{{- if and (gt (int .Values.shards) 1) .Values.externalUrl (not (contains "$(SHARD)" .Values.externalUrl)) }}

   There are {{ .Values.shards }} shards with one external URL: a link in an alert reaches the right
   pages only by chance. Put $(SHARD) in externalUrl and ingress.hosts.
{{- end }}
{{- $pictures := dig "alerting" "images" "external_url" "" $config }}
{{- if and (gt (int .Values.shards) 1) $pictures (not (contains "$(SHARD)" $pictures)) }}

   There are {{ .Values.shards }} shards with one address for pictures: most pictures are not found.
   Put $(SHARD) in config.alerting.images.external_url.
{{- end }}
{{- end }}
