package promapi

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestVersions(t *testing.T) {
	var asked string
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request, expr string) {
		asked = r.URL.Path + " " + expr
		var result []any
		for _, metric := range []map[string]string{
			{"__name__": "go_build_info", "job": "shop", "instance": "a", "version": "v0.0.0-2026", "path": "x"},
			{"__name__": "shop_build_info", "job": "shop", "instance": "a", "version": "1.42.0"},
			{"__name__": "go_build_info", "job": "shop", "instance": "b", "version": "v1.41.0"},
			{"__name__": "go_build_info", "job": "shop", "instance": "c", "version": "(devel)"},
			{"__name__": "build_info", "job": "shop", "instance": "d", "version": "7"},
			{"__name__": "lib_build_info", "job": "shop", "instance": "d", "version": "2"},
			{"__name__": "lib_build_info", "job": "shop", "instance": "e", "version": "2"},
			{"__name__": "shop_build_info", "job": "shop", "instance": "e", "version": "3"},
			{"__name__": "lib_build_info", "job": "shop", "instance": "f", "version": "2"},
			{"__name__": "shop_build_info", "job": "shop", "instance": "f", "version": "3"},
			{"__name__": "target_info", "job": "shop", "instance": "e", "service_version": "4", "version": "none"},
			{"__name__": "target_info", "job": "shop", "instance": "d", "service_version": "5"},
			{"__name__": "target_info", "job": "shop", "instance": "o", "service_version": "6", "k8s_pod_name": "p2"},
			{"__name__": "target_info", "job": "shop", "instance": "q", "k8s_pod_name": "p2"},
			{"__name__": "kube_pod_container_info", "job": "ksm", "instance": "k", "namespace": "prod", "pod": "p1", "container": "app", "image": "registry:5000/shop/app:v9@sha256:abc"},
			{"__name__": "kube_pod_container_info", "job": "ksm", "instance": "k", "namespace": "prod", "pod": "p1", "container": "proxy", "image": "proxy:v1"},
			{"__name__": "kube_pod_container_info", "job": "ksm", "instance": "k", "namespace": "prod", "pod": "p2", "container": "app", "image": "registry:5000/shop/app:v8"},
			{"__name__": "kube_pod_container_info", "job": "ksm", "instance": "k", "namespace": "prod", "pod": "p3", "container": "app", "image": "registry:5000/shop/app"},
		} {
			result = append(result, map[string]any{"metric": metric, "value": []any{t0.Unix(), "1"}})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "vector", "result": result}})
	})
	version, err := s.Versions(t.Context(), t0)
	require.NoError(t, err)
	require.Equal(t, `/api/v1/query {__name__=~"(.+_)?build_info|target_info|kube_pod_container_info"}`, asked)
	for name, c := range map[string]struct {
		labels []string
		want   string
	}{
		"of the program before Go's":          {[]string{"instance", "a"}, "1.42.0"},
		"Go's where there is no other":        {[]string{"instance", "b"}, "v1.41.0"},
		"a build without one":                 {[]string{"instance", "c"}, ""},
		"build_info before all others":        {[]string{"instance", "d"}, "7"},
		"OpenTelemetry's before others":       {[]string{"instance", "e"}, "4"},
		"OpenTelemetry's alone":               {[]string{"instance", "o"}, "6"},
		"OpenTelemetry says none":             {[]string{"instance", "q"}, ""},
		"two that contradict":                 {[]string{"instance", "f"}, ""},
		"nobody":                              {[]string{"instance", "x"}, ""},
		"image of the container":              {[]string{"instance", "x", "namespace", "prod", "pod", "p1", "container", "app"}, "v9"},
		"which container is not known":        {[]string{"instance", "x", "namespace", "prod", "pod", "p1"}, ""},
		"the only container":                  {[]string{"instance", "x", "namespace", "prod", "pod", "p2"}, "v8"},
		"image without a tag":                 {[]string{"instance", "x", "namespace", "prod", "pod", "p3"}, ""},
		"pod of that name elsewhere":          {[]string{"instance", "x", "namespace", "dev", "pod", "p2"}, ""},
		"image before what Go has stamped":    {[]string{"instance", "b", "namespace", "prod", "pod", "p2"}, "v8"},
		"what the program says before images": {[]string{"instance", "a", "namespace", "prod", "pod", "p2"}, "1.42.0"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, version(labels.FromStrings(append([]string{"job", "shop"}, c.labels...)...)))
		})
	}
}

func TestVersionsOfWhatIsWatched(t *testing.T) {
	for selector, want := range map[string]string{
		"":                                `{__name__=~"(.+_)?build_info|target_info|kube_pod_container_info"}`,
		"{}":                              `{__name__=~"(.+_)?build_info|target_info|kube_pod_container_info"}`,
		`{namespace="prod",job=~"a|b.*"}`: `{__name__=~"(.+_)?build_info|target_info|kube_pod_container_info",namespace="prod",job=~"a|b.*"}`,
	} {
		require.Equal(t, want, versionExpr(selector))
	}
}

func TestVersionsThatCannotBeRead(t *testing.T) {
	s, _ := server(t, func(w http.ResponseWriter, _ *http.Request, _ string) { http.Error(w, "no", http.StatusForbidden) })
	_, err := s.Versions(t.Context(), t0)
	require.Equal(t, collector.ReasonUnauthorized, collector.ReasonOf(err))
	require.NotContains(t, err.Error(), "hunter2")
	s, _ = server(t, func(w http.ResponseWriter, _ *http.Request, _ string) { matrix(w, nil) })
	_, err = s.Versions(t.Context(), t0)
	require.Equal(t, collector.ReasonBadData, collector.ReasonOf(err))
}
