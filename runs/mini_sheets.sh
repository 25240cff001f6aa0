#!/bin/sh
# The shipped model beside its controls as pictures, in the form of the paper's Figures 6 and 7: held-out clips, then a minute.
#   runs/mini_sheets.sh [WORK]
set -eu
work=${1:-report/sheets}
python=${PYTHON:-.venv/bin/python}
"$python" -m longtake evaluate compare recipes/eval/mini.toml -o "$work/clips" --set data.clips=3 --set report.strips=3 \
    --set ordered=false --set 'metrics.names=["sharpness"]' # the pictures are what is wanted
"$python" -m longtake evaluate compare recipes/eval/mini_minute.toml -o "$work/minute"
cp "$work/clips/sheets/02.webp" docs/pictures/figure-6.webp
cp "$work/minute/sheets/00.webp" docs/pictures/figure-7.webp
