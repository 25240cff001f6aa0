"""The shipped enhancer, in a short form of its gates: sixteen frames of one face, loose bars."""

from pathlib import Path

import pytest

from longtake.evaluate.enhancing import judge, read_faces
from longtake.evaluate.faces_spoiled import by_chain
from longtake.networks import load_enhancer
from longtake.presets import preset
from longtake.settings import EnhanceSettings

FIXTURES = Path(__file__).parents[1] / "fixtures" / "enhance"


@pytest.mark.gate
@pytest.mark.slow
def test_the_shipped_enhancer_is_steady_and_stays_with_the_face() -> None:
    name, frames, landmarks = read_faces(FIXTURES)[0]
    network = load_enhancer(preset("mini").enhancer)
    found = judge(name, network, EnhanceSettings(), by_chain(frames[:16], landmarks[:16], 0)).found
    assert found["aligned"].flicker < 0.8 * found["alone"].flicker
    assert found["aligned"].psnr_db > max(found["lanczos"].psnr_db - 1.0, found["alone"].psnr_db - 0.1)
