#!/bin/sh
# The reference run: makes every weight file of mini, in order. Each step resumes where it stopped.
#   runs/mini.sh ASSETS WORK        ASSETS: the recordings and models (docs/training.md), WORK: a folder with 20 GB free
set -eu
assets=$1 work=$2
python=${PYTHON:-.venv/bin/python}
train() { # kind, then --set pairs
    kind=$1
    shift
    "$python" -m longtake train "recipes/mini/$kind.toml" --set "run.folder=$work/runs/$kind" "$@"
}

# 1. The speech encoder: sound decoded once (0.4 GB), then 20 minutes on one core.
[ -e "$work/sounds/index.json" ] || "$python" -m longtake.train.pack sounds "$assets" "$work/sounds"
train speech --set "data.folder=$work/sounds"

# 2. The corpus of puppets, and every fourth frame of it decoded once for the autoencoder.
[ -e "$work/corpus/manifest.jsonl" ] || "$python" -m longtake corpus make --assets "$assets" --clips 600 --seed 1 "$work/corpus"
[ -e "$work/frames/index.json" ] || "$python" -m longtake.train.pack frames "$work/corpus" "$work/frames"
train autoencoder --set "data.folder=$work/frames"

# 3. Every frame as latents and speech features, once; then the two stages. Several processes use several cores better than threads do:
#    torchrun --standalone --nproc-per-node 2 -m longtake train RECIPE ...
[ -e "$work/windows/windows.json" ] || "$python" -m longtake corpus prepare "$work/corpus" -o "$work/windows"
train stage1 --set "data.windows=[\"$work/windows\"]"
train stage2 --set "data.windows=[\"$work/windows\"]" --set "run.start=$work/runs/stage1/ema.safetensors"

# 4. What the package ships.
for kind in autoencoder speech; do
    "$python" -m longtake.weights.ship "$work/runs/$kind/ema.safetensors" "src/longtake/weights/mini/$kind.safetensors"
done
"$python" -m longtake.weights.ship "$work/runs/stage2/ema.safetensors" src/longtake/weights/mini/animation.safetensors --eight-bits

# 5. Words: the encoder from the grammar of the captions, then the norms in the weights that ship, by whose hash they are known.
train words_encoder
"$python" -m longtake.weights.ship "$work/runs/words_encoder/ema.safetensors" src/longtake/weights/mini/words_encoder.safetensors --eight-bits
for twin in words words_calm; do
    calm=$([ "$twin" = words ] || echo --calm)
    [ -e "$work/$twin/manifest.jsonl" ] || "$python" -m longtake corpus make --assets "$assets" --clips 280 --seed 505 $calm "$work/$twin"
    [ -e "$work/data/$twin/windows.json" ] || "$python" -m longtake corpus prepare "$work/$twin" -o "$work/data/$twin"
done
train words --set "data.windows=[\"$work/data/words\"]" --set "data.calm=[\"$work/data/words_calm\"]"
"$python" -m longtake.weights.ship "$work/runs/words/ema.safetensors" src/longtake/weights/mini/words.safetensors --eight-bits
