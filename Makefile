# The same words at home and in CI.  Everything is set up on the way, in .venv and .setup.

PYTHON ?= python3
DEMO ?=
MINUTES ?= 10

PARTS := orthanc orthanc-python orthanc-postgresql postgresql redis-server nginx curl python3-venv
TEST_PARTS := redis-sentinel unzip apache2-bin haproxy caddy
BENCH_PARTS := wrk
BENCH ?=
ROOTS ?= .setup/roots
SUITES ?= bookworm trixie testing
ONLY ?= run-as-user run test

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## show this
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: run
run: .setup/run ## set up all and run the demo, a whole cluster (DEMO="--nodes 5 --port 9000" for its options)
	@.venv/bin/jobindex demo $(DEMO)

.PHONY: test
test: .setup/test ## set up all, then check and test everything
	@$(MAKE) --no-print-directory check
	.venv/bin/python -m pytest

.PHONY: matrix
matrix: ## both on a bare Debian 12, 13 and testing, as root (SUITES="trixie", ONLY="run test", ROOTS=folder)
	@deploy/debian/install debootstrap
	$(PYTHON) tests/matrix --roots $(ROOTS) --suites $(SUITES) --only $(ONLY)

.PHONY: mutations
mutations: .setup/test ## take each law out of a copy of the code, and show that a test notices
	.venv/bin/python tests/fault/mutations.py

.PHONY: fault
fault: .setup/test mutations ## break every part in every way, then at random for a while (MINUTES=10, ROUND=5, SEED=1)
	FAULT=all MINUTES=$(MINUTES) ROUND=$(ROUND) SEED=$(SEED) .venv/bin/python -m pytest tests/fault --basetemp=.setup/fault

.PHONY: bench
bench: .setup/test .setup/bench-parts ## measure us beside the yardsticks, ten minutes (BENCH="lists intake" for some chapters)
	.venv/bin/python -m benchmarks $(BENCH)

.PHONY: bench-full
bench-full: .setup/test .setup/bench-parts ## the same with the large sizes, an hour
	.venv/bin/python -m benchmarks --full $(BENCH)

.PHONY: check
check: .setup/test ## format, lint, types, layers and unsafe code
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/bandit --quiet --recursive --configfile pyproject.toml src deploy

.PHONY: audit
audit: .setup/test ## look for known holes in what is installed, and list it all (into .setup/audit)
	.venv/bin/python deploy/audit.py .setup/audit

.PHONY: format
format: .setup/test ## put the code into its form
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

.PHONY: clean
clean: ## remove what was set up here (Debian's packages stay)
	rm -rf .venv .setup

# What must be there is checked each time, and costs nothing when it is; the Python packages follow their lock.
.PHONY: .setup/parts .setup/test-parts .setup/bench-parts
.setup/parts:
	@deploy/debian/install $(PARTS)

.setup/test-parts:
	@deploy/debian/install $(PARTS) $(TEST_PARTS)

.setup/bench-parts:
	@deploy/debian/install $(BENCH_PARTS)

.setup/run: requirements.lock pyproject.toml | .setup/parts
	@deploy/setup $(PYTHON) $<
	@touch $@

.setup/test: requirements-dev.lock pyproject.toml | .setup/test-parts
	@deploy/setup $(PYTHON) $<
	@touch $@
