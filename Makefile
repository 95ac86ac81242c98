# Everything happens in .venv of this folder; the Python of the system is only asked to make it.
#   make fit     set up, fit the radon example, print its summary, draw its diagram
#   make test    set up with both backends, run the tests
#   make slow    the statistical tests that sample for minutes
#   make check   lint, format, types, layers
#   make bench   HDSL beside models written by hand: hours; with OPTIONS=--quick five minutes

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help fit test slow check bench clean

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
SETUP := pyproject.toml constraints.txt

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/python:
	@found=; \
	for python in $(PYTHON) python3.12 python3 python3.13 python3.14 python; do \
	  if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 12))' \
	      >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'make: HDSL needs Python 3.12 or newer with its venv module, and none was found.' >&2; \
	  echo '      Say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12' >&2; \
	  exit 1; \
	fi; \
	rm -rf $(VENV) && "$$found" -m venv $(VENV)

$(VENV)/ready-fit: $(SETUP) | $(BIN)/python
	@echo 'Installing HDSL into $(VENV)/ …'
	@$(PIP) --editable .
	@touch $@

$(VENV)/ready-test: $(SETUP) | $(BIN)/python
	@echo 'Installing HDSL, both backends and the tools of its tests into $(VENV)/ …'
	@$(PIP) --editable '.[pymc,nutpie,dev]'
	@touch $(VENV)/ready-fit $@

$(VENV)/ready-bench: $(SETUP) | $(BIN)/python
	@echo 'Installing HDSL and what it is compared with into $(VENV)/ …'
	@$(PIP) --editable '.[bench]'
	@touch $(VENV)/ready-fit $@

RADON := examples/radon/model.hdsl
RADON_ROWS := examples/radon/radon.csv
RADON_TABLE := --table county=examples/radon/county.csv

fit: $(VENV)/ready-fit
	$(BIN)/hdsl fit $(RADON) $(RADON_ROWS) $(RADON_TABLE) -o radon.run --overwrite
	$(BIN)/hdsl summary radon.run --format csv >radon_summary.csv
	$(BIN)/hdsl render $(RADON) --data $(RADON_ROWS) $(RADON_TABLE) -o radon.svg
	@echo 'Every county is in radon_summary.csv, the diagram in radon.svg.'

# Most of a test's time is compiling, which keeps one core busy.
test: $(VENV)/ready-test
	$(BIN)/python -m pytest -n 2 --dist loadfile

slow: $(VENV)/ready-test
	$(BIN)/python -m pytest -m slow

check: $(VENV)/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/ready-bench
	$(BIN)/python -m benchmarks $(OPTIONS)

clean:
	rm -rf $(VENV) build dist radon.run radon.svg radon_summary.csv
