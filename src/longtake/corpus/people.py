"""The portraits a puppet can be mixed from: their table, photographs, landmarks, identities, and cached fits."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from longtake.corpus.face_model import FaceModel, Fit, fit_face
from longtake.errors import CorpusError

FIT_VERSION = 1
"""Part of the names of cached fits; raise it when the fit changes."""


@dataclass(frozen=True)
class Person:
    """One row of the table: what the choice of a mix looks at."""

    file: str
    split: str
    usable: bool  # no glasses, no note
    yaw: float
    mouth_open: float
    skin: Float[np.ndarray, " 3"]  # CIE Lab, lightness counted 0.6
    beard: float
    moustache: float
    facial_hair: bool
    identity: Float32[np.ndarray, " 128"]


class People:
    """All portraits of an assets folder; fits are kept in `cache`."""

    def __init__(self, assets: Path, cache: Path, model: FaceModel | None = None) -> None:
        self.folder = Path(assets) / "portraits"
        self.cache = Path(cache)
        self.model = model
        table = self.folder / "portraits.csv"
        if not table.exists():
            raise CorpusError(
                f"No portraits at {table}.", expected="portraits.csv with images", do="see docs/corpus.md: assets"
            )
        with np.load(self.folder / "portraits_landmarks.npz") as stored:
            files = stored["files"].tolist()
            self.landmarks = dict(zip(files, stored["landmarks"].astype(np.float32), strict=True))
            identities = dict(zip(files, stored["identity"], strict=True))
        with open(table, newline="") as lines:
            self.rows = [_person(row, identities[row["file"]]) for row in csv.DictReader(lines)]

    def named(self, file: str) -> Person:
        return self._by_file[file]

    @cached_property
    def _by_file(self) -> dict[str, Person]:
        return {person.file: person for person in self.rows}

    def photograph(self, file: str) -> Float32[np.ndarray, "H W 3"]:
        """RGB in 0..1."""
        import cv2

        picture = cv2.imread(str(self.folder / "images" / file))
        if picture is None:
            raise CorpusError(f"The portrait {file} can't be read.", do=f"look at {self.folder / 'images' / file}")
        return np.ascontiguousarray(picture[..., ::-1], np.float32) / np.float32(255)

    def fit(self, file: str) -> Fit:
        """The face model fitted to a portrait: read from the cache, or made and written there."""
        assert self.model is not None
        path = self.cache / f"{Path(file).stem}.v{FIT_VERSION}.npz"
        if path.exists():
            with np.load(path) as stored:
                return Fit(float(stored["scale"]), *(stored[name] for name in list(Fit.__dataclass_fields__)[1:]))
        fit = fit_face(self.model, self.landmarks[file])
        self.cache.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.stem}.{os.getpid()}.part.npz")
        np.savez(part, **vars(fit))
        part.replace(path)  # several workers may fit the same portrait: the last one wins, all are equal
        return fit

    def lip_contrast(self, file: str) -> Float[np.ndarray, " 3"]:
        """How the lips differ from the cheeks in CIE Lab: lipstick stands out here."""
        import cv2

        lab = cv2.cvtColor(self.photograph(file), cv2.COLOR_RGB2LAB)
        points = self.landmarks[file][:, :2]

        def tone(indices: tuple[int, ...]) -> np.ndarray:
            mask = np.zeros(lab.shape[:2], np.uint8)
            cv2.fillPoly(mask, [np.round(points[list(indices)]).astype(np.int32)], 1)
            return np.median(lab[mask > 0], axis=0) if mask.any() else np.zeros(3)

        cheeks = (tone((50, 205, 36, 142)) + tone((280, 425, 266, 371))) / 2
        return tone((14, 317, 405, 17, 181, 87)) - cheeks


def _person(row: dict[str, str], identity: np.ndarray) -> Person:
    number = {k: float(row[k]) for k in ("yaw", "mouth_open", "skin_L", "skin_a", "skin_b", "beard", "moustache")}
    return Person(
        file=row["file"],
        split="heldout" if row["split"].startswith("held") else "train",
        usable=row["glasses"] == "0" and not row["note"],
        yaw=number["yaw"],
        mouth_open=number["mouth_open"],
        skin=np.array([0.6 * number["skin_L"], number["skin_a"], number["skin_b"]]),
        beard=number["beard"],
        moustache=number["moustache"],
        facial_hair=row["facial_hair"] == "1",
        identity=identity.astype(np.float32),
    )
