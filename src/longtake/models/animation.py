"""The five networks that animate, as one module: what a weight file holds."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.attention import Heads
from longtake.models.denoiser import Denoiser
from longtake.models.layout import DenoiserSizes, UNetSizes
from longtake.models.projectors import (
    IdentityProjection,
    IdentitySizes,
    Locator,
    LocatorSizes,
    SpeechProjection,
    SpeechSizes,
)
from longtake.models.reference_net import ReferenceNet


@dataclass(frozen=True)
class AnimationSizes:
    denoiser: DenoiserSizes  # its unet is the reference net's too
    locator: LocatorSizes
    identity: IdentitySizes
    speech: SpeechSizes
    anchored: bool = False  # whether the denoiser is shown the portrait's latents, place by place


def mini_sizes(
    widths: tuple[int, ...] = (64, 128),
    attention: tuple[bool, ...] = (False, True),
    speech_layers: int = 4,
    speech_features: int = 192,
    speech_hidden: int = 128,
    speech_tokens: int = 8,
    words: int = 128,
    word_filter: int = 0,
    identity_embedding: int = 128,
    head_width: int = 32,
    anchored: bool = False,
) -> AnimationSizes:
    """The small model, for 16 latent channels at 16 x 16.

    The fine level has convolutions only: attention over its 256 tokens (512 with the portrait's) costs three times what
    everything else does and brings nothing that the 64 tokens of the next level can't carry (dev/LOG.md).
    """
    context = 128
    unet = UNetSizes(
        latent=16,
        channels=widths,
        attention=attention,
        layers=1,
        heads=Heads(width=head_width),
        groups=16,
        ff=2,
        context=context,
    )
    return AnimationSizes(
        denoiser=DenoiserSizes(unet, speech=context, words=words, positions=32, filter=word_filter),
        locator=LocatorSizes((16, 32, 64), widths[0]),
        identity=IdentitySizes(identity_embedding, 4, context),
        speech=SpeechSizes(5, speech_layers, speech_features, speech_hidden, speech_tokens, context),
        anchored=anchored,
    )


def hallo2_sizes(widths: tuple[int, ...] = (320, 640, 1280, 1280), words: int = 0) -> AnimationSizes:
    """The published model. Other widths keep everything but the widths (the golden arrays use (32, 64, 128, 128))."""
    unet = UNetSizes(
        latent=4,
        channels=widths,
        attention=(True, True, True, False),
        layers=2,
        heads=Heads(count=8),
        groups=32,
        ff=4,
        context=768,
    )
    return AnimationSizes(
        denoiser=DenoiserSizes(unet, speech=768, words=words, positions=32, inner="published"),
        locator=LocatorSizes((16, 32, 64, 128), widths[0]),
        identity=IdentitySizes(512, 4, 768),
        speech=SpeechSizes(5, 12, 768, 512, 32, 768),
    )


class Animation(nn.Module):
    """`spare` also builds the published parts that never run (182.8 M parameters of `hallo2`)."""

    def __init__(self, sizes: AnimationSizes, spare: bool = False):
        super().__init__()
        self.sizes = sizes
        self.reference_net = ReferenceNet(sizes.denoiser.unet, spare)
        self.denoiser = Denoiser(sizes.denoiser, spare)
        self.locator = Locator(sizes.locator)
        self.identity_projection = IdentityProjection(sizes.identity)
        self.speech_projection = SpeechProjection(sizes.speech)
        unet = sizes.denoiser.unet
        self.anchor = nn.Conv2d(unet.latent, unet.channels[0], 3, padding=1) if sizes.anchored else None

    def located(
        self, pictures: Float[Tensor, "b f 3 H W"], portrait: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b f c_first h w"]:
        """What is added after the denoiser's first layer: where the face is, and what is there in the portrait."""
        feature = self.locator(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2])
        return feature if self.anchor is None else feature + self.anchor(portrait)[:, None]


@torch.no_grad()
def init_for_training(animation: Animation) -> Animation:
    """The same module with every branch that is added to a residual starting at nothing: motion, speech, words, locator.

    The reference net begins as a copy of the denoiser's layers, as in the paper, where one published U-Net starts both: what it
    hands on lies where the denoiser looks for it.
    """
    layers = animation.denoiser.state_dict()
    animation.reference_net.load_state_dict({name: layers[name] for name in animation.reference_net.state_dict()})
    silent: list[nn.Module] = [animation.locator.conv_out, *([animation.anchor] if animation.anchor else [])]
    for layer in animation.denoiser.attending():
        silent += [layer.motion.proj_out, *layer.audio.zero_convs.values()]
        if layer.words is not None:
            silent.append(layer.words.second)
    silent += [layer.word_filter.up for layer in animation.denoiser.layers() if layer.word_filter is not None]
    for parameter in (parameter for part in silent for parameter in part.parameters()):
        nn.init.zeros_(parameter)
    return animation
