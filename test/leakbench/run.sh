#!/usr/bin/env bash
# Generates labelled data with the leakbench kit, lets gorowatch judge them,
# and prints its figures beside those of the PromQL rules.
#
#   run.sh [SEED...]            default: 330 331 332, which nothing was tuned on
#
# LEAKBENCH        folder of the kit, default ../shared/leakbench beside the tree
# LEAKBENCH_CACHE  where the data go, default the user's cache folder
# LEAKBENCH_ARGS   further arguments of `leakbench gen`
# GOROWATCH        a binary to score instead of this tree's
# PROFILES=1       generates profiles too and attributes growth to stacks
# BASELINE=0       leaves the PromQL rules out; HONEST=1 runs the honesty check
set -euo pipefail
cd "$(dirname "$0")/../.."
kit=${LEAKBENCH:-../shared/leakbench}
if [ ! -d "$kit" ]; then
	echo "leakbench: skipped, there is no $kit"
	exit 0
fi
cache=${LEAKBENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gorowatch/leakbench}
mkdir -p "$cache"
(cd "$kit" && go build -o "$cache/leakbench" .)
gorowatch=${GOROWATCH:-$cache/gorowatch}
[ -n "${GOROWATCH:-}" ] || go build -o "$gorowatch" ./cmd/gorowatch
[ "${PROFILES:-0}" = 0 ] || LEAKBENCH_ARGS="${LEAKBENCH_ARGS:--days 7 -per-class 4} -profiles"
for seed in "${@:-330 331 332}"; do
	for seed in $seed; do
		name=seed$seed$(echo "${LEAKBENCH_ARGS:-}" | tr -c 'a-zA-Z0-9\n' _)
		data=$cache/$name
		if [ ! -f "$data/truth.json" ]; then
			rm -rf "$data"
			# shellcheck disable=SC2086
			"$cache/leakbench" gen -out "$data" -seed "$seed" ${LEAKBENCH_ARGS:-}
		fi
		echo "== seed $seed ${LEAKBENCH_ARGS:-}"
		profiles=()
		[ "${PROFILES:-0}" = 0 ] || profiles=("--profiles=file://$data/archive")
		time "$gorowatch" scan --tsdb.path="$data/tsdb" "${profiles[@]}" --format=json >"$cache/report.json"
		"$cache/leakbench" score -v -truth "$data/truth.json" -report "$cache/report.json"
		if [ "${BASELINE:-1}" != 0 ]; then
			[ -f "$data/baseline.txt" ] || "$cache/leakbench" baseline -data "$data" >"$data/baseline.txt" 2>/dev/null
			cat "$data/baseline.txt"
		fi
		if [ "${HONEST:-0}" != 0 ]; then
			"$cache/leakbench" honest -gorowatch "$gorowatch" -data "$data"
		fi
	done
done
