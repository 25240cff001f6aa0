#!/bin/sh
# The small enhancer, from assets to weights. Each step resumes where it stopped.
#   runs/enhancer.sh ASSETS WORK [latents|frame]     WORK: a folder with 8 GB free
# latents: the second input of figure 4 as well. frame: stage C with what is drawn for each frame, as the published code does it.
# Minutes of the stages: A, B, C (60 in all by default). CORES processes of one thread.
# START=ENHANCER goes on from a finished one: A learns only an encoder that fits its codebook (6 minutes do), B is what it knows.
set -eu
assets=$1 work=$2 also=${3:-}
python=${PYTHON:-.venv/bin/python}
A=${A:-18} B=${B:-26} C=${C:-16} CORES=${CORES:-2} CLIPS=${CLIPS:-300} START=${START:-}
export OMP_NUM_THREADS=1
codes=$work/runs/enhancer_codes/ema.safetensors
train() { # recipe, name of the run, minutes, then --set pairs
    recipe=$1 name=$2 minutes=$3
    shift 3
    "$python" -m torch.distributed.run --standalone --nproc-per-node "$CORES" -m longtake train "recipes/mini/$recipe.toml" \
        --set "run.folder=$work/runs/$name" --set "run.max_minutes=$minutes" --set run.threads=1 --set run.device=cpu \
        --set "data.folder=$work/faces" "$@"
}
align() { # name of the run, then --set pairs; the frames' network begins with what it knows of single frames
    name=$1
    shift
    train enhancer_align "$name" "$C" --set "data.codes=$codes" --set "run.start=${START:-$work/runs/enhancer_predict/ema.safetensors}" \
        ${START:+--set 'run.anew=[".time"]'} "$@"
}

# 1. Sharp faces: short clips of many people, 512 px, then every frame decoded once; beside each what the model makes of it.
[ -e "$work/corpus512/done" ] || {
    "$python" -m longtake corpus make --assets "$assets" --clips "$CLIPS" --seed 512 --frames 16 --size 512 --workers "$CORES" "$work/corpus512"
    touch "$work/corpus512/done"
}
[ -e "$work/faces/index.json" ] || "$python" -m longtake.train.pack frames "$work/corpus512" "$work/faces" --every 1
[ -e "$work/faces/own.done" ] || { OMP_NUM_THREADS=$CORES "$python" -m longtake.train.pack own "$work/faces" && touch "$work/faces/own.done"; }

# 2. The three stages.
train enhancer_codes enhancer_codes "$A" ${START:+--set "data.enhancer=$START" --set learning.rate=2e-4}
[ -n "$START" ] || train enhancer_predict enhancer_predict "$B" --set "data.codes=$codes"
align enhancer_align

# 3. What is compared with it.
if [ "$also" = latents ]; then
    train enhancer_latents enhancer_latents "$B" --set "data.codes=$codes"
    train enhancer_align enhancer_latents_align "$C" --set sizes.latents=true --set "data.codes=$codes" \
        --set "run.start=$work/runs/enhancer_latents/ema.safetensors"
elif [ "$also" = frame ]; then
    align enhancer_align_frame --set 'data.draws="frame"'
fi

# 4. What ships (2.5 MB), and how good it is.
"$python" -m longtake.weights.ship "$work/runs/enhancer_align/ema.safetensors" "$work/enhancer.safetensors" --eight-bits
"$python" -m longtake.evaluate.enhance_page "$work/enhancer.safetensors" --out "$work/enhancer.json" --sheet "$work/enhancer.png"
