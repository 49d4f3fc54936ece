#!/usr/bin/env bash
# Scans labelled data with each constant of the judge 20 % smaller and larger, and
# prints what it moves. Then it deals the classes out to folds, takes for each fold the
# variant that does best on the others, and prints the figures on the classes left out.
# Reports are kept: a second run continues where the first one ended.
#
#   vary.sh [SEED...]     default: 7101
#
# CLASSES=all  PER_CLASS=1  DAYS=8
# ARGS           further arguments of the scan; default: CPU time as the load
# VARY_ARGS      further arguments of `leakbench vary`
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p dist/vary
go -C test/leakbench/kit build -buildvcs=false -o "$PWD/dist/vary/leakbench" .
data=()
for seed in ${*:-7101}; do
	dir=dist/vary/seed$seed-${CLASSES:-all}-${PER_CLASS:-1}-${DAYS:-8}
	[ -f "$dir/truth.json" ] || dist/vary/leakbench gen -out "$dir" -seed "$seed" -classes "${CLASSES:-all}" -per-class "${PER_CLASS:-1}" -days "${DAYS:-8}"
	data+=("$dir")
done
read -ra more <<<"${VARY_ARGS:-}"
dist/vary/leakbench vary -root . -data "$(IFS=,; echo "${data[*]}")" -out dist/vary/reports -args "${ARGS:---load=process_cpu_seconds_total}" "${more[@]}"
