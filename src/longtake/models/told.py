"""What the denoiser is told: about a batch of segments, and as each of its layers uses it, once a video and once a segment."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from longtake.models.attention import Folded, Reading
from longtake.models.audio_attention import Hearing, RegionMaps
from longtake.models.motion_module import Lead
from longtake.models.reference_net import Features
from longtake.models.rows import Rows
from longtake.models.word_adaln import Shift
from longtake.models.word_filter import Opening


@dataclass(frozen=True)
class Conditions:
    """What a batch of segments is told. Every row has motion frames and regions; the rest may be absent per row."""

    identity: Float[Tensor, "b t d"]
    regions: tuple[Float[Tensor, "b 3 h w"], ...]  # pose, face, lip; one map a level, finest first
    reference: Features | None = None  # per place "s l c", any number of rows
    reads: Int[Tensor, " b"] | Int[Tensor, "b f"] | None = (
        None  # reference row that each row or frame reads; None: 0..b-1
    )
    has_reference: Bool[Tensor, " b"] | None = None  # None: all rows
    motion: Features | None = None  # per place "b n l c", n may be 0; None: frames are unrelated, no motion modules
    speech: Float[Tensor, "b f t d"] | None = None  # None: no audio modules (stage 1)
    has_speech: Bool[Tensor, " b"] | None = None  # None: all rows; a row without it hears exact silence
    words: Float[Tensor, "b f d"] | None = None  # None: word norms are passed by
    has_words: Bool[Tensor, " b"] | None = None
    words_strength: Float[Tensor, "b f"] | None = None  # 0: nothing is told, exactly; None: 1 everywhere
    locator: Float[Tensor, "b f_or_1 c h w"] | None = (
        None  # of each frame, or one for all; zero for rows without a portrait
    )
    region_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)  # pose, face, lip; of the whole video
    frame_weights: Float[Tensor, "f 3"] | None = None  # of each frame instead, for this segment


@dataclass(frozen=True)
class Given:
    """Which rows have which condition, found once: a flag on a GPU can't be read without waiting for it."""

    reference: Rows
    speech: Rows
    words: Rows

    @classmethod
    def of(cls, told: Conditions) -> "Given":
        b = told.identity.shape[0]
        return cls(*(Rows.of(flags, b) for flags in (told.has_reference, told.has_speech, told.has_words)))


@dataclass(frozen=True)
class LayerVideo:
    """What the portrait and the regions tell one layer. A part that is None is skipped."""

    identity: Folded
    reading: Reading | None
    maps: RegionMaps | None


@dataclass(frozen=True)
class PreparedVideo:
    """Everything that stays the same for a whole video."""

    layers: dict[str, LayerVideo]


@dataclass(frozen=True)
class LayerConditions:
    """`Conditions` as one layer uses them. A part that is None is skipped; without an identity the layer doesn't attend."""

    identity: Folded | None = None
    reading: Reading | None = None
    words: Shift | None = None
    opening: Opening | None = None
    hearing: Hearing | None = None
    motion: Lead | None = None

    def row(self, k: int) -> "LayerConditions":
        """What one row is told."""
        return LayerConditions(
            identity=self.identity and self.identity.row(k),
            reading=self.reading and self.reading.row(k),
            words=self.words and self.words.row(k),
            opening=self.opening and self.opening.row(k),
            hearing=self.hearing and self.hearing.row(k),
            motion=self.motion and self.motion.row(k),
        )


@dataclass(frozen=True)
class Prepared:
    """Everything that stays the same while a segment is denoised."""

    layers: dict[str, LayerConditions]
    locator: Float[Tensor, "b f_or_1 c h w"] | None

    def row(self, k: int) -> "Prepared":
        """What one row is told, for a batch of that row alone."""
        layers = {name: layer.row(k) for name, layer in self.layers.items()}
        return Prepared(layers, None if self.locator is None else self.locator[k : k + 1])
