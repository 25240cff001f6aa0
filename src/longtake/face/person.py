"""Which pixels show the person, by the MediaPipe segmentation network."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from longtake.face.detect import run_network

SIDE = 256


def person_mask(picture: UInt8[np.ndarray, "H W 3"]) -> Float32[np.ndarray, "H W"]:
    """The probability, pixel by pixel, that a picture shows a person there rather than background."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    (mask,) = run_network("selfie_segmentation", small.astype(np.float32) / 255.0)
    return cv2.resize(mask.reshape(SIDE, SIDE), (width, height), interpolation=cv2.INTER_LINEAR)
