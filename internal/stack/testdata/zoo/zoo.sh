#!/usr/bin/env bash
# Writes the profiles of zoo as another version of Go does.
#
#   zoo.sh GO NAME      GO is its go command, NAME the beginning of the files
#
# The profiles here are of Debian's Go 1.19 (golang-1.19-go) and of the releases
# that the module golang.org/toolchain has, from 1.20 on: GOTOOLCHAIN=go1.20.14 go
# version downloads one, and GOTOOLCHAIN=go1.20.14 go env GOROOT says where it is.
set -euo pipefail
cd "$(dirname "$0")"
go=$1 out=$PWD/../profiles/$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r *.go queue "$work"
cd "$work"
version=$("$go" env GOVERSION)
printf 'module github.com/gorowatch/gorowatch/internal/stack/testdata/zoo\n\ngo %s\n' "$(sed -E 's/^go([0-9]+\.[0-9]+).*/\1/' <<<"$version")" >go.mod
GOTOOLCHAIN=local GOFLAGS=-mod=mod "$go" build -trimpath -o zoo .
./zoo "$out"
