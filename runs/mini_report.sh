#!/bin/sh
# The report of the shipped model beside its controls, offline: all held-out clips, every metric that can be computed here.
#   runs/mini_report.sh [--set data.clips=4 ...]
# Stopped, the same command goes on. Then the page is published: docs/mini-report.html, and its numbers for the gates.
set -eu
python=${PYTHON:-.venv/bin/python}
"$python" -m longtake evaluate compare recipes/eval/mini.toml -o report "$@"
cp report/index.html docs/mini-report.html
cp report/metrics.json benchmarks/mini-report.json
