"""Weight files of published judges: which there are, where they are looked for, whether they are what they should be.

python -m longtake.evaluate.metrics.extractors.places            the list, with what is here
python -m longtake.evaluate.metrics.extractors.places NAME ...   fetches files

They belong to others and are not shipped. A file is used only if its SHA-256 is the one known here.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import typer

from longtake.errors import SettingsError, WeightsMismatch, WeightsMissing
from longtake.settings import did_you_mean

FOLDER = "LONGTAKE_EXTRACTORS"
"""The environment variable that names another folder."""


@dataclass(frozen=True)
class WeightFile:
    """One published file."""

    name: str
    sha256: str
    url: str
    licence: str
    purpose: str


FILES = {
    file.name: file
    for file in (
        WeightFile(
            "weights-inception-2015-12-05-6726825d.pth",
            "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
            "Apache-2.0",
            "FID and KID",
        ),
        WeightFile(
            "i3d_torchscript.pt",
            "bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2",
            "https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt?dl=1",
            "not stated (converted from Kinetics I3D, Apache-2.0)",
            "FVD",
        ),
        WeightFile(
            "syncnet_v2.model",
            "961e8696f888fce4f3f3a6c3d5b3267cf5b343100b238e79b2659bff2c605442",
            "http://www.robots.ox.ac.uk/~vgg/software/lipsync/data/syncnet_v2.model",
            "not stated",
            "Sync-C and Sync-D",
        ),
        WeightFile(
            "alexnet-owt-7be5be79.pth",
            "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
            "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
            "BSD-3-Clause",
            "LPIPS: the network",
        ),
        WeightFile(
            "lpips_alex.pth",
            "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
            "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/alex.pth",
            "BSD-2-Clause",
            "LPIPS: the weights of its channels",
        ),
        WeightFile(
            "musiq_koniq_ckpt-e95806b9.pth",
            "e95806b9eae5f3814c410f574ba8e552362bd5bc63d758ed5b97860f5d6185aa",
            "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/musiq_koniq_ckpt-e95806b9.pth",
            "Apache-2.0 (converted by IQA-PyTorch)",
            "MUSIQ",
        ),
        WeightFile(
            "scrfd_10g_bnkps.onnx",
            "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
            "https://huggingface.co/fudan-generative-ai/hallo2/resolve/main/face_analysis/models/scrfd_10g_bnkps.onnx",
            "non-commercial research only (InsightFace)",
            "identity by ArcFace: where the face is",
        ),
        WeightFile(
            "glintr100.onnx",
            "4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf",
            "https://huggingface.co/fudan-generative-ai/hallo2/resolve/main/face_analysis/models/glintr100.onnx",
            "non-commercial research only (InsightFace)",
            "identity by ArcFace: who it is",
        ),
    )
}


def folder() -> Path:
    """Where the files are looked for."""
    if os.environ.get(FOLDER):
        return Path(os.environ[FOLDER])
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "longtake" / "extractors"


def _from_home(path: Path) -> str:
    """The path with ~ for the home folder: published reports don't tell whose machine it was."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def weight_file(name: str) -> Path:
    """The file, as published; raises WeightsMissing or WeightsMismatch with what to do."""
    file, path = FILES[name], folder() / name
    if not path.is_file():
        raise WeightsMissing(
            f"{file.purpose} needs the published weights '{name}', which are not at {_from_home(path)}.",
            expected=f"the file from {file.url} (licence: {file.licence}), SHA-256 {file.sha256}",
            do=f"python -m longtake.evaluate.metrics.extractors.places {name}\n"
            f"or bring it there yourself; {FOLDER} names another folder. A stand-in needs no weights (docs/metrics.md).",
        )
    found = _sha256(path, path.stat().st_mtime_ns)
    if found != file.sha256:
        raise WeightsMismatch(
            f"{path} is not the published file: its SHA-256 is {found}.",
            expected=f"SHA-256 {file.sha256}",
            do=f"delete it and fetch it again from {file.url}",
        )
    return path


@cache
def _sha256(path: Path, _changed: int) -> str:
    """Of the file as it was at a time, read once."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(name: str) -> Path:
    """The file, fetched and compared with its hash."""
    import urllib.request

    if name not in FILES:
        raise SettingsError(f"No file is called '{name}'{did_you_mean(name, FILES)}", expected=", ".join(FILES))
    target = folder() / name
    if target.is_file():
        return weight_file(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{name}.partial")
    try:
        with urllib.request.urlopen(FILES[name].url, timeout=30) as source, open(partial, "wb") as file:
            while block := source.read(1 << 20):
                file.write(block)
    except OSError as error:
        raise WeightsMissing(
            f"{FILES[name].url} can't be fetched: {error}.",
            do=f"fetch it where there is a network and bring it to {target}",
        ) from error
    partial.replace(target)
    return weight_file(name)


def main(names: list[str] = typer.Argument(None, help="files to fetch; none: only list them")) -> None:
    """Lists the published files, or fetches some."""
    for name in names or []:
        print(f"{name}: {fetch(name)}")
    for file in FILES.values() if not names else ():
        here = "here" if (folder() / file.name).is_file() else "missing"
        print(f"{here:8} {file.name:45} {file.purpose}; {file.licence}")


if __name__ == "__main__":
    from longtake.evaluate.command import run_command

    run_command(main)
