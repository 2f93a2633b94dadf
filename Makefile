# Every target sets itself up: a pinned uv in .uv/, the locked environment in .venv/.
# Needed: make, git, and Python >= 3.11 with pip. `make` alone lists the targets.

UV_VERSION := 0.13.9
UV := .uv/bin/uv
BIN := .venv/bin
READY := .venv/.ready
CHECKS := format lint types layers schema
ARGS ?=
N ?= 1000

# The interpreter of a new environment; name another with: make PYTHON=/path/to/python3.13 ...
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in $(CANDIDATES); do "$$each" -c '$(ENOUGH)' 2>/dev/null && echo "$$each" && break; done)

export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
export UV_COMPILE_BYTECODE := 1
unexport VIRTUAL_ENV
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test simulate crashes soak bench queues check fix docs screenshot clean $(CHECKS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## a whole batch against the sandbox: no key, no cost; ends with pictures and a page
	@$(BIN)/orchestrator demo $(ARGS)

test: $(READY) ## every test, on four processes (much of their time is waiting); narrow it with ARGS="tests/core -k money"
	@$(BIN)/pytest -n 4 --dist worksteal $(ARGS)

simulate: $(READY) ## N=1000 seeds of simulated crashes, faults and clocks, some on Postgres; exits with 1 when an invariant breaks
	@$(BIN)/python -m tests.simulation --seeds $(N) $(ARGS)

crashes: N := 200
crashes: DATABASE := sqlite
crashes: $(READY) ## N=200 rounds of kill -9 on real workers, DATABASE=postgres with several; exits with 1 on any loss
	@$(BIN)/python -m tests.crashes --cycles $(N) --database $(DATABASE)

soak: MINUTES := 60
soak: $(READY) ## MINUTES=60 of three workers on Postgres under faults, kills, crashes, cut networks; exits with 1 on any breach
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

check: $(READY) ## format, lint, types, layers and schema, all of them even when one fails
	@$(MAKE) --no-print-directory --keep-going $(CHECKS)

format: $(READY) ## is everything formatted?
	@$(BIN)/ruff format --check .

lint: $(READY) ## ruff's rules
	@$(BIN)/ruff check .

types: $(READY) ## mypy, strict
	@$(BIN)/mypy

layers: $(READY) ## imports point down
	@$(BIN)/lint-imports --no-cache --no-logo

schema: $(READY) ## migrations and orchestrator/store/db/schema.py agree, on SQLite and on Postgres
	@$(BIN)/pytest -q -p no:randomly --no-header -o addopts= tests/migrations

bench: $(READY) ## measure, in a short form of a few minutes; prints tables with the machine's name and every target
	@$(BIN)/python -m benchmarks.lifecycle $(or $(JOBS),3000)
	@$(BIN)/python -m benchmarks.toplevel $(or $(MINUTES),2)
	@$(BIN)/python -m benchmarks.polling
	@$(BIN)/python -m benchmarks.downloads 400
	@$(BIN)/python -m benchmarks.thumbnails 100
	@$(BIN)/python -m benchmarks.doubts
	@$(BIN)/python -m benchmarks.apply $(ROWS)
	@$(BIN)/python -m benchmarks.claim $(or $(ROWS),100000)
	@$(BIN)/python -m benchmarks.reads $(or $(ROWS),100000)
	@$(BIN)/python -m benchmarks.pages $(or $(ROWS),100000)
	@$(BIN)/python -m benchmarks.months $(or $(ROWS),100000)

queues: .venv/.bench ## measure other queues on Postgres doing the same work (installs them first)
	@$(BIN)/python -m benchmarks.queues $(or $(JOBS),3000)

fix: $(READY) ## format, and repair what the linter can repair safely
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

docs: $(READY) ## rewrite the parts of docs/ that are made from the code
	@$(BIN)/python tests/tidy/generate_docs.py

screenshot: $(READY) ## docs/review.png, made anew: needs Chromium
	@$(BIN)/python tests/browser/screenshot.py

clean: ## forget the environment and every cache
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist

$(READY): pyproject.toml uv.lock | $(UV)
	@$(UV) sync --locked --quiet --python "$(PYTHON)"
	@touch $@

.venv/.bench: $(READY)
	@$(UV) sync --locked --quiet --group bench --python "$(PYTHON)"
	@touch $@

$(UV):
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 was found. Install one, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@"$(PYTHON)" -m pip --version >/dev/null 2>&1 || { echo "$(PYTHON) has no pip. Install it (Debian: apt-get install python3-pip), then run make again." >&2; exit 1; }
	@"$(PYTHON)" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .uv uv==$(UV_VERSION)
