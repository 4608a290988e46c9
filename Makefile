# Two commands matter: `make run` starts the service, `make test` runs the tests. Each does its own set-up first, and only once.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check install
# Wheels only: building a source package would fetch build tools that no lock names.
LOCKED := $(PIP) --require-hashes --only-binary :all:
NPM := scripts/with-node npm
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock' $(LOCK_FLAGS)

# A stamp is written last: whatever was broken off half-way is done again.
VENV := .venv/.made
RUNTIME := .venv/.runtime
DEV := .venv/.dev
NODE_MODULES := node_modules/.made
SCREENS := queue_server/web/static/.made
SCREEN_FOLDERS := ui_kit kiosk_ui display staff_ui
SCREEN_SOURCES := package.json $(shell find $(SCREEN_FOLDERS) -type f -not -path '*/node_modules/*' 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
# Two pips must not work in one virtual environment at once.
.NOTPARALLEL:
.PHONY: help run links setup test lint format bench faults histories plants laws theory docs lock pin clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

run: $(RUNTIME) $(SCREENS) ## set up what is missing and start the service
	@exec $(BIN)/queue-server run

links: $(RUNTIME) ## addresses of kiosk, display and counter, with fresh tokens
	@$(BIN)/python scripts/links.py

setup: $(DEV) $(SCREENS) ## everything that run, test and lint need, system packages aside

test: $(DEV) $(SCREENS) ## set up what is missing and run all tests (ARGS="-k name" for some)
	@scripts/system-packages tests
	@$(NPM) test --silent
	@$(BIN)/python -m pytest $(ARGS)

lint: $(DEV) $(NODE_MODULES) ## ruff, mypy, import contracts, tsc
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(NPM) run check --silent

format: $(DEV) ## let ruff put the Python files in form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(DEV) ## measure, each figure against a named reference, its floor and its goal
	@$(BIN)/python -m benchmarks $(ARGS)

faults: $(DEV) ## kill service, database, NATS and nodes behind a proxy under load, two hundred times (some 10 minutes)
	@scripts/system-packages tests
	@$(BIN)/python -m tests.faults.campaign $(ARGS)

histories: $(DEV) ## histories of many clients at three nodes while one trouble follows another, each checked (some 20 minutes)
	@scripts/system-packages tests
	@$(BIN)/python -m tests.faults.histories $(ARGS)

plants: $(DEV) ## how soon chance finds each planted bug (some minutes)
	@$(BIN)/python -m tests.faults.plants $(ARGS)

laws: $(DEV) ## the random days of the core, 500 of 50 steps (LAWS_EXAMPLES, LAWS_STEPS for more)
	@LAWS_EXAMPLES=$${LAWS_EXAMPLES:-500} LAWS_STEPS=$${LAWS_STEPS:-50} $(BIN)/python -m pytest tests/laws $(ARGS)

theory: $(DEV) ## the simulated hall against queueing theory, written to docs/theory.md (some minutes)
	@$(BIN)/python -m tests.simulate.campaign $(ARGS)

docs: $(DEV) ## draw the pages that are made from the code
	@$(BIN)/python scripts/draw_lifecycle.py

lock: $(DEV) ## write the lock files anew (LOCK_FLAGS=--upgrade for newer versions)
	@$(LOCK) pyproject.toml --group dev -o requirements-dev.lock
	@$(LOCK) pyproject.toml -c requirements-dev.lock -o requirements.lock
	@$(LOCK) --group pyproject.toml:build -c requirements-dev.lock -o requirements-build.lock
	@$(LOCK) --group pyproject.toml:node -c requirements-dev.lock -o requirements-node.lock

pin: ## pin the base image of the Dockerfile to its digest (asks an image registry)
	@scripts/pin-base

clean: ## remove all that make made; the data folder stays
	rm -rf .venv node_modules */node_modules queue_server/web/static .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist

$(VENV):
	@scripts/system-packages venv "$(PYTHON)"
	@echo "Setting up Python in .venv"
	@$(PYTHON) -m venv --clear .venv
	@touch $@

$(RUNTIME): $(VENV) requirements.lock requirements-build.lock pyproject.toml
	@echo "Installing the locked Python packages"
	@$(LOCKED) -r requirements.lock -r requirements-build.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	@echo "Installing the locked Python packages for development"
	@$(LOCKED) -r requirements-dev.lock
	@touch $@

$(NODE_MODULES): package.json package-lock.json $(wildcard */package.json) | $(RUNTIME)
	@echo "Installing the locked packages of the screens"
	@$(NPM) ci --include=dev --ignore-scripts --silent
	@touch $@

$(SCREENS): $(NODE_MODULES) $(SCREEN_SOURCES)
	@echo "Building the screens"
	@$(NPM) run build --silent
	@touch $@
