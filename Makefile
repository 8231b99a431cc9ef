# `make help` lists what there is. Everything runs in .venv, which is made on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TORCH := torch==2.13.0

.DEFAULT_GOAL := help
.PHONY: help demo test lint type golden docs bench wheel clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Search a small space of vision transformers on the images that ship (about two minutes)
	rm -rf runs/demo
	$(BIN)/tanglec search spaces/vit_mini.tsp --epochs 4 --out runs/demo

test: $(READY) ## Run all tests, in two processes
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

lint: $(READY) ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(READY) ## Check types
	$(BIN)/mypy

golden: $(READY) docs ## Write golden files, generated modules and docs anew; look at the difference before you commit
	TANGLEC_UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q -k golden
	$(BIN)/tanglec compile spaces/*.tsp -o generated

docs: $(READY) ## Write the pages that are generated: docs/errors and docs/operations.md
	$(BIN)/python -m tanglec.codes docs/errors
	$(BIN)/python -m tanglec.cli.reference docs/operations.md

bench: $(READY) ## Measure mixing, compiling, entanglement; write docs/measurements.md anew (an hour)
	$(BIN)/python -m benchmarks.mixing
	$(BIN)/python -m benchmarks.compile
	$(BIN)/python -m benchmarks.sharing
	$(BIN)/python -m benchmarks.page

wheel: $(READY) ## Build the wheel into dist/
	$(BIN)/python -m build --wheel

clean: ## Remove caches and builds (not .venv, not runs)
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Linux without an NVIDIA GPU gets a CPU build of torch, which is ten times smaller; if PyTorch's own index cannot be
# reached, whatever pip finds.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; make PYTHON=python3.12 takes another one"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import torch' 2>/dev/null || \
	if [ "$$(uname)" = Linux ] && ! command -v nvidia-smi >/dev/null; then \
		$(BIN)/pip install --index-url https://download.pytorch.org/whl/cpu --timeout 10 --retries 0 '$(TORCH)' || \
		$(BIN)/pip install '$(TORCH)'; \
	fi
	$(BIN)/pip install --quiet -e '.[train,images,pareto,report,tensorboard,dev]'
	$(BIN)/python -m compileall -q tanglec runtime/tanglert  # pip does that for installed packages, not for a checkout
	touch $@
