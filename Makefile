# Every target first builds .venv with the pinned versions. Nothing but Python 3.11 (or newer) and make is needed.
# Further arguments: make test ARGS="-k ranking", make bench ARGS=--quick.

.DEFAULT_GOAL := help
BIN := .venv/bin
READY := .venv/.up-to-date
# Threads that spin long while they wait for each other waste the cores when others use them; `reseen` sets the same.
export OMP_WAIT_POLICY ?= PASSIVE
export GOMP_SPINCOUNT ?= 10000
# The theme of the documents would recommend its successor at every build.
export NO_MKDOCS_2_WARNING := 1

.PHONY: help demo test check docs bench soak clean

help:
	@echo 'make demo    the whole way on synthetic people; writes demo/report.html'
	@echo 'make test    all tests but the long ones'
	@echo 'make check   lint, format, types, layers, documents'
	@echo 'make docs    the documents as a site; writes site/index.html'
	@echo 'make bench   every claim about speed and memory, against a reference in the same run'
	@echo 'make soak    the long tests, and every property with 20 times as many examples'
	@echo 'make clean   remove .venv and everything that was generated'

$(READY): pyproject.toml constraints.txt scripts/environment
	@scripts/environment
	@touch $@

demo: $(READY)
	rm -rf demo
	$(BIN)/reseen demo --out demo $(ARGS)

test: $(READY)
	@scripts/system-packages
	$(BIN)/python -m pytest $(ARGS)

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict --quiet

docs: $(READY)
	$(BIN)/python scripts/recipe-reference
	$(BIN)/python scripts/results-page
	$(BIN)/mkdocs build --strict

bench: $(READY)
	@set -e; for script in $(wildcard benchmarks/[!_]*.py); do \
	    echo "== $$script"; $(BIN)/python "$$script" $(ARGS); \
	done

soak: $(READY)
	@scripts/system-packages
	$(BIN)/python -m pytest -m 'soak or hypothesis' --hypothesis-profile=soak $(ARGS)

clean:
	rm -rf .venv demo site build dist src/*.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find $(wildcard src tests benchmarks) -name __pycache__ -prune -exec rm -rf {} +
