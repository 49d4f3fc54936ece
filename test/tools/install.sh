#!/usr/bin/env bash
# Puts the real servers that the end-to-end tests run into a cache outside the
# tree, one folder per version, and prints that folder's parent. What is there
# already is left alone, so only the first run is slow.
#
#   test/tools/install.sh [prometheus] [alertmanager] [redis]
#
# GOROWATCH_TOOLS overrides the cache (default: ~/.cache/gorowatch-tools).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${GOROWATCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gorowatch-tools}
mkdir -p "$cache"
work=$(mktemp -d "$cache/.build.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

say() { echo "tools: $*" >&2; }

# version MODULE_DIR MODULE prints the version that the tool module pins.
version() { (cd "$here/$1" && go list -m -f '{{.Version}}' "$2"); }

# publish NAME VERSION moves what was built into place: whole or not at all.
publish() {
  mkdir -p "$cache/$1"
  rm -rf "${cache:?}/$1/$2"
  mv "$work/$1" "$cache/$1/$2"
  ln -sfn "$2" "$cache/$1/current"
}

prometheus() {
  local v
  v=$(version prometheus github.com/prometheus/prometheus)
  if [ ! -x "$cache/prometheus/$v/promtool" ]; then
    say "building Prometheus $v (some minutes, once)"
    mkdir -p "$work/prometheus"
    (cd "$here/prometheus" && go build -tags remove_all_sd \
      -ldflags "-s -w -X github.com/prometheus/common/version.Version=${v#v0.}" -o "$work/prometheus/" \
      github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool)
    publish prometheus "$v"
  fi
  ln -sfn "$v" "$cache/prometheus/current"
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
    cp -r "$src" "$work/src" && chmod -R u+w "$work/src"
    mkdir -p "$work/src/ui/app/dist" && echo '<title>Alertmanager</title>' >"$work/src/ui/app/dist/index.html"
    (cd "$work/src" && go build -ldflags "-s -w -X github.com/prometheus/common/version.Version=${v#v}" \
      -o "$work/alertmanager/" ./cmd/alertmanager ./cmd/amtool)
    publish alertmanager "$v"
  fi
  ln -sfn "$v" "$cache/alertmanager/current"
}

# Redis comes from Debian: unpacked, not installed, so nothing is started.
redis() {
  local out=$cache/redis/debian
  command -v redis-server >/dev/null && { mkdir -p "$out" && ln -sf "$(command -v redis-server)" "$out/redis-server"; }
  if [ ! -x "$out/redis-server" ]; then
    say "installing redis-server from Debian"
    [ "$(id -u)" = 0 ] || { say "redis-server is missing: apt-get install redis-server"; exit 1; }
    apt-get update -qq >&2
    # The policy file keeps the package from starting a server of its own.
    local policy=/usr/sbin/policy-rc.d
    [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; trap 'rm -f /usr/sbin/policy-rc.d; chmod -R u+w "$work"; rm -rf "$work"' EXIT; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >&2
    mkdir -p "$out" && ln -sf "$(command -v redis-server)" "$out/redis-server"
  fi
  ln -sfn debian "$cache/redis/current"
}

[ $# -gt 0 ] || set -- prometheus alertmanager redis
for tool in "$@"; do
  case $tool in
    prometheus | alertmanager | redis) "$tool" ;;
    *) say "unknown tool $tool: prometheus, alertmanager or redis"; exit 2 ;;
  esac
done
echo "$cache"
