"""A published network that comes as an ONNX file, ready to run: here a network *is* its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longtake.errors import WeightsMismatch, WeightsMissing, missing


@dataclass(frozen=True)
class OnnxNetwork:
    """One picture or spectrogram in, arrays out; the names inside the file do not matter."""

    path: Path
    session: Any

    @property
    def input_shape(self) -> tuple[int | str | None, ...]:
        """The shape it takes; axes of any length are names or None."""
        return tuple(self.session.get_inputs()[0].shape)

    @property
    def outputs(self) -> int:
        return len(self.session.get_outputs())

    def __call__(self, value: np.ndarray) -> list[np.ndarray]:
        """All outputs, in the order of the file."""
        return self.session.run(None, {self.session.get_inputs()[0].name: value})


def open_onnx(path: Path | str, purpose: str) -> OnnxNetwork:
    """The network in a file, on the GPU where this onnxruntime has one; errors say what to do next."""
    path = Path(path)
    try:
        import onnxruntime
    except ImportError as error:
        raise missing("onnxruntime", "hallo2", purpose) from error
    if not path.is_file():
        raise WeightsMissing(
            f"There is no {path.name} in {path.parent}",
            expected=f"the published file ({purpose[0].lower()}{purpose[1:]})",
            do="longtake weights fetch hallo2",
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # its warnings are about the file's age
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # its errors share no base class
        raise WeightsMismatch(
            f"{path} is not an ONNX network that can be read: {str(error).splitlines()[0]}",
            expected="the published file, whole",
            do="longtake weights fetch hallo2 fetches it again",
        ) from error
    if len(session.get_inputs()) != 1:
        raise wrong_network(path, f"{len(session.get_inputs())} inputs", "one input")
    return OnnxNetwork(path, session)


def wrong_network(path: Path, seen: str, expected: str) -> WeightsMismatch:
    """The error for a file that holds some other network."""
    return WeightsMismatch(
        f"{path} holds another network: {seen}.",
        expected=expected,
        do="longtake weights check tells which files are right",
    )
