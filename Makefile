# The index of commands. `make` alone lists them.
BIN := .venv/bin
PYTHON ?= python3.11
ASSETS ?=
export PYTHON

.PHONY: help demo test gates report settings bench lint types clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: .venv/.installed ## install into .venv and make talk.mp4 from examples/
	$(BIN)/longtake animate examples/portrait.png examples/speech.wav -o talk.mp4 --overwrite

test: .venv/.installed-dev ## run the tests
	$(BIN)/python -m pytest -p no:cacheprovider

gates: .venv/.installed-dev ## measure the quality gates, write gates.json (ASSETS=DIR adds real speech and portraits)
	$(BIN)/python -m longtake.evaluate.gates $(if $(ASSETS),--assets $(ASSETS)) --out gates.json

report: .venv/.installed ## judge the shipped model beside its controls, write report/index.html and report/metrics.json
	$(BIN)/longtake evaluate compare recipes/eval/mini.toml -o report

settings: .venv/.installed ## write docs/settings.md anew
	$(BIN)/python docs/make_settings.py

bench: .venv/.installed-dev ## speed and memory of the mini preset on this machine
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/memory.py --minutes 0.167 10

lint: .venv/.installed-dev ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.installed-dev ## check types
	$(BIN)/pyright

clean: ## remove .venv and everything that was made
	rm -rf .venv talk.mp4 talk.mp4.longtake gates.json report build dist .pytest_cache .ruff_cache .hypothesis
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: pyproject.toml constraints.txt .ci/setup
	.ci/setup
	touch $@

.venv/.installed-dev: pyproject.toml constraints.txt .ci/setup
	.ci/setup all,dev
	touch $@ .venv/.installed
