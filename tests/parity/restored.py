"""The published enhancer with the weights of the golden arrays, and every intermediate value they list."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
import weight_rule as rule
from torch import Tensor

from longtake.models.enhancer import Enhancer, EnhancerSizes
from longtake.weights import names


def enhancer(seed: int = 0, sizes: EnhancerSizes = EnhancerSizes()) -> Enhancer:
    """The enhancer with weights drawn from the published names."""
    with torch.device("meta"):
        made = Enhancer(sizes)
    shapes = {names.enhancer(name, 1): tuple(x.shape) for name, x in made.state_dict().items()}
    drawn = rule.weights(shapes, "codeformer.", seed)
    made.load_state_dict({names.enhancer(name): x for name, x in drawn.items()}, assign=True)
    return made.eval().requires_grad_(False)


def frames(count: int, seed: int = 0) -> Tensor:
    """Smooth pictures that have nothing to do with each other, (1, f, 3, 512, 512)."""
    shape = (1, count, 3, 512, 512)
    noise = rule.weight("input.codeformer", shape, seed) * (count * 3 * 512 * 512) ** 0.5
    return torch.tanh(9 * F.avg_pool3d(noise, (1, 9, 9), 1, (0, 4, 4)))


def tap(
    network: Enhancer, pictures: Tensor, fidelity: float, shown: slice = slice(None)
) -> Iterator[tuple[str, Tensor]]:
    """Each array of the golden file as it is made: what the predictor sees of all frames, pictures only of those `shown`."""
    taps: dict[str, Tensor] = {}
    hooks = list(_listen(network, taps))
    with torch.inference_mode():
        features, seen = network.read(pictures[0], fidelity, at_once=1)
        yield from _joined(taps, "encoder")
        yield "tap.lq_feat", features
        logits = network.predictor(features[None])[0]
        yield from ((name, x) for name, x in taps.items() if name.startswith(("tap.ft", "tap.feat")))
        codes = logits.argmax(-1)
        best = logits.topk(2).values
        yield "codes", codes
        yield "logits_max", best[..., 0]
        yield "logits_margin", best[..., 0] - best[..., 1]
        yield "logits_lse", logits.logsumexp(-1)
        yield "logits_sample", logits
        out = torch.cat(list(network.write(codes[shown], features[shown], seen[shown], fidelity, at_once=1)))
    for hook in hooks:
        hook.remove()
    for part in ("generator", "fuse"):
        yield from _joined(taps, part)
    yield "out_sample", out
    yield "out_mean8", F.avg_pool2d(out, 8)
    yield "out_crop", out[:, :, 224:288, 224:288]
    yield "out_stats", torch.stack([torch.stack([x.mean(), x.std(), x.min(), x.max()]) for x in out])


def _listen(network: Enhancer, taps: dict[str, Tensor]) -> Iterator:
    """Hooks on what the golden file names; frames that come one by one are put together."""

    def frame(name: str):
        def hook(_module, _inputs, output: Tensor) -> None:
            taps[name] = torch.cat([taps[name], output]) if name in taps else output

        return hook

    def window(name: str):
        def hook(_module, _inputs, output: Tensor) -> None:
            taps[name] = output[0].transpose(0, 1)  # places, frames, width

        return hook

    for net, part in (("encoder", network.encoder), ("generator", network.decoder)):
        for place, block in enumerate(part.blocks):
            yield block.register_forward_hook(frame(f"tap.{net}.blocks.{place}"))
    for side, fusion in network.fusion.items():
        yield fusion.register_forward_hook(frame(f"tap.fuse_convs_dict.{side}"))
    yield network.predictor.embed.register_forward_hook(window("tap.feat_emb"))
    for place, layer in enumerate(network.predictor.layers):
        yield layer.register_forward_hook(window(f"tap.ft_layers.{place}"))


def _joined(taps: dict[str, Tensor], part: str) -> Iterator[tuple[str, Tensor]]:
    yield from ((name, x) for name, x in taps.items() if name.startswith(f"tap.{part}"))
