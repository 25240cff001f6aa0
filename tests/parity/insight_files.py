"""Tiny ONNX networks with the inputs and outputs of the published SCRFD, ArcFace and Kim_Vocal_2 files, for tests."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

SIDE, STRIDES = 640, (8, 16, 32)
SCORES, BOXES, POINTS = ("448", "471", "494"), ("451", "474", "497"), ("454", "477", "500")
MIDDLE = {"score": 0.9, "box": (5.0, 6.0, 5.0, 6.0), "points": (-2.0, -2.0, 2.0, -2.0, 0.0, 0.0, -1.5, 2.5, 1.5, 2.5)}
"""The face in the middle that the stand-in always sees at stride 32, in strides from the cell's corner."""


def write_insight(folder: Path, sees: str = "middle", names: str = "published") -> Path:
    """`scrfd_10g_bnkps.onnx`, which sees one face in the middle of any picture ("middle") or one in every bright 8 x 8
    pixels ("bright"), and `glintr100.onnx`, whose identity is the picture's own red and green at 16 x 16.

    `names="other"` names and orders the detector's outputs differently, as other exports of it do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save(_detector(sees, names), str(folder / "scrfd_10g_bnkps.onnx"))
    save(_embedder(), str(folder / "glintr100.onnx"))
    return folder


def _detector(sees: str, names: str):
    constants, nodes, outputs = {}, [], []
    for k, stride in enumerate(STRIDES):
        cells = SIDE // stride
        rows = cells * cells * 2
        score, box, points = (np.zeros((rows, width), np.float32) for width in (1, 4, 10))
        box[:], points[:] = 1.0, 0.25
        if sees == "middle" and stride == 32:
            middle = (cells // 2 * cells + cells // 2) * 2
            score[middle], box[middle], points[middle] = MIDDLE["score"], MIDDLE["box"], MIDDLE["points"]
        for name, value in ((SCORES[k], score), (BOXES[k], box), (POINTS[k], points)):
            constants[f"{name}.value"] = value
            outputs.append((name, value.shape))
        if sees == "bright" and stride == 8:  # brightness -1..1 of each 8 x 8, twice: the two anchors of a cell
            constants |= {"channel": np.array([1], np.int64), "flat": np.array([cells * cells, 1], np.int64)}
            constants |= {"twice": np.array([1, 2], np.int64), "column": np.array([rows, 1], np.int64)}
            nodes += [
                helper.make_node("AveragePool", ["input.1"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8]),
                helper.make_node("ReduceMean", ["pooled"], ["bright"], axes=[1], keepdims=1),
                helper.make_node("Reshape", ["bright", "flat"], ["cells"]),
                helper.make_node("Tile", ["cells", "twice"], ["both"]),
                helper.make_node("Reshape", ["both", "column"], [SCORES[k]]),
            ]
        else:
            nodes.append(_plain(SCORES[k]))
        nodes += [_plain(BOXES[k]), _plain(POINTS[k])]
    order = [*SCORES, *BOXES, *POINTS]
    outputs.sort(key=lambda output: order.index(output[0]), reverse=names == "other")
    return _model(nodes, ("input.1", (1, 3, "height", "width")), outputs, constants)


def _plain(name: str):  # an output that the picture does not change
    return helper.make_node("Identity", [f"{name}.value"], [name])


def _embedder():
    starts, ends, axes = (np.array([value], np.int64) for value in (0, 512, 1))
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["pooled"], kernel_shape=[7, 7], strides=[7, 7]),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
        helper.make_node("Slice", ["flat", "starts", "ends", "axes"], ["1333"]),
    ]
    constants = {"starts": starts, "ends": ends, "axes": axes}
    return _model(nodes, ("input.1", ("None", 3, 112, 112)), [("1333", (1, 512))], constants)


def write_separator(
    path: Path, gains=(1.0, 1.0, 1.0, 1.0), bins: int = 3072, frames: int = 256, bend: bool = False
) -> Path:
    """`Kim_Vocal_2.onnx`, which gives back what it gets times `gains` (left real, left imaginary, right real, right
    imaginary); `bend` makes it a network that no sum of chunks could fake."""
    nodes = [helper.make_node("Mul", ["input", "gains"], ["scaled" if bend else "output"])]
    nodes += [helper.make_node("Tanh", ["scaled"], ["output"])] if bend else []
    shape = ("batch_size", 4, bins, frames)
    path.parent.mkdir(parents=True, exist_ok=True)
    gain = np.array(gains, np.float32).reshape(1, 4, 1, 1)
    save(_model(nodes, ("input", shape), [("output", shape)], {"gains": gain}), str(path))
    return path


def _model(nodes, given, outputs, constants):
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, given[1])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
