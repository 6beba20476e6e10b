# Everything happens in .venv, which the first command makes. Another Python: PYTHON=python3.12 make test
PYTHON ?= python3
STAMP := .venv/made-with-$(notdir $(PYTHON))
MODEL := build/time_machine

.PHONY: help demo test lint notebooks lab venv clean

help:
	@echo "make demo       train an LSTM on The Time Machine, then draw its graph: $(MODEL).svg"
	@echo "make test       run the whole suite (some of it: make test ARGS='-k lstm')"
	@echo "make lint       check annotations (mypy), mistakes and layout (ruff)"
	@echo "make lab        open the lessons in JupyterLab"
	@echo "make notebooks  run the lessons' sources and write the notebooks (some: make notebooks ARGS=03)"
	@echo "make venv       only make .venv, which the others do by themselves"
	@echo "make clean      remove .venv, build/ (with the trained model) and every cache"

demo: $(STAMP)
	.venv/bin/chalkgrad train -o $(MODEL).safetensors
	.venv/bin/chalkgrad draw $(MODEL).safetensors -o $(MODEL).svg

test: $(STAMP)
	@.venv/bin/python -m pytest $(ARGS)

lint: $(STAMP)
	@test -x .venv/bin/ruff -a -x .venv/bin/mypy || \
	    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[lint]'
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

LESSONS := .venv/made-for-the-lessons

lab: $(LESSONS)
	.venv/bin/jupyter lab --ServerApp.root_dir="$(CURDIR)" notebooks/01_a_derivative_is_a_nudge.ipynb

notebooks: $(LESSONS)
	.venv/bin/python notebooks/build.py $(ARGS)

$(LESSONS): $(STAMP)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[notebooks]'
	@touch "$@"

venv: $(STAMP)

# The stamp comes last, so an interrupted set-up starts over.
$(STAMP): setup.cfg pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { \
	    echo "$(PYTHON): not found. Install Python 3.11 or newer, or name it: PYTHON=python3.12 make" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$$("$(PYTHON)" --version) is too old: 3.11 or newer is needed. Name one: PYTHON=python3.12 make" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Making .venv, once; this takes about a minute."
	@"$(PYTHON)" -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@command -v dot >/dev/null || .venv/bin/python -m pip install --quiet --disable-pip-version-check \
	    --only-binary pygraphviz --editable '.[dot]' || { \
	    echo "No dot on PATH and no wheel of pygraphviz: install Graphviz (apt install graphviz, brew install graphviz)" >&2; exit 1; }
	@touch "$@"

clean:
	rm -rf .venv build *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
