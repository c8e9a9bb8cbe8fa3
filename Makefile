# `make emit` needs python3 (3.10 or newer) with venv; everything else also g++ and perl (the simulator's needs).
# Versions are pinned in pyproject.toml, nowhere else.

MODEL  ?= cityscapes_int8
BOARD  ?= pynq_z2
MODELS ?= tiny cifar10_conv cityscapes_conv complex_int8 mimo2x2_int8 cifar10_int8 street_int8 cityscapes_int8
SIDES  := tx rx
SEEDS  ?= 1..3
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The pinned versions are tested on 3.11; a shim that is on PATH but does not start is passed over.
PYTHON ?= $(shell for p in python3.11 python3; do $$p -c "" 2>/dev/null && { echo $$p; break; }; done)

.PHONY: help emit env test lint verify-all regress sweep formal clean distclean

help:
	@echo "make emit        light set-up, then Verilog of MODEL=$(MODEL) for BOARD=$(BOARD)"
	@echo "make env         complete environment in $(VENV): training, simulation, tests"
	@echo "make test        complete set-up, ruff, mypy, pytest"
	@echo "make verify-all  both sides of every shipped model at full frames against PyTorch, stalled or not"
	@echo "make regress     both sides of MODELS with SEEDS=$(SEEDS), JOBS at a time, or on the Dask cluster of SCHEDULER=tcp://..."
	@echo "make sweep       120 random specifications (60 with branches) against PyTorch, with and without stalls"
	@echo "make formal      proofs of the components for every input, JOBS at a time: docs/formal.md is the list"
	@echo "make clean       remove what was built; make distclean: $(VENV) too"

emit: $(VENV)/.light
	$(BIN)/hwgen emit --model $(MODEL) --board $(BOARD)

env: $(VENV)/.complete

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.complete
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary

verify-all: $(VENV)/.complete
	for side in $(SIDES); do \
	    $(BIN)/hwgen bench datapath --no-synth --side $$side --board $(BOARD) $(MODELS:%=--model %) || exit 1; \
	    for model in $(MODELS); do \
	        $(BIN)/hwgen verify --model $$model --side $$side --board $(BOARD) --stall 0.2 || exit 1; done; done

regress: $(VENV)/.complete
	$(BIN)/hwgen regress $(MODELS:%=--model %) --seeds $(SEEDS) --jobs $(JOBS) $(SCHEDULER:%=--scheduler %)

sweep: $(VENV)/.complete
	$(BIN)/python -m hwgen.sweep --count 120 --jobs $(JOBS) $(SCHEDULER:%=--scheduler %)

formal: $(VENV)/.complete
	$(BIN)/python -m hwgen.formal --jobs $(JOBS)

clean:
	rm -rf build dist hwgen_out .pytest_cache .mypy_cache .ruff_cache
	find hwgen rtl sim tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "python3 is missing: install the Debian package python3-venv" >&2; exit 1; }
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10))" || \
	    { echo "python3 is too old: hwgen needs 3.10 or newer (set PYTHON=...)" >&2; exit 1; }
	@$(PYTHON) -c "import venv, ensurepip" 2>/dev/null || \
	    { echo "python3 has no venv: install the Debian package python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.light: pyproject.toml | $(BIN)/python
	@echo "installing what emit needs into $(VENV)"
	@$(PIP) --editable .
	@touch $@

# torch first, and its CPU build: plain `torch` would bring several GB of CUDA packages. Where no configured
# index has the CPU build under its local version, uv knows where to find it.
$(VENV)/.complete: pyproject.toml | tools $(BIN)/python
	@echo "installing everything into $(VENV): a few minutes the first time"
	@torch=$$(sed -n 's/^ *"\(torch==[0-9.]*\)".*/\1/p' pyproject.toml); \
	$(PIP) "$$torch+cpu" 2>/dev/null || { $(PIP) uv && \
	    $(BIN)/uv pip install --quiet --python $(BIN)/python --torch-backend cpu "$$torch"; } || \
	    { echo "no index has the CPU build of $$torch: install it into $(VENV) by hand, then try again" >&2; exit 1; }
	@$(PIP) --editable ".[dev]"
	@touch $(VENV)/.light $@

.PHONY: tools
tools:
	@for tool in g++ make perl; do command -v $$tool >/dev/null || \
	    { echo "$$tool is missing: install the Debian package $$tool" >&2; exit 1; }; done
