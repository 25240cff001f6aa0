"""One clip: drawn from its seed, index and split alone, then written as picture, speech and exact labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from longtake.corpus.background import camera_table, draw_background, draw_light
from longtake.corpus.blend import Looks, UnsuitablePortrait, make_puppet, preview
from longtake.corpus.captions import person_words
from longtake.corpus.expressions import EXPRESSIONS
from longtake.corpus.manifest import Clip, clip_paths, hash_of
from longtake.corpus.mix import Recipe, choose, far_enough, promising
from longtake.corpus.people import People, Person
from longtake.corpus.performance import Performance, perform
from longtake.corpus.puppet import MOST, Pose, Puppet, to_bytes
from longtake.corpus.rig import Rig
from longtake.corpus.source import Source, read_source
from longtake.corpus.states import Span
from longtake.corpus.visemes import events_of, mouth_curves
from longtake.corpus.voices import Excerpt, Voices
from longtake.corpus.write import write_sound, write_video
from longtake.errors import CorpusError
from longtake.face.identity import identity_distance, identity_of
from longtake.face.measure import mouth_opening

SPLIT_CODES = {"train": 0, "heldout": 1}
DRAWS, DRAWS_A_HEAD = 400, 10
SPOKEN_OVER = 0.35
"""How much of an expression's mouth a wide open, speaking one takes away."""
LID_FOLLOWS = 0.45
BEARDED = 22.0
"""Score of a beard or a moustache in the table of people from which on it is spoken of."""


@dataclass
class Studio:
    """What all clips of a corpus share; sources are kept while there is room."""

    rig: Rig
    people: People
    voices: Voices
    split: str
    seed: int
    frames: int = 100
    fps: float = 25.0
    size: int = 256
    drawn_size: int = 384
    spans: Sequence[Span] | None = None  # states that all clips show; else each draws its own
    calm: bool = False  # the twins of the clips, without their states
    often: Mapping[str, float] = field(default_factory=dict)  # how many times likelier expressions are drawn
    kept: dict[str, Source] = field(default_factory=dict)

    def source(self, file: str) -> Source:
        if file not in self.kept:
            if len(self.kept) > 150:
                self.kept.pop(next(iter(self.kept)))
            self.kept[file] = read_source(self.rig, self.people, file)
        return self.kept[file]


@dataclass(frozen=True)
class Take:
    """One clip before it is drawn."""

    puppet: Puppet
    recipe: Recipe
    distances: tuple[float, ...]
    background: str
    camera: UInt8[np.ndarray, "256 3"]
    performance: Performance
    excerpt: Excerpt
    poses: list[Pose]
    visemes: Float32[np.ndarray, "f 15"]
    person: str = ""


def make_clip(studio: Studio, index: int, out: Path) -> Clip:
    """The manifest row of clip `index`, its files written to `out`/clips."""
    take = draw_take(studio, index)
    name = f"{studio.split}-{studio.seed}-{index:05d}"
    paths = clip_paths(out, name)
    paths["mp4"].parent.mkdir(parents=True, exist_ok=True)
    landmarks = write_video(paths["mp4"], draw_frames(take, studio.size), studio.fps)
    write_sound(paths["wav"], take.excerpt.sound)
    write_labels(paths["npz"], take, landmarks)
    said = take.excerpt.utterance
    return Clip(
        id=name,
        split=studio.split,
        seed=studio.seed,
        index=index,
        frames=studio.frames,
        fps=studio.fps,
        size=studio.size,
        voice=said.voice,
        speech=said.file,
        speech_start_s=take.excerpt.start_s,
        text=said.text,
        category=said.category,
        caption=", ".join(filter(None, (take.person, take.performance.caption))),
        person=take.person,
        states=tuple((span.start, span.stop, dict(span.state)) for span in take.performance.spans),
        ease=take.performance.ease,
        calm=studio.calm,
        often=dict(studio.often),
        sources=take.recipe.files,
        weights=take.recipe.weights,
        distances=take.distances,
        background=take.background,
        files={str(p.relative_to(out)): hash_of(p) for p in paths.values()},
    )


def draw_take(studio: Studio, index: int) -> Take:
    """Who, where, in which light, saying what and how: all from (seed, split, index)."""
    rng = np.random.default_rng([studio.seed, SPLIT_CODES[studio.split], index])
    excerpt = studio.voices.excerpt(rng, index, studio.frames / studio.fps)
    before = deepcopy(rng)
    performance = perform(rng, studio.frames, studio.fps, studio.spans, often=studio.often)
    if studio.calm:  # all else, and what is drawn after it, as in the clip with its states
        performance = perform(before, studio.frames, studio.fps, studio.spans, calm=True, often=studio.often)
    poses, visemes = pose_frames(studio, rng, excerpt, performance)
    head = ""
    for draw in range(DRAWS):
        # A head keeps its turn for some draws: else those that mix easily would be seen far more often.
        recipe = choose(studio.people, rng, studio.split, head if draw % DRAWS_A_HEAD else "")
        head = recipe.files[0]
        sources = [studio.source(file) for file in recipe.files]
        if not promising(_distances(studio, *preview(studio.rig, sources, recipe.weights), recipe)):
            continue
        background, kind = draw_background(rng, studio.drawn_size)
        light = draw_light(rng)
        shift = tuple(rng.uniform(-0.05, 0.05, 2))
        looks = Looks(float(rng.uniform(0.92, 1.08)), shift, int(rng.integers(2**31)), light)
        try:
            puppet = make_puppet(studio.rig, sources, recipe.weights, background, looks)
        except UnsuitablePortrait:
            continue
        camera = camera_table(light)
        distances = _distances(studio, *_at_rest(studio, puppet, camera), recipe)
        if far_enough(distances):
            person = _words_for(rng, studio.people.named(head))
            return Take(puppet, recipe, distances, kind, camera, performance, excerpt, poses, visemes, person)
    raise CorpusError(f"No mix for clip {index} in {DRAWS} draws.", expected="more portraits, or others")


def _words_for(rng: np.random.Generator, head: Person) -> str:
    """Words for the person of a mix: what the table says of its head, whose hair on the face the others share."""
    beard, moustache = (head.facial_hair and score > BEARDED for score in (head.beard, head.moustache))
    return person_words(rng, beard, moustache)


def pose_frames(
    studio: Studio, rng: np.random.Generator, excerpt: Excerpt, performance: Performance
) -> tuple[list[Pose], Float32[np.ndarray, "f 15"]]:
    """The poses of a clip: the speaking mouth, and the performance on top of it."""
    model = studio.rig.model
    amplitude = float(rng.uniform(1.0, 1.4))
    events = events_of(excerpt.phones, studio.voices.shapes)
    weights, visemes, sealed = mouth_curves(
        events, studio.frames, studio.fps, model.index, amplitude * performance.mouth
    )
    speaking = weights[:, model.index["jawOpen"]][:, None]
    shown = performance.levels @ np.stack([model.weights(dict(e.weights)) for e in EXPRESSIONS.values()])
    shown = np.where(model.having(("mouth", "jaw")), shown * (1 - SPOKEN_OVER * np.clip(3 * speaking, 0, 1)), shown)
    weights = weights + shown
    weights = np.where(model.having(("mouth", "jaw")), np.minimum(weights, 1.0), weights)
    weights += performance.brows[:, :1] * model.weights({"browInnerUp": 1, "browOuterUp": 0.6})
    weights += performance.brows[:, 1:] * model.weights({"browDown": 0.7})
    down = np.clip(performance.gaze[:, 1:], 0, 1)  # the upper lids follow the eyes down
    closed = np.clip(np.maximum(performance.closed, LID_FOLLOWS * down), 0, 1)
    for i, side in enumerate("LR"):
        weights[:, model.index[f"eyeWide_{side}"]] *= 1 - closed[:, i]
    poses = [
        Pose(
            weights[i],
            (float(closed[i, 0]), float(closed[i, 1])),
            tuple(performance.angles[i].tolist()),
            tuple(performance.gaze[i].tolist()),
            float(sealed[i]),
        )
        for i in range(studio.frames)
    ]
    return poses, visemes


def draw_frames(take: Take, size: int) -> Iterator[tuple[UInt8[np.ndarray, "H W 3"], Float32[np.ndarray, "468 2"]]]:
    """Frames and landmarks, both at the final size."""
    scale = np.float32(size / take.puppet.size)
    for pose in take.poses:
        picture, landmarks = take.puppet.draw(pose)
        yield filmed(to_bytes(picture, size), take.camera), landmarks[:, :2] * scale


def filmed(frame: UInt8[np.ndarray, "H W 3"], camera: UInt8[np.ndarray, "256 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """A frame through the clip's camera."""
    import cv2

    return cv2.LUT(frame, camera[None])


def _at_rest(
    studio: Studio, puppet: Puppet, camera: np.ndarray
) -> tuple[UInt8[np.ndarray, "H W 3"], Float32[np.ndarray, "468 2"]]:
    """The puppet's first picture, before it moves, and its landmarks."""
    picture, landmarks = puppet.draw(Pose(np.zeros(len(puppet.rest), np.float32)))
    return filmed(to_bytes(picture, studio.size), camera), landmarks[:, :2] * np.float32(studio.size / puppet.size)


def _distances(
    studio: Studio, frame: UInt8[np.ndarray, "H W 3"], landmarks: Float32[np.ndarray, "468 2"], recipe: Recipe
) -> tuple[float, ...]:
    """Identity distance of a face to each source of a mix."""
    own = identity_of(frame, landmarks)
    return tuple(round(float(identity_distance(own, studio.people.named(f).identity)), 4) for f in recipe.files)


def write_labels(path: Path, take: Take, landmarks: Float32[np.ndarray, "f 468 2"]) -> None:
    """Exact labels; the npz is written without time stamps, so that equal labels are equal bytes."""
    rest = take.puppet.rest
    arrays = {
        "mouth_open": mouth_opening(landmarks).astype(np.float32),
        "pose": np.array([pose.angles for pose in take.poses], np.float32),
        "blink": np.array([np.mean(pose.blink) for pose in take.poses], np.float32),
        "gaze": np.array([pose.gaze for pose in take.poses], np.float32),
        "expression": np.stack([np.clip(rest + pose.weights, 0, MOST) for pose in take.poses]).astype(np.float16),
        "viseme": take.visemes.astype(np.float16),
        "landmarks": landmarks.astype(np.float16),
        "caption": np.array(take.performance.caption),
        "phonemes": np.array(json.dumps(take.excerpt.phones, ensure_ascii=False)),
    }
    np.savez_compressed(path, **arrays)
