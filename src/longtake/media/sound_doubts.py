"""What to say of a sound before anybody waits for the video: each fault with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.clips import SAMPLE_RATE_HZ
from longtake.times import clock

CLIPPED_SHARE = 0.005
"""Of 30 recordings that are not clipped none has more than 0.001; cut off at two thirds of their peak half have more."""
NOISY_DB = 20.0
"""Of 100 recordings 2 have less between voice and pauses; with white noise 10 dB below the voice all have less."""
FAINT_DB, UNHEARD_DB = -38.0, -80.0
TONE_SHARE = 0.12
"""Of 140 voices 1 has more; music alone has 0.4 and more, 10 dB below a voice 0.1 to 0.6. Drums alone have none."""
MUFFLED_DB = -50.0
LONG_SILENCE_S, SILENT_SHARE = 10.0, 0.6
ENOUGH_S = 3.0
"""A shorter sound says too little about its noise and tones."""
LONG_S = 3 * 3600.0


def sound_doubts(measures: Mapping[str, float], seconds: float, separated: bool = False) -> tuple[str, ...]:
    """What will make the video worse than it could be, each with what to do about it; `separated`: voice alone is listened to."""
    if measures["voice_db"] <= UNHEARD_DB:
        return ()  # silence, which is said elsewhere
    said, voice_db, clipped = [], measures["voice_db"], measures["clipped_share"]
    if clipped > CLIPPED_SHARE:
        said.append(
            f"The sound is clipped ({clipped:.1%} of its loud samples are cut off): it was recorded too loud, and lips follow it "
            "less well. Use a recording made at a lower level."
        )
    if voice_db < FAINT_DB:
        said.append(
            f"The voice is very quiet ({voice_db:.0f} dB): the lips will move little. Make it {-20 - voice_db:.0f} dB louder."
        )
    if seconds >= ENOUGH_S and not separated:
        said += _company(measures)
    if measures["rate_hz"] < SAMPLE_RATE_HZ:
        said.append(
            f"The sound has only {measures['rate_hz']:.0f} samples a second: s, f and the like are missing. Use the original "
            f"recording, {SAMPLE_RATE_HZ} or more."
        )
    elif measures["treble_db"] < MUFFLED_DB:
        said.append(
            "There is nothing above 4 kHz in the sound, as after a telephone: s, f and the like are missing. Use the original "
            "recording if there is one."
        )
    return (*said, *_pauses(measures), *_length(seconds))


def _company(measures: Mapping[str, float]) -> list[str]:
    """What is heard beside the voice."""
    tones, apart = measures["tone_share"], measures["voice_db"] - measures["noise_db"]
    if tones > TONE_SHARE:
        return [
            f"Steady tones sound {tones:.0%} of the time, as of music, singing or a hum: the mouth may move to them. Use the "
            "voice alone, or --separate-voice."
        ]
    if apart < NOISY_DB:
        return [
            f"The quietest moments are only {apart:.0f} dB below the voice: there is noise or echo, and the mouth may move in "
            "pauses. Use a cleaner recording, or --separate-voice."
        ]
    return []


def _pauses(measures: Mapping[str, float]) -> list[str]:
    longest, at = measures["longest_silence_s"], measures["longest_silence_at_s"]
    if longest > LONG_SILENCE_S:
        return [
            f"Nobody speaks for {longest:.0f} s from {clock(round(at))} on: the mouth rests. Cut that out if it is not wanted."
        ]
    if measures["silent_share"] > SILENT_SHARE:
        return [
            f"{measures['silent_share']:.0%} of the sound is silence: the mouth rests. Cut pauses out if they are not wanted."
        ]
    return []


def _length(seconds: float) -> list[str]:
    if seconds <= LONG_S:
        return []
    return [
        f"The speech lasts {clock(round(seconds))}. Try portrait and voice on a minute of it before all of it is made."
    ]
