#!/usr/bin/env bash
# Makes fixed.mod: go.mod with the releases that cases.yaml calls fixed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cp go.mod fixed.mod
cp go.sum fixed.sum
awk '$1 == "module:" { m = $2 } $1 == "fixed:" { print m "@" $2 }' cases.yaml |
	xargs go get -modfile=fixed.mod
