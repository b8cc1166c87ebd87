# One command each; ARGS goes to the command, e.g. make run ARGS="--params dataset=beauty"
PYTHON ?= python3
# Half as many again as there are cores, for tests wait for the processes they start; each takes 1 GB.
WORKERS := $(shell $(PYTHON) -c 'import os; print(min(8, max(2, os.cpu_count() * 3 // 2)))' 2>/dev/null || echo 2)
VENV := .venv
CONSTRAINTS := constraints.txt
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# uv takes a third of the time: make INSTALL="uv pip install --python .venv/bin/python" ...
# Modules are compiled when first imported; at set-up where Python is told to keep nothing then.
COMPILE := $(if $(PYTHONDONTWRITEBYTECODE),,--no-compile)
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check $(COMPILE)

.PHONY: help run test test-all bench lint viz docs site spark clean
.DEFAULT_GOAL := help

help: ## these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## train and evaluate on the demo log (BSARec); print the metrics
	@$(BIN)/kedro run $(ARGS)

test: $(STAMP) ## run the tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

test-all: $(STAMP) ## run the slow tests too
	@$(MAKE) --no-print-directory test ARGS="-m 'slow or not slow' $(ARGS)"

bench: $(STAMP) ## time and memory of training, e.g. ARGS="--model bsarec --vs"
	@$(BIN)/python -m benchmarks.steps $(ARGS)

lint: $(STAMP) ## check style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

viz: $(STAMP) ## show the pipeline in the browser
	@$(BIN)/kedro viz run $(ARGS)

docs: site ## read the documentation in the browser
	@$(BIN)/zensical serve $(ARGS)

site: $(STAMP) ## write the documentation's generated pages and build it into site/; fails on a dead link
	@OMP_NUM_THREADS=1 $(BIN)/python -m pages && $(BIN)/zensical build --clean --strict

spark: $(STAMP) ## install what the data pipelines on Spark need, and their tests
	@$(INSTALL) --quiet -c $(CONSTRAINTS) -e '.[spark]'

clean: ## remove the environment, caches and built pages (data stay)
	rm -rf $(VENV) build dist site .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .viz
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up happens once; again when what is to be installed changes.
$(STAMP): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Setting up $(VENV) (once; some minutes)"
	@$(INSTALL) --quiet -c $(CONSTRAINTS) -e '.[dev]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: seqrec needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@# Where Python comes without its venv helper, pip itself fills the empty environment.
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	  rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) && \
	  $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
