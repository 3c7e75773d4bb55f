#!/usr/bin/env bash
# Kills synchronisation at MASTOC_SOAK random points of random scenarios, and sees that nothing is lost or made twice.
# MASTOC_SOAK_SEED=N begins with a scenario that failed.
set -euo pipefail
cd "$(dirname "$0")/.."
flags=(--locked)
cargo build "${flags[@]}" --workspace --bins
cargo test "${flags[@]}" --package mastoc-tests --test scenarios -- --ignored --exact sweep::soak --nocapture
