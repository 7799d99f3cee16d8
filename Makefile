# ALAS Explorer. `make` lists the targets. Each sets up the virtual environment it needs the first
# time, and again when the requirements change.
#
#   PYTHON=...     the Python that makes the environment (3.11 or newer)
#   VENV=...       where the environment lives (.venv)
#   PIP_FLAGS=...  extra flags of pip, for example an index that has PyTorch without CUDA
#   PORT=...       port of the dashboard (8501)
#   ARGS=...       passed on to the program behind the target, for example ARGS="-k store"

VENV ?= .venv
PORT ?= 8501
# With a screen to open it on, the browser opens by itself.
HEADLESS ?= $(shell test -n "$$DISPLAY$$WAYLAND_DISPLAY" || test "$$(uname)" = Darwin \
	&& echo false || echo true)
WORKERS ?= 2
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
# First the version that the pins are tested on, and one that can make environments if there is any.
PYTHON ?= $(shell for needs in "import venv, ensurepip" pass; do \
	for name in python3.11 python3.12 python3.13 python3; do \
	"$$name" -c "$$needs; $(NEW_ENOUGH)" 2>/dev/null && echo "$$name"; done; done | head -n 1)
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check $(PIP_FLAGS)

.DEFAULT_GOAL := help
.PHONY: help app test bench screenshots demo-model example-run format lint type hooks

help: ## List the targets
	@echo "ALAS Explorer: how a speech LLM binds audio frames to words, layer by layer"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' Makefile

app: $(VENV)/.app ## Open the dashboard (http://127.0.0.1:8501)
	$(BIN)/python -m streamlit run app.py --server.address=127.0.0.1 --server.port=$(PORT) \
		--server.headless=$(HEADLESS) --server.showEmailPrompt=false $(ARGS)

# Browser tests are kept from the others, whose arithmetic takes every core. One that fails while
# another runs beside it is tried once more, alone: so a busy machine is told from a fault.
test: $(VENV)/.dev ## Run all tests, or those that ARGS choose
ifeq ($(strip $(ARGS)),)
	@failed=0; \
	$(BIN)/python -m pytest -n $(WORKERS) -m "not browser" || failed=1; \
	$(BIN)/python -m pytest -n $(WORKERS) -m browser || \
	$(BIN)/python -m pytest -m browser --last-failed --last-failed-no-failures none || failed=1; \
	exit $$failed
else
	$(BIN)/python -m pytest $(ARGS)
endif

bench: $(VENV)/.dev ## Print speed and size as ratios measured in one run
	$(BIN)/python -m tests.benchmarks.bench $(ARGS)

screenshots: $(VENV)/.dev ## Picture every page, light and dark, into assets/screenshots
	$(BIN)/python -m tests.screenshots $(ARGS)

demo-model: $(VENV)/.dev ## Train the demo model anew (about an hour on two cores)
	$(BIN)/python -m alas_core.demo $(ARGS)

# The sentence encoder, which compares both answers, is among the extras.
example-run: $(VENV)/.dev ## Run the demo recordings anew: the example of the Data set page
	rm -rf assets/demo/run
	$(BIN)/python -m alas_core run demo --out assets/demo/run $(ARGS)
	rm -rf assets/demo/run/bundles assets/demo/run/parts assets/demo/run/*lock* # Explore makes them

format: $(VENV)/.dev ## Rewrite the code in the house format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: $(VENV)/.dev ## Check the house rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/.dev ## Check the types
	$(BIN)/mypy

hooks: $(VENV)/.dev ## Run format, lint and types before every commit
	$(BIN)/pre-commit install

# bin/pip is the last thing that venv writes, so an interrupted creation is taken up again.
$(BIN)/pip:
	@test -n "$(PYTHON)" || { \
	echo "ALAS Explorer needs Python 3.11 or newer; found: $$(python3 --version 2>&1)." >&2; \
	echo "Install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' || { \
	echo "ALAS Explorer needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" --version 2>&1)." >&2; \
	exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
	echo "$(PYTHON) cannot make virtual environments: install its venv module" >&2; \
	echo "(Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Making the virtual environment $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv $(VENV)

$(VENV)/.app: requirements.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what ALAS Explorer needs into $(VENV); PyTorch is large, the first time takes minutes"
	$(PIP_INSTALL) -r requirements.txt
	$(PIP_INSTALL) --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-extras.txt $(VENV)/.app
	@echo "Installing what the tests and the checks need into $(VENV)"
	$(PIP_INSTALL) -r requirements-dev.txt -r requirements-extras.txt
	@touch $@
