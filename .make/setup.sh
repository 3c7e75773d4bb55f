#!/usr/bin/env bash
# Checks what a build (or the tests) need; installs what is missing where it may, or says exactly what to install.
set -euo pipefail
what=${1:-build}
missing=()
command -v cc >/dev/null 2>&1 || missing+=(build-essential)
command -v make >/dev/null 2>&1 || missing+=(make)
if [ "$what" = test ] && ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  missing+=(postgresql)
fi
# The PostgreSQL client of a release speaks TLS: OpenSSL is built from source, which takes perl.
if [ "$what" = release ]; then
  command -v perl >/dev/null 2>&1 || missing+=(perl)
fi
if [ "$what" = fuzz ]; then
  command -v python3 >/dev/null 2>&1 || missing+=(python3)
  python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+=(python3-venv)
fi
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "missing: ${missing[*]} — install these with your system's package manager, then run make again" >&2
    exit 1
  fi
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
      as_root=(sudo)
    else
      echo "missing: run as root: apt-get install ${missing[*]}" >&2
      exit 1
    fi
  fi
  echo "installing ${missing[*]} ..." >&2
  "${as_root[@]}" apt-get update -qq
  # The tests start clusters of their own: no cluster of the system's is needed.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
if ! command -v cargo >/dev/null 2>&1; then
  if [ -x "$HOME/.cargo/bin/cargo" ]; then
    echo "cargo is installed but not on the PATH; run: . \"\$HOME/.cargo/env\"" >&2
  else
    echo "missing: Rust. Install rustup, then run make again" >&2
  fi
  exit 1
fi
