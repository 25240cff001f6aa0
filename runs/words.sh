#!/bin/sh
# The word norms of mini, from assets to weights. Each step resumes where it stopped.
#   runs/words.sh ASSETS WORK     WORK: a folder with 3 GB free
# MINUTES of training (192 by default), CORES processes of one thread.
# START=NORMS goes on from finished norms instead, with other people and small changes more often (MINUTES=58 were tried: dev/LOG.md).
set -eu
assets=$1 work=$2
python=${PYTHON:-.venv/bin/python}
CORES=${CORES:-2} MINUTES=${MINUTES:-192} START=${START:-}
export OMP_NUM_THREADS=1
pairs() { # seed, clips, frames, then --often pairs: clips and their calm twins, as windows
    seed=$1 clips=$2 frames=$3
    shift 3
    for kind in asked calm; do
        folder=$work/$kind-$seed
        [ -e "$folder-windows/windows.json" ] && continue
        twins=$([ $kind = asked ] || echo --calm)
        "$python" -m longtake corpus make "$folder" --assets "$assets" --clips "$clips" --seed "$seed" --frames "$frames" --workers "$CORES" $twins "$@"
        "$python" -m longtake corpus prepare "$folder" -o "$folder-windows"
    done
}
train() { # name of the run, seeds of its corpora with commas, then --set pairs
    name=$1
    lists=$("$python" -c 'import json, sys
for kind in ("asked", "calm"): print(json.dumps([f"{sys.argv[1]}/{kind}-{seed}-windows" for seed in sys.argv[2].split(",")]))' "$work" "$2")
    shift 2
    "$python" -m torch.distributed.run --standalone --nproc-per-node "$CORES" -m longtake train recipes/mini/words.toml \
        --set "run.folder=$work/runs/$name" --set run.steps=1000000 --set "run.max_minutes=$MINUTES" --set learning.by=minutes --set run.threads=1 \
        --set "data.windows=$(echo "$lists" | head -n 1)" --set "data.calm=$(echo "$lists" | tail -n 1)" "$@"
}

if [ -z "$START" ]; then
    # Every expression alike, from nothing.
    run=words
    pairs 505 280 100
    train $run 505 --set data.corpus_seed=505
else
    # More people in shorter clips, and more often what moves little, at a rate that doesn't lose what is known.
    run=words_again
    pairs 707 156 60 --often smile=3 --often laugh=3 --often angry=3 --often look_left=3 --often look_right=3 --often shake=3
    pairs 808 120 60 --often smile=4 --often laugh=4 --often look_left=6 --often look_right=6 --often shake=4
    pairs 909 70 60 --often smile=3 --often laugh=6 --often angry=6 --often brows_up=3 --often squint=3 --often turn_left=3 --often turn_right=3 \
        --often tilt_left=6 --often tilt_right=6 --often nod=3 --often shake=3
    train $run 707,808,909 --set data.corpus_seed=707 --set "data.norms=$START" --set learning.rate=2e-3 --set learning.decay_from=0.2
fi

# What ships, in eight bits; look at the sheets and run benchmarks/prompts.py first.
echo "$python -m longtake.weights.ship $work/runs/$run/ema.safetensors src/longtake/weights/mini/words.safetensors --eight-bits"
