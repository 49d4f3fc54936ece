#!/usr/bin/env bash
# Puts the real servers that the end-to-end tests run into a cache outside the
# tree, one folder per version, and prints the cache's path. What is there
# already is left alone, so only the first run is slow.
#
#   test/tools/install.sh [prometheus] [alertmanager] [consul] [redis] [victoriametrics] [etcd] [cc] [helm] [compose] [actionlint] [chromium] [firefox] [axe] [goreleaser] [lint] [kubernetes] [kubectl]
#
# Without arguments: all but goreleaser, lint, kubernetes and kubectl. Only redis, victoriametrics,
# etcd, chromium, firefox, npm (which fetches axe-core, the accessibility checker) and cc (a C compiler, for the race
# detector) come from the system's packages: where they are missing the script
# wants Debian or Ubuntu, and root.
#
# GOROWATCH_TOOLS overrides the cache (default: ~/.cache/gorowatch-tools).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${GOROWATCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gorowatch-tools}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
work=$(mktemp -d "$cache/.build.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
# A workspace or build flags of the caller are not meant for the tools.
export GOWORK=off GOFLAGS=-buildvcs=false

say() { echo "tools: $*" >&2; }

# version MODULE_DIR MODULE prints the version that the tool module pins.
version() { (cd "$here/$1" && go list -m -f '{{.Version}}' "$2"); }

# publish NAME VERSION moves what was built into place: whole or not at all.
publish() {
  mkdir -p "$cache/$1"
  rm -rf "${cache:?}/$1/$2"
  mv "$work/$1" "$cache/$1/$2"
}

# current NAME VERSION makes a version the one that the tests run.
current() { ln -sfn "$2" "$cache/$1/current"; }

# packages NAME... installs Debian packages.
packages() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "missing: $* (as root: apt-get install $*)"
    exit 1
  fi
  say "installing $* from the system's packages"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

prometheus() {
  local v release
  v=$(version prometheus github.com/prometheus/prometheus)
  if [ ! -x "$cache/prometheus/$v/promtool" ]; then
    say "building Prometheus $v (some minutes, once)"
    # The module of release 3.15.0 is v0.315.0.
    [[ $v =~ ^v0\.([0-9])0?([0-9]+)\.([0-9]+)$ ]] && release="${BASH_REMATCH[1]}.${BASH_REMATCH[2]}.${BASH_REMATCH[3]}"
    mkdir -p "$work/prometheus"
    (cd "$here/prometheus" && go build -tags remove_all_sd \
      -ldflags "-s -w -X github.com/prometheus/common/version.Version=${release:-$v}" -o "$work/prometheus/" \
      github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool)
    publish prometheus "$v"
  fi
  current prometheus "$v"
}

# The module of Alertmanager lacks its built web UI, which it embeds: build in
# a copy that has an empty one.
alertmanager() {
  local v src
  v=$(version alertmanager github.com/prometheus/alertmanager)
  if [ ! -x "$cache/alertmanager/$v/amtool" ]; then
    say "building Alertmanager $v (some minutes, once)"
    mkdir -p "$work/alertmanager"
    (cd "$here/alertmanager" && go mod download github.com/prometheus/alertmanager)
    src=$(cd "$here/alertmanager" && go list -m -f '{{.Dir}}' github.com/prometheus/alertmanager)
    cp -r "$src" "$work/src"
    chmod -R u+w "$work/src"
    mkdir -p "$work/src/ui/app/dist"
    echo '<title>Alertmanager</title>' >"$work/src/ui/app/dist/index.html"
    (cd "$work/src" && go build -ldflags "-s -w -X github.com/prometheus/common/version.Version=${v#v}" \
      -o "$work/alertmanager/" ./cmd/alertmanager ./cmd/amtool)
    publish alertmanager "$v"
  fi
  current alertmanager "$v"
}

# Consul is the last under the Mozilla licence whose modules stand for themselves.
# What it needs of golang.org/x/net is older than the linker's rules.
consul() {
  local v
  v=$(version consul github.com/hashicorp/consul)
  if [ ! -x "$cache/consul/$v/consul" ]; then
    say "building Consul $v (some minutes, once)"
    mkdir -p "$work/consul"
    (cd "$here/consul" && CGO_ENABLED=0 go build -ldflags "-s -w -checklinkname=0" -o "$work/consul/" github.com/hashicorp/consul)
    publish consul "$v"
  fi
  current consul "$v"
}

# Helm renders the chart, kubeconform checks the result against the schemas of two
# versions of Kubernetes, of the Prometheus operator and of the Gateway API, and kustomize
# builds the plain manifests.
helm() {
  local v
  v=$(version helm helm.sh/helm/v3)
  if [ ! -x "$cache/helm/$v/kustomize" ]; then
    say "building Helm $v, kubeconform and kustomize (some minutes, once)"
    mkdir -p "$work/helm"
    (cd "$here/helm" && go build -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$v
      -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=36" -o "$work/helm/" \
      helm.sh/helm/v3/cmd/helm github.com/yannh/kubeconform/cmd/kubeconform sigs.k8s.io/kustomize/kustomize/v5)
    publish helm "$v"
  fi
  current helm "$v"
  schemas
}

# Modules are where the descriptions of the APIs are had from; nothing of them
# is built.
kubernetes_versions=(v1.32.13 v1.36.3)
operator_version=v0.85.0
gateway_version=v1.4.1
rollouts_version=v1.8.5
flagger_version=v1.36.1
schemas() {
  local v k crds
  v=$(IFS=+ && echo "${kubernetes_versions[*]}+$operator_version+$gateway_version+$rollouts_version+$flagger_version")
  if [ ! -d "$cache/schemas/$v" ]; then
    say "making the schemas of Kubernetes ${kubernetes_versions[*]}, the Prometheus operator $operator_version, the Gateway API $gateway_version, Argo Rollouts $rollouts_version and Flagger $flagger_version"
    mkdir -p "$work/schemas/crds"
    (cd "$here/helm" && go build -o "$work/make-schemas" ./schemas)
    crds=$(module github.com/prometheus-operator/prometheus-operator "$operator_version")/example/prometheus-operator-crd
    cp "$crds"/monitoring.coreos.com_{podmonitors,servicemonitors,prometheusrules}.yaml "$work/schemas/crds/"
    cp "$(module sigs.k8s.io/gateway-api "$gateway_version")/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml" "$work/schemas/crds/"
    # For deploy/rollouts, and no part of what kubeconform knows.
    mkdir "$work/schemas/rollouts"
    cp "$(module github.com/argoproj/argo-rollouts "$rollouts_version")/manifests/crds/analysis-template-crd.yaml" "$work/schemas/rollouts/"
    awk 'BEGIN { RS = "\n---\n" } /\n  name: metrictemplates\.flagger\.app\n/' \
      "$(module github.com/fluxcd/flagger "$flagger_version")/artifacts/flagger/crd.yaml" >"$work/schemas/rollouts/metric-template-crd.yaml"
    chmod u+w "$work/schemas/crds/"* "$work/schemas/rollouts/"*
    for k in "${kubernetes_versions[@]}"; do
      "$work/make-schemas" "$work/schemas/$k" "$(module k8s.io/kubernetes "$k")/api/openapi-spec/swagger.json" "$work/schemas/crds/"*.yaml
    done
    publish schemas "$v"
  fi
  current schemas "$v"
}

# module MODULE VERSION downloads a module and prints its folder.
module() { (cd "$work" && go mod download -json "$1@$2" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'); }

# The server and the checker of dumps are one binary that goes by its name, and
# Debian has it in redis-tools: so no package is needed that would start a
# server of its own.
redis() {
  local binary
  if ! binary=$(command -v redis-server || command -v redis-check-rdb); then
    packages redis-tools
    binary=$(command -v redis-check-rdb)
  fi
  mkdir -p "$cache/redis/system"
  ln -sfn "$binary" "$cache/redis/system/redis-server"
  if ! "$cache/redis/system/redis-server" --version >&2; then
    say "$binary is no Redis server"
    exit 1
  fi
  current redis system
}

# VictoriaMetrics is Debian's, unpacked beside the others: installed, it would
# start a server of its own.
victoriametrics() {
  local deb
  if [ ! -x "$cache/victoriametrics/debian/victoria-metrics" ]; then
    say "fetching victoria-metrics from the system's packages"
    mkdir -p "$work/victoriametrics"
    (cd "$work" && { apt-get download -qq victoria-metrics || { apt-get update -qq && apt-get download -qq victoria-metrics; }; }) >&2
    deb=$(echo "$work"/victoria-metrics_*.deb)
    dpkg -x "$deb" "$work/deb"
    mv "$work/deb/usr/bin/victoria-metrics" "$work/victoriametrics/"
    publish victoriametrics debian
  fi
  current victoriametrics debian
}

# etcd is Debian's too, for the same reason.
etcd() {
  if [ ! -x "$cache/etcd/debian/etcd" ]; then
    say "fetching etcd from the system's packages"
    mkdir -p "$work/etcd"
    (cd "$work" && { apt-get download -qq etcd-server || { apt-get update -qq && apt-get download -qq etcd-server; }; }) >&2
    dpkg -x "$work"/etcd-server_*.deb "$work/etcd-deb"
    mv "$work/etcd-deb/usr/bin/etcd" "$work/etcd/"
    publish etcd debian
  fi
  current etcd debian
}

cc() { command -v "${CC:-gcc}" >/dev/null || packages gcc libc6-dev; }

# A path is asked for: `command -v` would find this very function.
chromium() {
  type -P chromium >/dev/null || type -P chromium-browser >/dev/null || type -P google-chrome >/dev/null ||
    packages chromium fonts-dejavu-core
}

firefox() { type -P firefox-esr >/dev/null || type -P firefox >/dev/null || packages firefox-esr fonts-dejavu-core; }

# The checker is a script that the tests run in the pages.
axe() {
  local v=4.14.1
  if [ ! -f "$cache/axe/$v/axe.min.js" ]; then
    command -v npm >/dev/null || packages npm
    say "fetching axe-core $v"
    mkdir -p "$work/axe"
    (cd "$work" && npm pack --silent "axe-core@$v" >/dev/null && tar xzf "axe-core-$v.tgz")
    mv "$work/package/axe.min.js" "$work/package/LICENSE" "$work/axe/"
    publish axe "$v"
  fi
  current axe "$v"
}

lint() {
  local v
  v=$(version lint github.com/golangci/golangci-lint/v2)
  if [ ! -x "$cache/lint/$v/golangci-lint" ]; then
    say "building golangci-lint $v (some minutes, once)"
    mkdir -p "$work/lint"
    (cd "$here/lint" && go build -ldflags "-s -w -X main.version=${v#v}" -o "$work/lint/" github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
    publish lint "$v"
  fi
  current lint "$v"
}

# actionlint checks the workflows of .github.
actionlint() {
  local v
  v=$(version actionlint github.com/rhysd/actionlint)
  if [ ! -x "$cache/actionlint/$v/actionlint" ]; then
    say "building actionlint $v"
    mkdir -p "$work/actionlint"
    (cd "$here/actionlint" && CGO_ENABLED=0 go build -ldflags "-s -w" -o "$work/actionlint/" github.com/rhysd/actionlint/cmd/actionlint)
    publish actionlint "$v"
  fi
  current actionlint "$v"
}

goreleaser() {
  local v
  v=$(version goreleaser github.com/goreleaser/goreleaser/v2)
  if [ ! -x "$cache/goreleaser/$v/goreleaser" ]; then
    say "building goreleaser $v (some minutes, once)"
    mkdir -p "$work/goreleaser"
    (cd "$here/goreleaser" && go build -ldflags "-s -w -X main.version=${v#v}" -o "$work/goreleaser/goreleaser" github.com/goreleaser/goreleaser/v2)
    publish goreleaser "$v"
  fi
  current goreleaser "$v"
}

# of_kubernetes COMMAND FOLDER VERSION builds a command of Kubernetes. kubectl and
# client libraries cannot read a version that was not linked in.
of_kubernetes() {
  local minor=${3#v1.}
  (cd "$here/kubernetes" && CGO_ENABLED=0 go build -ldflags "-s -w \
    -X k8s.io/component-base/version.gitVersion=$3 \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=${minor%%.*}" \
    -o "$2" "k8s.io/kubernetes/cmd/$1")
}

# The API server and the etcd that it keeps its objects in.
kubernetes() {
  local v
  v=$(version kubernetes k8s.io/kubernetes)
  if [ ! -x "$cache/kubernetes/$v/kube-apiserver" ]; then
    say "building kube-apiserver $v and etcd (some minutes, once)"
    mkdir -p "$work/kubernetes"
    (cd "$here/kubernetes" && CGO_ENABLED=0 go build -ldflags "-s -w" -o "$work/kubernetes/etcd" go.etcd.io/etcd/server/v3)
    of_kubernetes kube-apiserver "$work/kubernetes/" "$v"
    publish kubernetes "$v"
  fi
  current kubernetes "$v"
}

# kubectl of the API server's version.
kubectl() {
  local v
  v=$(version kubernetes k8s.io/kubernetes)
  if [ ! -x "$cache/kubectl/$v/kubectl" ]; then
    say "building kubectl $v (a minute or two, once)"
    mkdir -p "$work/kubectl"
    of_kubernetes kubectl "$work/kubectl/" "$v"
    publish kubectl "$v"
  fi
  current kubectl "$v"
}

# What docker compose reads its files with.
compose() {
  local v
  v=$(version compose github.com/compose-spec/compose-go/v2)
  if [ ! -x "$cache/compose/$v/compose" ]; then
    say "building the reader of compose files $v"
    mkdir -p "$work/compose"
    (cd "$here/compose" && go build -ldflags "-s -w" -o "$work/compose/" .)
    publish compose "$v"
  fi
  current compose "$v"
}

[ $# -gt 0 ] || set -- prometheus alertmanager consul redis victoriametrics etcd cc helm compose actionlint chromium firefox axe
for name in "$@"; do
  case $name in
    prometheus | alertmanager | consul | redis | victoriametrics | etcd | cc | helm | compose | actionlint | chromium | firefox | axe | goreleaser | lint | kubernetes | kubectl) "$name" ;;
    *)
      say "unknown tool $name: prometheus, alertmanager, consul, redis, victoriametrics, etcd, cc, helm, compose, actionlint, chromium, firefox, axe, goreleaser, lint, kubernetes or kubectl"
      exit 2
      ;;
  esac
done
echo "$cache"
