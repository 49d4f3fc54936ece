#!/usr/bin/env bash
# Takes the picture of the leak page for README.md: starts the demo, waits for the leak to
# grow for a minute, and writes docs/img/leak-page.png. It needs Chromium.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
chromium=$(type -P chromium || type -P chromium-browser || type -P google-chrome) || {
  echo "there is no Chromium: run test/tools/install.sh chromium" >&2
  exit 1
}
work=$(mktemp -d)
CGO_ENABLED=0 go build -tags slim -o "$work/gorowatch" ./cmd/gorowatch
"$work/gorowatch" demo --web.listen-address=127.0.0.1:0 >"$work/log" &
demo=$!
trap 'kill -INT $demo 2>/dev/null || true; wait $demo || true; rm -rf "$work"' EXIT
for _ in $(seq 120); do
  page=$(sed -n 's/^.*Its page: //p' "$work/log")
  [ -n "$page" ] && break
  sleep 1
done
[ -n "$page" ] || {
  cat "$work/log" >&2
  exit 1
}
sleep 60
"$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-color-profile=srgb --user-data-dir="$work/browser" \
  --window-size=1100,900 --virtual-time-budget=8000 --screenshot="$work/page.png" "$page" 2>/dev/null
mv "$work/page.png" docs/img/leak-page.png
