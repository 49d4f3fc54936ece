package origin

import "strings"

// programs are the modules of well-known servers, or the owners of several, that most people run
// as somebody else has built them. Profiles show no version of these, because they are the main
// module.
var programs = []string{
	"code.gitea.io/gitea",
	"github.com/VictoriaMetrics/VictoriaMetrics",
	"github.com/argoproj/argo-cd",
	"github.com/caddyserver/caddy",
	"github.com/cilium/cilium",
	"github.com/cockroachdb/cockroach",
	"github.com/containerd/containerd",
	"github.com/coredns/coredns",
	"github.com/docker/docker",
	"github.com/dgraph-io/dgraph",
	"github.com/fluxcd",
	"github.com/goharbor/harbor",
	"github.com/grafana",
	"github.com/hashicorp/consul",
	"github.com/hashicorp/nomad",
	"github.com/hashicorp/vault",
	"github.com/influxdata/influxdb",
	"github.com/influxdata/telegraf",
	"github.com/ipfs/kubo",
	"github.com/jaegertracing/jaeger",
	"github.com/kubernetes/kubernetes",
	"github.com/minio/minio",
	"github.com/moby/moby",
	"github.com/nats-io/nats-server",
	"github.com/ollama/ollama",
	"github.com/open-telemetry/opentelemetry-collector",
	"github.com/prometheus",
	"github.com/rclone/rclone",
	"github.com/rqlite/rqlite",
	"github.com/seaweedfs/seaweedfs",
	"github.com/syncthing/syncthing",
	"github.com/thanos-io/thanos",
	"github.com/tikv/pd",
	"github.com/pingcap/tidb",
	"github.com/traefik/traefik",
	"go.etcd.io/etcd",
	"istio.io/istio",
	"k8s.io/kubernetes",
}

// ProgramOf returns the program that somebody else has released, by the file of its function
// main: it comes from a module with a version, as after go install of a version, or is of a
// well-known server. It is empty for the user's own program.
func ProgramOf(file string) string {
	if m, ok := ModuleOf(file); ok {
		return m.String()
	}
	for _, p := range programs {
		_, rest, ok := strings.Cut("/"+file, "/"+p+"/")
		if !ok {
			continue
		}
		if strings.Count(p, "/") == 1 && strings.HasPrefix(p, "github.com/") { // all of an owner
			repository, _, _ := strings.Cut(rest, "/")
			p += "/" + repository
		}
		return p
	}
	return ""
}
