"""The inputs and outputs of an ONNX file, read from its structure: numbers are skipped, nothing is run, no library is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from longtake.weights.source import Unreadable

# Field numbers of ONNX's protocol buffers.
GRAPH, NAME, INITIALIZER, INPUT, OUTPUT, TENSOR_NAME = 7, 1, 5, 11, 12, 8
SHAPE = (2, 1, 2, 1)  # from an input to its dimensions: type, tensor, shape, dimension


@dataclass(frozen=True)
class Graph:
    inputs: dict[str, tuple[int, ...]]  # those to be given, weights are not among them; 0 stands for any size
    outputs: tuple[str, ...]


def graph(path: Path) -> Graph:
    """What the network takes and gives; raises Unreadable if the file is cut short or something else."""
    with open(path, "rb") as file:
        end = file.seek(0, 2)
        file.seek(0)
        try:
            found = [_graph(file, stop) for number, stop in _fields(file, end) if number == GRAPH]
        except (EOFError, UnicodeDecodeError) as error:
            raise _broken(path, str(error)) from error
    if len(found) != 1 or not found[0].outputs:
        raise _broken(path, "it has no network")
    return found[0]


def _graph(file: BinaryIO, end: int) -> Graph:
    inputs: dict[str, tuple[int, ...]] = {}
    weights: set[str] = set()
    outputs = []
    for number, stop in _fields(file, end):
        start = file.tell()
        if number == INPUT:
            name = _text(file, stop, NAME)
            file.seek(start)
            inputs[name] = tuple(_size(file, size) for size in _inside(file, stop, *SHAPE))
        elif number == OUTPUT:
            outputs.append(_text(file, stop, NAME))
        elif number == INITIALIZER:
            weights.add(_text(file, stop, TENSOR_NAME))
    return Graph({name: shape for name, shape in inputs.items() if name not in weights}, tuple(outputs))


def _text(file: BinaryIO, end: int, field: int) -> str:
    """The text in a field of a message that ends at `end`."""
    for stop in _inside(file, end, field):
        return file.read(stop - file.tell()).decode()
    return ""


def _size(file: BinaryIO, end: int) -> int:
    """A dimension's size; 0 if it has a name instead."""
    return _number(file) if file.tell() < end and _number(file) == 8 else 0


def _inside(file: BinaryIO, end: int, field: int, *deeper: int) -> Iterator[int]:
    """The ends of the messages that this path of fields leads to, the file standing at the content of each."""
    for number, stop in _fields(file, end):
        if number == field:
            yield from _inside(file, stop, *deeper) if deeper else (stop,)


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Number and end of each field that has a length, the file standing at its content; other fields are passed over."""
    while file.tell() < end:
        number, kind = divmod(_number(file), 8)
        if kind == 2:
            stop = _number(file) + file.tell()
            if stop > end:
                raise EOFError(f"a part of it ends at byte {stop:,}, the file at {end:,}")
            yield number, stop
            file.seek(stop)
        elif kind in (0, 1, 5):
            _number(file) if kind == 0 else file.seek(8 if kind == 1 else 4, 1)
        else:
            raise EOFError("its structure makes no sense")


def _number(file: BinaryIO) -> int:
    """A whole number of variable length: seven bits a byte, the lowest first."""
    value, shift = 0, 0
    while shift < 64:
        byte = file.read(1)
        if not byte:
            raise EOFError("it ends within a number")
        value |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return value
    raise EOFError("its structure makes no sense")


def _broken(path: Path, why: str) -> Unreadable:
    return Unreadable(
        "truncated",
        f"{path} is no complete ONNX file: {why}.",
        expected="the published file",
        do="delete it and fetch it again: longtake weights fetch hallo2",
    )
