# Everything runs from .venv, which holds exactly what deploy/locks/dev.txt names.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help setup demo up test cluster-test prove mutants bench fuzz sbom check format lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(STAMP) ## install everything into .venv (hash-checked)

$(STAMP): deploy/locks/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "geophone needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@echo "Installing into $(VENV): about a minute the first time …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --only-binary :all: -r deploy/locks/dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## run the main job end to end and check every outcome
	@$(BIN)/geophone demo $(ARGS)

up: $(STAMP) ## keep the whole stack running until Ctrl-C
	@$(BIN)/geophone up $(ARGS)

test: $(STAMP) ## every test, real Kafka included
	$(BIN)/pytest $(ARGS)

cluster-test: $(STAMP) ## the chart and the images on a real Kubernetes, which it builds
	@$(BIN)/python -m tests.cluster.machine
	@$(BIN)/python -m tests.cluster.tools
	$(BIN)/pytest tests/cluster -m cluster $(ARGS)

prove: $(STAMP) ## 50,000 events, 60 kill -9: do the books balance?
	@$(BIN)/geophone prove --profile ci $(ARGS)

mutants: $(STAMP) ## 12 seeded defects: does the checker find each?
	$(BIN)/pytest tests/mutants -m mutants $(ARGS)

bench: $(STAMP) ## CPU and answer times beside what else one could run
	@command -v go >/dev/null || $(PIP) install --quiet --require-hashes -r deploy/locks/bench.txt
	@$(BIN)/python -m bench $(ARGS)

fuzz: $(STAMP) ## search for bytes that break a promise: a minute each
	@$(PIP) install --quiet --require-hashes --only-binary :all: -r deploy/locks/fuzz.txt
	@$(BIN)/python -m fuzz $(ARGS)

sbom: $(STAMP) ## the bill of materials of each process, in dist/sbom
	@$(BIN)/python deploy/sbom.py dist/sbom

check: $(STAMP) ## lint, format, types, architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(STAMP) ## format and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lock: $(STAMP) ## renew the hash locks from pyproject.toml
	deploy/locks/renew $(BIN)

clean: ## remove .venv and caches (the Kafka jars stay in the user's cache folder)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
