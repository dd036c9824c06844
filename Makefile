# Two commands do everything on a fresh machine: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
SEEDS ?= 10000
FIRST_SEED ?= 1
KILLS ?= 200
MINUTES ?= 240

.PHONY: help setup run test lint simulate equipment bench bench-quick charts chaos soak clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## .venv with everything from the hashed lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Kaifan needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv (about a minute the first time) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

run: setup ## the whole system with embedded services and a demo restaurant; Ctrl-C ends it
	@exec $(BIN)/kaifan serve --demo

lint: setup ## style, import walls, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: lint equipment ## set-up, lint, walls, types, the whole test-suite
	$(BIN)/pytest -n 2 --dist loadfile

simulate: setup ## the deterministic simulation: SEEDS=n FIRST_SEED=k
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --first-seed $(FIRST_SEED)

equipment: setup ## what peers and load need beyond the lock: installed where that is ours to do, else named
	@$(BIN)/python -m loadtests.equipment

bench: equipment ## every subject, interleaved and audited: about 10 minutes
	$(BIN)/python -m loadtests.bench

bench-quick: equipment ## the same in short: 2 to 3 minutes
	$(BIN)/python -m loadtests.bench --quick

charts: setup ## tables and pictures from the published result file
	$(BIN)/python -m loadtests.report
	$(BIN)/python -m loadtests.charts

chaos: setup ## kills of silos, mongod and the cache under load: KILLS=n
	$(BIN)/python -m tests.chaos --kills $(KILLS)

soak: setup ## hours of it, with a silo more: KILLS=n MINUTES=n
	$(BIN)/python -m tests.chaos --silos 3 --kills $(KILLS) --minutes $(MINUTES)

clean: ## removes .venv and caches, not the data folder
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
