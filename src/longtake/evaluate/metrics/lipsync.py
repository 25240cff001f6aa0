"""The sync metrics by name: those of the papers by the published network, and ours by a small one."""

from __future__ import annotations

from longtake.evaluate.metrics.protocol import Quantity
from longtake.evaluate.metrics.sync import SyncEmbedder, SyncMetric, sync_metric

OFFSET = "In frames, from the shift at which lips and sound agree best; positive: the sound comes before the lips."


def sync_c() -> SyncMetric:
    """Sync-C as in the papers."""
    return sync_metric(
        "sync_c", "confidence", "Confidence of SyncNet v2 that lips and sound agree.", HIGHER, _published(), **CROP
    )


def sync_d() -> SyncMetric:
    """Sync-D as in the papers."""
    return sync_metric("sync_d", "distance", "Distance of lips and sound by SyncNet v2.", LOWER, _published(), **CROP)


def av_offset() -> SyncMetric:
    """The offset of lips and sound by the published network."""
    says = f"Offset of lips and sound by SyncNet v2. {OFFSET}"
    return sync_metric("av_offset", "offset", says, FRAMES, _published(), **CROP)


def sync_c_mini() -> SyncMetric:
    """The confidence by our own network."""
    return sync_metric("sync_c_mini", "confidence", f"Confidence that lips and sound agree. {OURS}", HIGHER, _mini())


def sync_d_mini() -> SyncMetric:
    """The distance by our own network."""
    return sync_metric("sync_d_mini", "distance", f"Distance of lips and sound. {OURS}", LOWER, _mini())


def av_offset_mini() -> SyncMetric:
    """The offset by our own network."""
    return sync_metric(
        "av_offset_mini", "offset", f"Offset of lips and sound by our small SyncNet. {OFFSET}", FRAMES, _mini()
    )


OURS = "By our own small SyncNet; not comparable with Sync-C and Sync-D of any paper."
HIGHER, LOWER, FRAMES = Quantity("", "higher"), Quantity("", "lower"), Quantity("frames", "none")
CROP = {"faces": "box of mediapipe landmarks, grown by 0.4; the published script uses S3FD"}


def _published() -> SyncEmbedder:
    from longtake.evaluate.metrics.extractors.syncnet import PublishedSyncNet

    return PublishedSyncNet()


def _mini() -> SyncEmbedder:
    from longtake.evaluate.metrics.extractors.mini import MiniSyncNet

    return MiniSyncNet()
