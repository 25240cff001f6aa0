"""The drawn face under the name by which the tests know it."""

from longtake.face.drawn import drawn_face

__all__ = ["drawn_face"]
