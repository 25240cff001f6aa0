"""The animation networks as one function of a training batch: what stages 1 and 2 have in common."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float, Real
from torch import Tensor

from longtake.models.animation import Animation
from longtake.models.pairing import context_rows
from longtake.models.projectors import with_lids
from longtake.models.told import Conditions


@dataclass(frozen=True)
class Told:
    """The conditions of a batch as they come from disk; flags say which rows keep them."""

    reference: Float[Tensor, "b c h w"]
    motion: Float[Tensor, "b n c h w"] | None  # None: frames are unrelated, no motion modules (stage 1)
    speech: Float[Tensor, "b f window layers features"] | None
    identity: Float[Tensor, "b embedding"]
    regions: tuple[Float[Tensor, "b 3 h w"], ...]  # pose, face, lip; a level each
    rectangle: Float[Tensor, "b 3 H W"]  # the face, for the locator
    has_portrait: Bool[Tensor, " b"]
    has_speech: Bool[Tensor, " b"]
    eyes: Float[Tensor, "b H W"] | None = None  # where they are, at the size of the rectangle
    lids: Float[Tensor, "b f"] | None = None  # how closed they are; None: the denoiser is not told
    words: Float[Tensor, "b f d"] | None = (
        None  # embeddings of what is said of each frame; None: word norms are passed by
    )
    words_strength: Float[Tensor, "b f"] | None = None  # 0: nothing is said of this frame
    has_words: Bool[Tensor, " b"] | None = None


class Learner(Animation):
    """`Animation` whose forward takes raw conditions, so that one call reaches every parameter (data parallelism needs it)."""

    def forward(
        self, latents: Float[Tensor, "b c f h w"], step: Real[Tensor, "b f"], told: Told
    ) -> Float[Tensor, "b c f h w"]:
        """What is predicted. A row without a portrait has no reference, null identity and no locator feature."""
        b, frames = latents.shape[0], latents.shape[2]
        kept = told.has_portrait.to(told.identity)
        identity = self.identity_projection(told.identity * kept[:, None])
        reference, motion = self._read(told, identity)
        conditions = Conditions(
            identity=identity,
            regions=told.regions,
            reference=reference,
            has_reference=told.has_portrait,
            motion=motion,
            speech=None if told.speech is None else self.speech_projection(told.speech),
            has_speech=told.has_speech,
            words=told.words,
            words_strength=told.words_strength,
            has_words=told.has_words,
            locator=self._locate(told, kept),
        )
        return self.denoiser(latents, step, self.denoiser.prepare(conditions, frames)).view(b, -1, *latents.shape[2:])

    def _locate(self, told: Told, kept: Float[Tensor, " b"]) -> Float[Tensor, "b f c h w"]:
        """The locator's feature of each frame if it is told how closed the eyes are, else one for all frames."""
        pictures = told.rectangle[:, None]
        if told.lids is not None and told.eyes is not None:
            pictures = with_lids(told.rectangle, told.eyes, told.lids)
        return self.located(pictures, told.reference) * kept[:, None, None, None, None]

    def _read(self, told: Told, identity: Float[Tensor, "b t d"]) -> tuple[dict, dict | None]:
        """Reference features of the portraits, and of the motion frames if there are any."""
        reference = self.reference_net(told.reference, identity)
        if told.motion is None:
            return reference, None
        b, n = told.motion.shape[:2]
        motion = self.reference_net(told.motion.flatten(0, 1), context_rows(identity, n, "correct"))
        return reference, {name: x.unflatten(0, (b, n)) for name, x in motion.items()}
