"""The shape that the reference net and the denoiser share: which layer has which widths, and what it is called."""

from dataclasses import dataclass

from longtake.models.attention import Heads


@dataclass(frozen=True)
class UNetSizes:
    """Sizes of a U-Net; one entry a level in `channels` and `attention`."""

    latent: int  # latent channels
    channels: tuple[int, ...]
    attention: tuple[bool, ...]  # which levels have transformers
    layers: int  # layers of a level on the way down; one more on the way up
    heads: Heads
    groups: int  # of every group norm
    ff: int  # feed-forward width / width
    context: int  # width of an identity token

    def __post_init__(self) -> None:
        if len(self.attention) != len(self.channels) or not any(self.attention):
            raise ValueError(f"attention {self.attention} must have {len(self.channels)} entries, one of them true")

    @property
    def step_width(self) -> int:
        return 4 * self.channels[0]


@dataclass(frozen=True)
class Place:
    """One layer: where it is and what goes in and out."""

    name: str
    level: int
    width_in: int  # of its resnet, skip connection included
    width: int
    attends: bool
    neighbour: int  # width that the published audio module has inside


@dataclass(frozen=True)
class DenoiserSizes:
    unet: UNetSizes
    speech: int  # width of a speech token
    words: int  # width of a text embedding; 0 = no word norms
    positions: int  # longest sequence of motion frames + frames
    inner: str = "level"  # width inside audio modules: "level" = the level's, "published" = its neighbour's
    filter: int = 0  # narrow channels of the word filters; 0 = none (published)

    def audio_width(self, place: Place) -> int:
        return place.neighbour if self.inner == "published" else place.width


def down_places(sizes: UNetSizes) -> list[list[Place]]:
    """The layers on the way down, level by level."""
    levels, before = [], sizes.channels[0]
    for level, width in enumerate(sizes.channels):
        inputs = [before] + [width] * (sizes.layers - 1)
        levels.append(
            [
                Place(f"down.{level}.{j}", level, width_in, width, sizes.attention[level], width_in)
                for j, width_in in enumerate(inputs)
            ]
        )
        before = width
    return levels


def mid_place(sizes: UNetSizes) -> Place:
    """The layer at the bottom; it always attends."""
    width = sizes.channels[-1]
    return Place("mid", len(sizes.channels) - 1, width, width, True, width)


def up_places(sizes: UNetSizes) -> list[list[Place]]:
    """The layers on the way up, in the order they run; each takes one skip connection."""
    blocks, before = [], sizes.channels[-1]
    for i, level in enumerate(reversed(range(len(sizes.channels)))):
        width, above = sizes.channels[level], sizes.channels[max(level - 1, 0)]
        inputs = [before] + [width] * sizes.layers
        skips = [width] * sizes.layers + [above]
        blocks.append(
            [
                Place(f"up.{i}.{j}", level, inputs[j] + skips[j], width, sizes.attention[level], above)
                for j in range(sizes.layers + 1)
            ]
        )
        before = width
    return blocks


def attending(sizes: UNetSizes) -> list[Place]:
    """The places with attention, in the order they run."""
    levels = [*down_places(sizes), [mid_place(sizes)], *up_places(sizes)]
    return [place for level in levels for place in level if place.attends]
