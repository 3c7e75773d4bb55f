#!/usr/bin/env bash
# An API fuzzer (schemathesis, from PyPI) against the running server: once as a climber, once as an admin. It reads
# the OpenAPI document that the server serves, and fails on any 5xx and on any answer that is not as declared.
# EXAMPLES: how many requests it invents for each operation.
set -euo pipefail
cd "$(dirname "$0")/.."
examples=${EXAMPLES:-50}
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
bin=$target/debug
venv=$target/fuzzer

if ! cmp -s .make/fuzz-requirements.txt "$venv/installed" 2>/dev/null; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement .make/fuzz-requirements.txt
  cp .make/fuzz-requirements.txt "$venv/installed"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/mastoc-fuzz.XXXXXX")
pids=()
stop() {
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM
# Waits until a program has written something that matches.
said() { # file, pattern, pid, log
  for _ in $(seq 600); do
    grep -qE "$2" "$1" 2>/dev/null && return 0
    kill -0 "$3" 2>/dev/null || break
    sleep 0.1
  done
  echo "error: a program did not start" >&2
  cat "$4" >&2
  exit 1
}

echo "== a small board, imported from a stand-in for Stokt"
"$bin/stokt-sim" --port 0 --ready-file "$work/stokt.json" --holds 40 --climbs 60 --picture-size 226x300 >"$work/stokt.log" 2>&1 &
pids+=($!)
said "$work/stokt.json" token "${pids[0]}" "$work/stokt.log"
field() { sed -nE "s/.*\"$1\" *: *\"([^\"]*)\".*/\1/p" "$work/stokt.json" | head -n 1; }
export DATABASE_URL='' MASTOC_DATA_DIR="$work/data"
STOKT_TOKEN=$(field token) "$bin/mastoc-import" --stokt-url "$(field base_url)" --gym "$(field gym_id)" >"$work/import.log" 2>&1 ||
  { cat "$work/import.log" >&2; exit 1; }
kill "${pids[0]}"

echo "== a climber and an admin, each logged in"
password=$(head -c 24 /dev/urandom | base64)
for who in fuzz-admin fuzz-second-admin; do
  printf '%s\n' "$password" | "$bin/mastoc-server" user create-admin --email "$who@example.org" --username "$who" \
    --full-name "$who" --password-stdin >/dev/null
done
# The fuzzer asks more often than any climber, and longer than a token lives.
many=100000/60
MASTOC_BIND=127.0.0.1:0 PORT='' MASTOC_LOG=warn MASTOC_ACCESS_TOKEN_LIFE=36000 MASTOC_LOGIN_LIMIT=$many \
  MASTOC_LOGIN_ACCOUNT_LIMIT=$many MASTOC_REGISTER_LIMIT=$many MASTOC_REGISTER_ACCOUNT_LIMIT=$many \
  "$bin/mastoc-server" serve >"$work/server.out" 2>"$work/server.log" &
pids+=($!)
said "$work/server.out" 'listening on http' "${pids[1]}" "$work/server.log"
url=$(sed -nE 's/.*listening on (http:[^ ]*).*/\1/p' "$work/server.out" | head -n 1)
"$venv/bin/python" - "$url" "$password" "$work" <<'PY'
import json, sys, urllib.parse, urllib.request

url, password, work = sys.argv[1:]


def post(path, data, kind):
    request = urllib.request.Request(url + path, data.encode(), {"Content-Type": kind})
    return json.load(urllib.request.urlopen(request, timeout=30))


climber = {"email": "fuzz@example.org", "username": "fuzz", "password": password, "full_name": "Fuzz"}
post("/api/auth/register", json.dumps(climber), "application/json")
for who in ("fuzz", "fuzz-admin"):
    form = urllib.parse.urlencode({"username": who, "password": password})
    token = post("/api/auth/login", form, "application/x-www-form-urlencoded")["access_token"]
    with open(f"{work}/{who}.token", "w") as file:
        file.write(token)
PY

failed=0
for who in fuzz fuzz-admin; do
  echo "== as $who: $examples requests for each operation"
  # Logging out and closing the account would end the run; tests of their own see to them.
  # In a folder that goes with the run: the fuzzer keeps notes where it stands.
  if ! (cd "$work" && "$venv/bin/schemathesis" run "$url/openapi.json" --url "$url" \
    --header "Authorization: Bearer $(cat "$work/$who.token")" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
    --phases coverage,fuzzing --max-examples "$examples" --continue-on-failure --workers 1 --request-timeout 30 \
    --suppress-health-check all --warnings off --no-color \
    --exclude-path-regex '^/api/auth/logout$' --exclude-operation-id delete_users_me --exclude-operation-id delete_auth_sessions_id); then
    failed=1
  fi
done
# Requests that are no HTTP at all are the fuzzer's doing.
if grep -E 'ERROR|panicked' "$work/server.log" | grep -v 'request parse error' >"$work/failures"; then
  echo "the server logged failures:" >&2
  head -n 20 "$work/failures" >&2
  failed=1
fi
exit "$failed"
