# The verbs of the project; the bare call lists them. CI runs `make lint` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup demo test servers lint fix matrix prove mutate bench clean
SHELL := /bin/sh
BIN := .venv/bin
# Tests side by side: one a core, at most eight (each may start a payer and a browser). JOBS=2 make test says otherwise.
JOBS ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); [ "$$cores" -lt 8 ] && echo "$$cores" || echo 8)
export PYTHONUTF8 := 1

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

setup: ## find or install Python packages and Chromium; nothing the second time
	@sh .ci/setup

demo: setup ## members, payer, browser launch, suites, limits, report: build/demo/report.html
	@$(BIN)/patient-access demo --out build/demo

test: setup ## all tests of our own (under 15 minutes on two cores)
	@$(BIN)/python -m pytest tests --ignore tests/benchmarks --ignore tests/servers -n $(JOBS) --dist loadfile --no-loadscope-reorder

servers: setup ## judge whole servers: every deployment, servers not ours, faulty ones, TLS of every kind
	@$(BIN)/python -m pytest tests/servers -n $(JOBS) --dist worksteal

lint: setup ## format, ruff, types, imports
	@$(BIN)/ruff format --check --quiet . || { echo "ruff format: run 'make fix'"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fix: setup ## format and apply the safe corrections
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

matrix: setup ## regenerate docs/traceability.* from the catalogue, the checks and the faults
	@mkdir -p build
	@$(BIN)/patient-access requirements --format json > build/requirements.json
	@for kind in md csv json; do \
	  $(BIN)/patient-access traceability build/requirements.json --format $$kind -o docs/traceability.$$kind; done

prove: setup ## the suite against reference, variants and every declared fault: build/proof/proof.html; long
	@$(BIN)/patient-access prove --jobs 2 --out build/proof

mutate: setup ## mutate the code verdicts rest on and see our tests fail; ONLY="suites.kit.verdicts*" for a part; hours for the whole
	@rm -rf build/mutate && mkdir -p build/mutate && git ls-files -z | xargs -0 cp --parents -t build/mutate
	@cd build/mutate && $(CURDIR)/$(BIN)/mutmut run --max-children 2 $(ONLY) && $(CURDIR)/$(BIN)/mutmut results

bench: setup ## benchmarks, printed as ratios and rates; long
	@$(BIN)/python -m pytest tests/benchmarks -p no:xdist -q -s

clean: ## remove what the verbs made
	@rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
