# What one can do here: `make help`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.built

NATIVE := $(shell find native -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock
CYTHON := $(shell find python -name '*.pyx' -o -name '*.pxd')

.PHONY: help build run test lint bench servers clean

help: ## this text
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml setup.py python/constraints.txt $(NATIVE) $(CYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c python/constraints.txt -e '.[dev]'
	touch $(STAMP)

build: $(STAMP) ## make .venv with everything built, .venv/bin/neocortex among it

run: build ## start a single process on ./data and print where to send and query
	@echo 'push  (remote write): http://localhost:9009/api/v1/push'
	@echo 'query (Prometheus):   http://localhost:9009/prometheus'
	$(BIN)/neocortex -config.file=python/neocortex/config/local.yaml

servers: ## install the real servers that tests use (Debian packages; needs root)
	tests/install-servers

test: build servers lint ## everything: lint, native tests, Python tests, real servers, crash and golden replays
	cargo test --workspace --exclude neocortex-py --locked
	@if $(BIN)/python -c 'import sysconfig, sys; sys.exit(not sysconfig.get_config_var("Py_ENABLE_SHARED"))'; then \
	  LD_LIBRARY_PATH=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))') \
	  PYO3_PYTHON=$(CURDIR)/$(BIN)/python cargo test -p neocortex-py --locked; \
	else echo 'NOT RUN: the native tests of crates/py, which need a Python with a shared library' >&2; fi
	$(BIN)/pytest

lint: build ## ruff, mypy strict, rustfmt, clippy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

bench: build ## the benchmarks, figures on stdout (NEOCORTEX_BENCH_LONG=1: the long ones too; BENCH=bench/test_memory.py: one question)
	$(BIN)/pytest $(or $(BENCH),bench) --benchmark-columns=min,median,rounds

clean: ## forget everything built
	rm -rf $(VENV) target build dist data .setup python/*.egg-info
	find python -name '*.so' -delete
