#!/usr/bin/env bash
# The main job, to look at: a stand-in for Stokt, an import from it into SQLite, and the server; all end with Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${CARGO_TARGET_DIR:-target}/debug
work=$(mktemp -d "${TMPDIR:-/tmp}/mastoc-demo.XXXXXX")
pids=()
stop() {
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
  echo "demo: stopped, nothing left behind"
}
trap stop EXIT
trap 'exit 0' INT TERM

port=$PORT
. .make/no-settings.sh

sim=(--port 0 --ready-file "$work/stokt.json")
if [ -n "${DATA:-}" ]; then
  [ -f "$DATA/setup.json" ] || { echo "error: DATA=$DATA has no setup.json; name a folder with setup.json, climbs.json and wall.jpg" >&2; exit 2; }
  sim+=(--data "$DATA")
fi
echo "== 1. a stand-in for Stokt"
"$bin/stokt-sim" "${sim[@]}" >"$work/stokt.log" 2>&1 &
pids+=($!)
for _ in $(seq 300); do
  [ -s "$work/stokt.json" ] && break
  kill -0 "${pids[0]}" 2>/dev/null || { cat "$work/stokt.log" >&2; exit 1; }
  sleep 0.1
done
[ -s "$work/stokt.json" ] || { echo "error: the stand-in did not start" >&2; cat "$work/stokt.log" >&2; exit 1; }
field() { sed -nE "s/.*\"$1\" *: *\"([^\"]*)\".*/\1/p" "$work/stokt.json" | head -n 1; }
stokt=$(field base_url)
echo "   $stokt"

echo "== 2. import its board, pictures included"
STOKT_TOKEN=$(field token) "$bin/mastoc-import" --stokt-url "$stokt" --gym "$(field gym_id)" --data-dir "$work/data"

echo "== 3. serve it"
# Both are there before they are looked at.
: >"$work/server.out" 2>"$work/server.log"
MASTOC_BIND="127.0.0.1:$port" MASTOC_ACCESS=public-read \
  "$bin/mastoc-server" serve --data-dir "$work/data" >"$work/server.out" 2>"$work/server.log" &
pids+=($!)
url=
for _ in $(seq 100); do
  url=$(sed -nE 's/.*listening on (http:[^ ]*).*/\1/p' "$work/server.out" | head -n 1)
  [ -n "$url" ] && break
  kill -0 "${pids[1]}" 2>/dev/null || { cat "$work/server.log" >&2; exit 1; }
  sleep 0.1
done
[ -n "$url" ] || { echo "error: the server did not start" >&2; cat "$work/server.log" >&2; exit 1; }
face=$(curl -fsS "$url/api/faces" 2>/dev/null | sed -nE 's/.*"id":"([^"]+)".*/\1/p' | head -n 1 || true)
picture=$(curl -fsS "$url/api/faces" 2>/dev/null | sed -nE 's/.*"picture_path":"([^"]+)".*/\1/p' | head -n 1 || true)
cat <<TXT

The board is served at $url (reading is open for this demo).

  open   $url/docs                              the API, to try out
  open   $url/static/${picture:-...}
  try    curl '$url/api/climbs?page_size=5'
  try    curl '$url/api/climbs?search=a&grade_min=6A&grade_max=7A&sort=-grade'
  try    curl '$url/api/faces/${face:-ID}/setup'
  try    curl '$url/api/changes?since=0'

Ctrl-C stops everything.
TXT
wait "${pids[1]}"
