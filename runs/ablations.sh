#!/bin/sh
# The paper's ablation at mini scale: nine short trainings, four clips of a minute a row, one page.
#   runs/ablations.sh CORPUS WINDOWS WORK [--until HH:MM]
# CORPUS and WINDOWS as runs/mini.sh made them; WORK is where everything lies. Stopped, the same command goes on.
# One process for each core: small kernels don't fill two. By the arithmetic of dev/LOG.md two quiet cores need an hour and a half in all.
set -eu
corpus=$1 windows=$2 work=$3
shift 3
python=${PYTHON:-.venv/bin/python}
export OMP_NUM_THREADS=1
for _ in $(seq "${WORKERS:-$(nproc)}"); do
    "$python" benchmarks/ablations.py work "$work" --corpus "$corpus" --windows "$windows" "$@" &
done
wait
"$python" benchmarks/ablations.py page "$work"
