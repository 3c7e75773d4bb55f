#!/usr/bin/env bash
# Builds the binaries that the end-to-end tests run, then runs every test; with nextest where it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
flags=(--locked)
cargo build "${flags[@]}" --workspace --bins
if cargo nextest --version >/dev/null 2>&1; then
  # Most of their time tests wait, for processes, disks and databases: more of them than processors.
  cargo nextest run "${flags[@]}" --workspace --no-fail-fast --test-threads "$(($(nproc) * 2 + 4))" "$@"
else
  cargo test "${flags[@]}" --workspace --no-fail-fast --lib --bins --tests "$@"
fi
# nextest leaves documentation examples out.
cargo test "${flags[@]}" --workspace --doc
