#!/usr/bin/env bash
# Synchronisation both ways, told as a story on the demo board: edits on both sides, a dry run, a run, a conflict and its
# settlement, a kill in the middle of sending and the recovery. Ends by itself and leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "${BIN_DIR:-${CARGO_TARGET_DIR:-target}/debug}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/mastoc-demo.XXXXXX")
pids=()
stop() {
  code=$?
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
  [ "$code" = 0 ] || echo "demo-sync: ended early, with code $code" >&2
  exit "$code"
}
trap stop EXIT
trap 'exit 130' INT TERM

. .make/no-settings.sh
# Short paths, so that the lines stay readable.
cd "$work"
export MASTOC_DATA_DIR=data

chapter() { printf '\n\n== %s\n' "$1"; }
say() { printf '   %s\n' "$@"; }
fail() { echo "demo-sync: $1" >&2; exit 1; }
# The first text under a name in JSON.
field() { grep -oE "\"$1\" ?: ?\"[^\"]*\"" | head -n 1 | sed -E 's/^[^:]*: ?"(.*)"$/\1/'; }
# run CODE COMMAND...: shows a command, its output and its exit code, which must be CODE.
run() {
  local want=$1 got=0
  shift
  printf '\n$ %s\n' "$*"
  "$bin/$1" "${@:2}" 2>&1 | sed 's/^/  | /' || got=${PIPESTATUS[0]}
  echo "  (exit code $got)"
  [ "$got" = "$want" ] || fail "the command above should have ended with code $want"
}

chapter "1. Stokt (a stand-in for it on this machine), where Vera has just set two more climbs with her phone"
# The fifth climb that is created will be, but whoever sent it will wait in vain for the answer: chapter 6 needs that.
"$bin/stokt-sim" --port 0 --holds 200 --climbs 120 --setters 12 --picture-size 905x1200 --ready-file stokt.json \
  --fault 'slow-answer:method=POST,path=/api/faces/*/climbs,skip=4,times=1,ms=600000' >stokt.log 2>&1 &
pids+=($!)
for _ in $(seq 300); do
  [ -s stokt.json ] && break
  kill -0 "${pids[0]}" 2>/dev/null || { cat stokt.log >&2; exit 1; }
  sleep 0.1
done
[ -s stokt.json ] || fail "the stand-in did not start"
STOKT_URL=$(field base_url <stokt.json)
STOKT_TOKEN=$(field token <stokt.json)
STOKT_GYM=$(field gym_id <stokt.json)
export STOKT_URL STOKT_TOKEN STOKT_GYM
# phone METHOD PATH [BODY]: what the phone's app asks of Stokt.
phone() {
  curl -fsS -X "$1" "$STOKT_URL$2" -H "Authorization: Token $STOKT_TOKEN" -H 'Content-Type: application/json' ${3:+-d "$3"}
}
face=$(phone GET "/api/gyms/$STOKT_GYM/walls" | grep -oE '"faces" ?: ?\[.*' | field id)
holds=$(phone GET "/api/faces/$face/setup" | grep -oE '"id" ?: ?"?[0-9]+' | grep -oE '[0-9]+$' | head -n 40 | tr '\n' ' ')
read -ra holds <<<"$holds"
[ "${#holds[@]}" -ge 40 ] || fail "the stand-in's board has too few holds"
# sets NAME N: a climb on the N-th holds, set at Stokt; its id is printed.
sets() {
  phone POST "/api/faces/$face/climbs" "{\"name\": \"$1\", \"holdsList\": {\"start\": [\"${holds[$2]}\"], \"others\": [\"${holds[$2 + 1]}\", \"${holds[$2 + 2]}\"], \"feetOnly\": [], \"top\": [\"${holds[$2 + 3]}\"]}, \"feetRule\": \"Feet follow hands\", \"grade\": {\"gradingSystem\": \"font\", \"value\": \"6a\"}}" | field id
}
slab=$(sets "Morning slab" 0)
roof=$(sets "The big roof" 4)
at_stokt() { phone GET "/api/gyms/$STOKT_GYM/my-set-climbs" | grep -oE '"name" ?: ?"[^"]*"' | sed -E 's/^[^:]*: ?"(.*)"$/\1/' | sort | sed 's/^/     /'; }
say "$STOKT_URL; Vera's climbs there:"
at_stokt

chapter "2. the board comes here, whole"
run 0 mastoc-import

chapter "3. a server for the people here, and edits on both sides"
say "both sides agree so far; from now on people edit, on either side"
printf 'keys of the gym\n' | "$bin/mastoc-server" user create-admin --email vera@example.org --username vera --full-name Vera --password-stdin >/dev/null
: >server.out
MASTOC_BIND=127.0.0.1:0 "$bin/mastoc-server" serve >server.out 2>server.log &
pids+=($!)
for _ in $(seq 100); do
  grep -q 'listening on' server.out && break
  kill -0 "${pids[1]}" 2>/dev/null || { cat server.log >&2; exit 1; }
  sleep 0.1
done
url=$(sed -nE 's/.*listening on (http:[^ ]*).*/\1/p' server.out | head -n 1)
[ -n "$url" ] || fail "the server did not start"
token=$(curl -fsS "$url/api/auth/login" -d username=vera --data-urlencode 'password=keys of the gym' | field access_token)
# here METHOD PATH [BODY]: what people ask of this server.
here() {
  curl -fsS -X "$1" "$url$2" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' ${3:+-d "$3"}
}
our_face=$(here GET /api/faces | field id)
# ours NAME: the id that a climb has here.
ours() { here GET "/api/climbs?search=$(sed 's/ /%20/g' <<<"$1")" | field id; }
# sets_here NAME N: a climb on the N-th holds, set here; its id is printed.
sets_here() {
  here POST /api/climbs "{\"face_id\": \"$our_face\", \"name\": \"$1\", \"holds_list\": \"S${holds[$2]} O${holds[$2 + 1]} T${holds[$2 + 2]}\", \"grade_font\": \"6B\"}" | field id
}
our_slab=$(ours "Morning slab")
our_roof=$(ours "The big roof")
phone PATCH "/api/faces/$face/climbs/$slab" '{"name": "Evening slab"}' >/dev/null
say "at Stokt:  'Morning slab' is called 'Evening slab' now"
sets "Phone problem" 8 >/dev/null
say "at Stokt:  'Phone problem' is new"
here PATCH "/api/climbs/$our_slab" "{\"holds_list\": \"S${holds[0]} O${holds[1]} O${holds[2]} O${holds[20]} T${holds[3]}\"}" >/dev/null
say "here:      'Morning slab' has one more hold now: the same climb, another field"
sets_here "Home made" 12 >/dev/null
say "here:      'Home made' is new"

chapter "4. what would a run do? A dry run writes nothing, and keeps its plan"
run 0 mastoc-sync --direction both --all-local --dry-run --plan plan.json
say "exactly that is carried out now"
run 0 mastoc-sync --apply-plan plan.json
say "the plan is used up: what it was made from is not so any more. Applying it again is refused, and changes nothing"
run 4 mastoc-sync --apply-plan plan.json
say "at Stokt now:"
at_stokt
say "and again: there is nothing to do"
run 0 mastoc-sync --direction both --all-local

chapter "5. the same field is changed on both sides: nobody is overruled, a person decides"
phone PATCH "/api/faces/$face/climbs/$roof" '{"name": "Roof of the phone"}' >/dev/null
here PATCH "/api/climbs/$our_roof" '{"name": "Roof of the house"}' >/dev/null
say "at Stokt 'The big roof' is 'Roof of the phone', here it is 'Roof of the house'"
run 3 mastoc-sync --direction both
run 3 mastoc-sync conflicts
conflict=$({ "$bin/mastoc-sync" conflicts --json || true; } | field id)
run 0 mastoc-sync resolve "$conflict" --take mastoc
run 0 mastoc-sync --direction both
say "at Stokt now:"
at_stokt

chapter "6. a kill in the middle of sending"
sets_here "Cut short" 16 >/dev/null
say "here:      'Cut short' is new; Stokt will create it, but its answer will not come"
printf '\n$ mastoc-sync --direction both --all-local   (killed with SIGKILL as soon as Stokt has the climb)\n'
"$bin/mastoc-sync" --direction both --all-local >/dev/null 2>&1 &
pushing=$!
pids+=("$pushing")
for _ in $(seq 600); do
  at_stokt | grep -q 'Cut short' && break
  kill -0 "$pushing" 2>/dev/null || fail "the run ended before it could be killed"
  sleep 0.05
done
kill -KILL "$pushing"
wait "$pushing" 2>/dev/null || true
say "at Stokt there is one 'Cut short'; here nobody knows that:"
run 0 mastoc-sync outbox
say "the next run does not send it again. It looks for it at Stokt, finds exactly one, and links it:"
run 0 mastoc-sync --direction both --all-local
[ "$(at_stokt | grep -c 'Cut short')" = 1 ] || fail "'Cut short' should be at Stokt once"
say "at Stokt now, each climb once:"
at_stokt

chapter "7. is all well?"
run 0 mastoc-sync verify --remote
run 0 mastoc-sync status
printf '\ndemo-sync: done; what it needed is removed now. The two lines for cron: docs/operating.md\n'
