# Every target does its own set-up, into .venv/ and labextension/node_modules/, and repeats none of it in vain.
#
#   make install   the package in place, the built front end and every tool
#   make lab       JupyterLab on the quickstart notebook
#   make demo      a teacher and two students on this machine; KEEP=1 leaves their servers running
#   make test      every check and every test; TESTS="tests/swarm -k choker" for some of them
#   make prove     the long form of every figure
#   make bench     MB/s, beside libtorrent's
#   make fuzz      every parser that meets the network, for FUZZ_SECONDS=60 each
#   make lint | format | clean | distclean
#
# Needs GNU make 4, Python 3.11 with venv, Node.js 20 and, for the tests, Chromium.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := install

PYTHON ?= python3
TESTS ?=
FUZZ_SECONDS ?= 60

BIN := .venv/bin
# jlpm and jupyter-builder come with the tools below; the scripts of package.json call them by name.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PIP := $(BIN)/python -m pip --quiet
JLPM := cd labextension && ../$(BIN)/jlpm
# A network of its own: WebRTC works there, and nothing reaches any other.
IN_NAMESPACE := $(BIN)/python tests/namespace.py
PYTEST := $(IN_NAMESPACE) $(BIN)/python -m pytest
BENCH := $(IN_NAMESPACE) $(BIN)/python -m tests.benchmarks.transfer
# By a name of its own, so that `make --dry-run` does not run it.
SIDE_BY_SIDE := $(MAKE) --jobs=2 --keep-going --output-sync=target --no-print-directory
# Half of what the tests take, for the most part waiting: other programs.
WITH_PEERS := tests/hub tests/interop tests/test_demo.py tests/test_notebooks.py tests/ui

TOOLS := .venv/.tools
NODE_MODULES := labextension/node_modules/.installed
ASSETS := jupyter_webtorrent/labextension/static/style.js
INSTALLED := .venv/.installed

FRONT_END := $(shell find labextension/schema labextension/src labextension/style -type f) \
	labextension/install.json labextension/package.json labextension/tsconfig.json
SERVER_CONFIG := $(shell find jupyter_webtorrent/etc -type f)

define REQUIRED_TO_BUILD
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")
endef
export REQUIRED_TO_BUILD

.PHONY: install
install: $(INSTALLED)

$(TOOLS): pyproject.toml
	@echo "Setting up .venv"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -c "$$REQUIRED_TO_BUILD" | $(PIP) install -r /dev/stdin
	touch $@

$(NODE_MODULES): labextension/package.json labextension/yarn.lock labextension/.yarnrc.yml | $(TOOLS)
	$(JLPM) install --immutable
	touch $@

$(ASSETS): $(NODE_MODULES) $(FRONT_END)
	$(JLPM) build:prod
	touch $@

$(INSTALLED): $(TOOLS) $(ASSETS) $(SERVER_CONFIG)
	@echo "Installing the package and its tools into .venv"
	HATCH_JUPYTER_BUILDER_SKIP_NPM=1 $(PIP) install --no-build-isolation -e '.[test,lint]'
	touch $@

.PHONY: lab
lab: install
	$(BIN)/jupyter lab $$([ "$$(id -u)" != 0 ] || echo --allow-root) notebooks/quickstart.ipynb

.PHONY: demo
demo: install
	KEEP=$(KEEP) $(BIN)/python -m notebooks.demo

.PHONY: test
test: install chromium lint
ifeq ($(strip $(TESTS)),)
	@echo "Running the tests in two halves side by side; each is printed when it has ended"
	@failed=0; \
	$(SIDE_BY_SIDE) test-with-peers test-without || failed=$$?; \
	$(PYTEST) -m "alone and not prove" tests || failed=$$?; \
	exit $$failed
else
	$(PYTEST) $(TESTS)
endif

.PHONY: test-with-peers test-without
test-with-peers:
	$(PYTEST) -m "not alone and not prove" $(WITH_PEERS)
test-without:
	$(PYTEST) -m "not alone and not prove" tests $(addprefix --ignore=,$(WITH_PEERS))

.PHONY: prove
prove: test
	$(PYTEST) -m prove --capture=no $(TESTS)
	$(BENCH)

.PHONY: bench
bench: install
	$(BENCH)

.PHONY: fuzz
fuzz: install
	HATCH_JUPYTER_BUILDER_SKIP_NPM=1 $(PIP) install --no-build-isolation -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz.guided all $(FUZZ_SECONDS)

.PHONY: chromium
chromium:
	@if ! command -v chromium > /dev/null; then \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then \
			echo "The tests need Chromium as 'chromium' on the PATH: sudo apt-get install chromium" >&2; \
			exit 1; \
		fi; \
		apt-get update --quiet; \
		DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends chromium; \
	fi

.PHONY: lint
lint: install
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 jupyter_webtorrent
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin jupyter_webtorrent
	$(BIN)/lint-imports
	$(JLPM) lint
	$(JLPM) test

.PHONY: format
format: install
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(JLPM) format

.PHONY: clean
clean:
	rm -rf build dist jupyter_webtorrent/labextension labextension/lib labextension/tsconfig.tsbuildinfo
	rm -rf .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache htmlcov
	find jupyter_webtorrent tests -name __pycache__ -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean
	rm -rf .venv labextension/.yarn labextension/node_modules
