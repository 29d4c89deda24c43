# `make demo` and `make test` are all that a newcomer needs: Python 3.11 or newer and make, nothing else.
# Every target installs what it needs into .venv first; a second call finds it there.

# Give another interpreter with `make demo PYTHON=/path/to/python3.12`.
PYTHON ?=

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PY := $(BIN)/python
STAMP := .venv/.installed

LOCK := uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --no-header --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

.PHONY: help
help: ## Say what there is (this text).
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

# --- what a newcomer needs ---------------------------------------------------------------------------------------

.PHONY: demo
demo: $(STAMP) ## Start the fake PACS, do a whole round trip over HTTP, say what happened. SLIDES=PATH takes your own slide.
	@$(PY) -m tools.demo $(if $(SLIDES),--slides "$(SLIDES)")

.PHONY: serve
serve: $(STAMP) ## Keep the fake PACS running; more options: make serve ARGS="--port 9000 --slides FOLDER".
	@$(PY) -m fake_pacs serve $(ARGS)

.PHONY: test
test: $(STAMP) ## Run all tests. ARGS="-k tile" goes to pytest.
	$(PY) -m pytest -n auto --dist loadfile $(ARGS)

# --- what a contributor needs ------------------------------------------------------------------------------------

CHECKS := check-format check-lint check-types check-shape check-snapshots check-slides check-docs check-lock \
          check-contract check-install

.PHONY: check
check: $(STAMP) ## Everything that is not a test: style, types, generated files, the lock, the contract, the wheel.
	@$(MAKE) --no-print-directory --keep-going $(CHECKS)
	@echo "make check: all is well"

.PHONY: check-format
check-format: $(STAMP)
	$(PY) -m ruff format --check

.PHONY: check-lint
check-lint: $(STAMP)
	$(PY) -m ruff check

.PHONY: check-types
check-types: $(STAMP)
	$(PY) -m mypy
	$(PY) -m mypy --package tools --exclude 'tools/tests/'

.PHONY: check-shape
check-shape: $(STAMP)
	$(PY) -m tools.check_shape

.PHONY: check-snapshots
check-snapshots: $(STAMP)
	$(PY) -m ia_api_spec.snapshots --check

.PHONY: check-slides
check-slides: $(STAMP)
	$(PY) -m demo_hospital.drawing --check

.PHONY: check-docs
check-docs: $(STAMP)
	$(PY) -m tools.generate_docs --check
	$(PY) -m tools.wheel_files --check

.PHONY: check-lock
check-lock: $(STAMP)
	$(PY) -m tools.check_lock

.PHONY: check-contract
check-contract: $(STAMP)
	$(PY) -m tools.lint_contract

.PHONY: check-install
check-install: $(STAMP)
	$(PY) -m tools.check_install

.PHONY: generate
generate: $(STAMP) ## Make every generated file anew: snapshots, demo slides, tables in the docs, the wheel's file list.
	$(PY) -m ia_api_spec.snapshots
	$(PY) -m demo_hospital.drawing
	$(PY) -m tools.generate_docs
	$(PY) -m tools.wheel_files

.PHONY: generate-matrix
generate-matrix: $(STAMP) ## Make the tables mutant × check anew; about twenty minutes.
	$(MATRIX)matrix
	$(MATRIX)app_matrix

.PHONY: bench
bench: $(STAMP) ## Measure everything against its peers, some ten minutes; writes benchmarks/results.json and the README's table.
	$(PY) -m benchmarks.bench $(ARGS)
	$(PY) -m tools.generate_docs

.PHONY: format
format: $(STAMP) ## Format the code and mend what the linter can mend.
	$(PY) -m ruff check --fix --exit-zero --quiet
	$(PY) -m ruff format

.PHONY: lock
lock: $(STAMP) ## Write requirements.lock anew from pyproject.toml. ARGS=--upgrade takes the newest versions.
	$(PY) -m $(LOCK) $(ARGS) --output-file requirements.lock

.PHONY: build
build: $(STAMP) ## Build the wheel and the source distribution into dist/.
	$(PY) -m build --no-isolation

.PHONY: clean
clean: ## Remove .venv, node_modules, dist and every cache.
	rm -rf .venv node_modules dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the proof that the suite bites ------------------------------------------------------------------------------

MATRIX := PYTHONPATH=contract_tests $(PY) -m meta_tests.

.PHONY: matrix
matrix: $(STAMP) ## Everything that is wrong on purpose against all checks, and the wheel on every Python; half an hour.
	$(MATRIX)matrix --check
	$(MATRIX)app_matrix --check
	$(MATRIX)wheels

# --- the environment ---------------------------------------------------------------------------------------------

$(STAMP): pyproject.toml requirements.lock tools/make_venv.sh
	@sh tools/make_venv.sh "$(BIN)" "$(PYTHON)"
	@touch $(STAMP)
