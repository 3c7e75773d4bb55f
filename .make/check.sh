#!/usr/bin/env bash
# Everything that must hold before a push, apart from the tests of behaviour.
set -euo pipefail
cd "$(dirname "$0")/.."
flags=(--locked)
step() { printf '\n== %s\n' "$1"; }
step "formatting"
cargo fmt --all --check
step "clippy"
cargo clippy "${flags[@]}" --workspace --all-targets -- -D warnings
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc "${flags[@]}" --workspace --no-deps --document-private-items
step "licences, dependency arrows, file sizes"
cargo test "${flags[@]}" --quiet --package mastoc-tests --test house
step "OpenAPI snapshot"
INSTA_UPDATE=no cargo test "${flags[@]}" --quiet --package mastoc-http-api --test it openapi::
echo
echo "check: all good"
