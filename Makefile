# What one does with mastoc, from a fresh clone on. `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# Demo settings: PORT=0 takes a free port; DATA names a folder with setup.json, climbs.json and wall.jpg.
PORT ?= 8000
DATA ?=
DATA_DIR ?= data
EXAMPLES ?= 50
MASTOC_SOAK ?= 5000

CARGO ?= cargo
# Locked: what is tested is what is built. Extra flags: make test CARGO_FLAGS=--offline
CARGO_FLAGS ?= --locked
# A build from nothing is shorter without what makes the next one short. Who calls cargo by hand has that, and keeps it.
ifeq ($(wildcard $(or $(CARGO_TARGET_DIR),target)/debug/incremental),)
export CARGO_INCREMENTAL ?= 0
endif

.PHONY: help setup setup-test setup-fuzz setup-release demo demo-sync run migrate test fuzz-api check fmt openapi soak bench release clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## check (and, as root or with sudo, install) what a build needs
	@.make/setup.sh build

setup-fuzz: ## the same for the fuzzer: Python
	@.make/setup.sh fuzz

setup-test: ## the same for tests: PostgreSQL too
	@.make/setup.sh test

setup-release: ## the same for release binaries: perl
	@.make/setup.sh release

demo: setup ## import a board from a Stokt stand-in into SQLite and serve it (PORT=8000, DATA=folder of a real board)
	@$(CARGO) build $(CARGO_FLAGS) --bin stokt-sim --bin mastoc-import --bin mastoc-server
	@PORT='$(PORT)' DATA='$(DATA)' .make/demo.sh

demo-sync: setup ## synchronisation both ways as a story: a conflict, a kill, the recovery; ends by itself
	@$(CARGO) build $(CARGO_FLAGS) --bin stokt-sim --bin mastoc-import --bin mastoc-server --bin mastoc-sync
	@.make/demo-sync.sh

run: setup ## serve the board in DATA_DIR (default ./data)
	@MASTOC_DATA_DIR='$(DATA_DIR)' PORT= MASTOC_BIND="127.0.0.1:$(PORT)" $(CARGO) run $(CARGO_FLAGS) --bin mastoc-server -- serve

migrate: setup ## bring the database of DATA_DIR (or DATABASE_URL) up to date
	@MASTOC_DATA_DIR='$(DATA_DIR)' $(CARGO) run $(CARGO_FLAGS) --bin mastoc-server -- migrate

test: setup-test ## run every test, on SQLite and PostgreSQL, and the real binaries
	@.make/test.sh

check: setup ## formatting, clippy, rustdoc, licences, dependency arrows, OpenAPI snapshot
	@.make/check.sh

fmt: ## format the code
	@$(CARGO) fmt --all

openapi: setup ## print the OpenAPI document
	@$(CARGO) run $(CARGO_FLAGS) --quiet --bin mastoc-server -- openapi

fuzz-api: setup-fuzz ## let a fuzzer loose on the running server (EXAMPLES=50 requests for each operation)
	@$(CARGO) build $(CARGO_FLAGS) --bin stokt-sim --bin mastoc-import --bin mastoc-server
	@EXAMPLES='$(EXAMPLES)' .make/fuzz-api.sh

soak: setup-test ## kill synchronisation at random points of random scenarios (MASTOC_SOAK=5000 kills)
	@MASTOC_SOAK='$(MASTOC_SOAK)' .make/soak.sh

bench: setup-test ## measure, as ratios to a ceiling measured in the same run (BENCH=name for one)
	@$(CARGO) build $(CARGO_FLAGS) --profile bench --bins
	@$(CARGO) run $(CARGO_FLAGS) --profile bench --package mastoc-benches -- $(BENCH)

release: setup-release ## optimised binaries whose PostgreSQL client speaks TLS (target/release)
	@$(CARGO) build $(CARGO_FLAGS) --release --no-default-features --features libpq-bundled-tls \
	  --package mastoc-server --package mastoc-import --package mastoc-sync

clean: ## remove what was built
	@$(CARGO) clean
