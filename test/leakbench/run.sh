#!/usr/bin/env bash
# Generates labelled data with the kit beside this script, lets gorowatch judge
# them, and prints one table over all seeds: healthy services alarmed, filling
# pools alarmed, leaks found, found in 24 hours, and delays, by class.
#
#   run.sh [SEED...]            default: 330 331 332
#
# CLASSES=public   classes or sets of them: public, hard, all, or a list of names
# PER_CLASS=8      services of each class (4 with PROFILES=1)
# DAYS=10          days of data (7 with PROFILES=1)
# PROFILES=1       also generates a profile every 30 minutes, and attributes growth
# DETAILS=1        also prints all figures of each seed
# BASELINE=1       also prints the figures of PromQL rules on the same data
# HONEST=1         also checks that no verdict depends on later data
# LEAKBENCH_ARGS   further arguments of `leakbench gen`
# LEAKBENCH_CACHE  where the data go, default dist/leakbench
# GOROWATCH        a binary to score instead of this tree's
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "${LEAKBENCH_CACHE:=dist/leakbench}"
cache=$(cd "$LEAKBENCH_CACHE" && pwd)
go -C test/leakbench/kit build -buildvcs=false -o "$cache/leakbench" .
gorowatch=${GOROWATCH:-$cache/gorowatch}
[ -n "${GOROWATCH:-}" ] || go build -o "$gorowatch" ./cmd/gorowatch

# Another kit makes other data: what it made before is of no use.
kit=$(sha256sum "$cache/leakbench" | cut -c1-12)
find "$cache" -mindepth 1 -maxdepth 1 -type d ! -name "$kit" -exec rm -rf {} +
mkdir -p "$cache/$kit"

classes=${CLASSES:-public} per_class=${PER_CLASS:-8} days=${DAYS:-10}
args=()
if [ "${PROFILES:-0}" != 0 ]; then
	per_class=${PER_CLASS:-4} days=${DAYS:-7}
	args=(-profiles)
fi
read -ra more <<<"${LEAKBENCH_ARGS:-}"
args=(-classes "$classes" -per-class "$per_class" -days "$days" "${args[@]}" "${more[@]}")

pairs=()
# Seeds may come in one argument, as from make.
for seed in ${*:-330 331 332}; do
	name=$(echo "seed$seed ${args[*]}" | tr -c 'a-zA-Z0-9\n' _)
	data=$cache/$kit/$name
	if [ ! -f "$data/truth.json" ]; then
		rm -rf "$data"
		"$cache/leakbench" gen -out "$data" -seed "$seed" "${args[@]}"
	fi
	echo "== seed $seed ${args[*]}"
	profiles=()
	[ "${PROFILES:-0}" = 0 ] || profiles=("--profiles=file://$data/archive")
	time "$gorowatch" scan --tsdb.path="$data/tsdb" "${profiles[@]}" --format=json >"$data/report.json"
	pairs+=(-pair "$data/truth.json,$data/report.json")
	[ "${DETAILS:-0}" = 0 ] || "$cache/leakbench" score -v -truth "$data/truth.json" -report "$data/report.json"
	if [ "${BASELINE:-0}" != 0 ]; then
		[ -f "$data/baseline.txt" ] || "$cache/leakbench" baseline -data "$data" >"$data/baseline.txt" 2>/dev/null
		cat "$data/baseline.txt"
	fi
	[ "${HONEST:-0}" = 0 ] || "$cache/leakbench" honest -gorowatch "$gorowatch" -data "$data"
done
"$cache/leakbench" table "${pairs[@]}"
