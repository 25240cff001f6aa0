"""Settings of an animation, by step."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longtake.settings.restoring import EnhanceSettings
from longtake.settings.section import Section


class PortraitSettings(Section):
    """The picture and the square around the head that is cut from it."""

    size_px: int = Field(default=256, ge=64, le=1024, multiple_of=16, description="side of the animated square, pixels")
    face: int | None = Field(default=None, ge=1, description="which face, counted from the left; none = the largest")
    framing: Literal["head", "whole"] = Field(
        default="head",
        description="the square that is animated: cut round the head, or the whole picture (of an oblong one the largest "
        "square round the face), as the released code takes it",
    )
    zoom: float = Field(
        default=1.0, ge=0.5, le=2.0, description="above 1 the head fills more of the square cut round it"
    )
    min_face_px: int = Field(
        default=32, ge=8, le=512, description="smallest face height that is accepted, pixels of the source"
    )


class SpeechSettings(Section):
    """The sound and what is listened to in it."""

    separate_voice: bool = Field(
        default=False, description="listen to the voice alone, without music and noise (wants Kim_Vocal_2.onnx)"
    )


class SamplingSettings(Section):
    """Diffusion: the schedule, the steps and the random numbers."""

    scheduler: Literal["ddim", "dpm++", "unipc"] = Field(default="ddim", description="sampler")
    steps: int = Field(default=8, ge=1, le=1000, description="denoising steps per segment")
    deep_every: int = Field(
        default=1,
        ge=1,
        le=100,
        description="the coarse levels of the denoiser are computed at every n-th step and reused between (DeepCache); "
        "1 = at every step; more is faster and changes the numbers",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="seed of the whole video")
    generator: Literal["segment", "running"] = Field(
        default="segment", description="noise seeded by (seed, segment), or one running generator as the released code"
    )
    shared_noise: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="share of the noise's variance that the frames of a segment have in common",
    )
    noise_segments: int = Field(
        default=1,
        ge=1,
        le=256,
        description="over how many segments that common part changes: where many, heads don't jump from one to the next",
    )
    beta_schedule: Literal["linear", "scaled_linear"] = Field(
        default="scaled_linear", description="noise schedule; must be the one trained with"
    )
    zero_snr: bool = Field(default=True, description="rescale the schedule so that the last step is pure noise")
    strategy: Literal["incremental", "parallel"] = Field(
        default="incremental",
        description="each segment goes on from the tail of the one before, or is made from the portrait alone and cross-faded",
    )
    overlap: int = Field(
        default=4, ge=0, le=8, description="frames that neighbouring segments share and are cross-faded over (parallel)"
    )


class MotionSettings(Section):
    """The frames that guide the next segment, and how they are corrupted (paper 3.1)."""

    frames: int = Field(default=4, ge=1, le=16, description="motion frames taken from the tail, n")
    drop_rate: float = Field(default=0.25, ge=0.0, le=1.0, description="probability that a patch is dropped, r")
    patch_px: int = Field(default=16, ge=1, le=512, description="side of a dropped patch, pixels, p")
    noise_std: float = Field(
        default=0.1, ge=0.0, le=2.0, description="Gaussian noise on the latents of the motion frames, sigma"
    )
    share_mask: bool = Field(default=False, description="one drop mask for all motion frames (released code: yes)")
    keep_face: bool = Field(default=False, description="never drop inside the face box (released code: yes)")


class DriftSettings(Section):
    """What guards a long video (docs/long-runs.md): how far the tail of a segment may be from the portrait.

    Measured on a clean minute and on spoiled frames of `mini`: dev/LOG.md.
    """

    act: bool = Field(
        default=True, description="act where a limit is passed; false only keeps the record of what was measured"
    )
    every: int = Field(
        default=1, ge=0, description="measure (and, where need be, make again) one segment of so many; 0 = none"
    )
    tries: int = Field(
        default=3,
        ge=0,
        le=3,
        description="how often a segment is made again: with another seed, from a calm tail, from the portrait",
    )
    identity: float = Field(
        default=0.6, gt=0, le=2, description="largest distance of the face from the portrait's; at 0.6 another person"
    )
    softest: float = Field(
        default=0.7, ge=0, lt=1, description="least sharpness of the face, in shares of the portrait's as decoded"
    )
    sharpest: float = Field(default=4.0, gt=1, le=100, description="greatest sharpness, likewise")
    background: float = Field(
        default=4.0, gt=0, le=100, description="largest colour distance of the background from the portrait's, in Lab"
    )
    skin: float = Field(default=4.0, gt=0, le=100, description="largest colour distance of the skin, in Lab")
    faces: float = Field(
        default=0.5, gt=0, le=1, description="least share of the tail's frames in which a face must be found"
    )
    eyes: float = Field(
        default=0.75,
        ge=0,
        lt=1,
        description="eyes in the tail that are open less than this share of the portrait's are not handed on, unless "
        "the model was told to blink there",
    )


class EyesSettings(Section):
    """What the eyes do by themselves."""

    blinks_per_minute: float = Field(
        default=16.0, ge=0, le=60, description="blinks a minute, of models that are told when to blink (mini); 0 = none"
    )


class GuidanceSettings(Section):
    """Classifier-free guidance; 1 = none. Equal scales need one pair of branches, different ones need more."""

    portrait: float = Field(default=3.5, ge=0.0, le=20.0, description="scale for the portrait, lambda_i")
    speech: float = Field(default=3.5, ge=0.0, le=20.0, description="scale for the speech, lambda_a")
    words: float = Field(default=3.5, ge=0.0, le=20.0, description="scale for the prompts, lambda_t")
    from_step: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="first denoising step with guidance; steps without it do half the work and change the numbers",
    )
    to_step: int | None = Field(
        default=None, ge=0, le=1000, description="first denoising step without guidance again; none = guided to the end"
    )


class RegionsSettings(Section):
    """How strongly speech moves each region (hierarchical audio attention)."""

    pose: float = Field(default=1.0, ge=0.0, le=5.0, description="weight of the region around the face")
    face: float = Field(default=1.0, ge=0.0, le=5.0, description="weight of the face region")
    lip: float = Field(default=1.0, ge=0.0, le=5.0, description="weight of the lip region")


class PerformanceSettings(Section):
    """How much of everything: 1 is as trained and changes nothing at all. Measured in docs/prompts.md."""

    expressiveness: float = Field(
        default=1.0,
        ge=0.0,
        le=2.0,
        description="how much the face shows: times regions.face and guidance.words; at 0 no word is told",
    )
    head_motion: float = Field(
        default=1.0, ge=0.0, le=2.0, description="how much speech moves head and surroundings: times regions.pose"
    )
    auto_expression: bool = Field(
        default=False,
        description="prompts out of the speech itself, where none of yours holds: stresses raise the eyebrows, phrases end "
        "with a nod, pauses are calm",
    )
    lip_strength: float = Field(
        default=1.0, ge=0.0, le=2.0, description="how much speech moves the lips: times regions.lip"
    )


class ReferenceSettings(Section):
    """How the denoiser reads the portrait."""

    pairing: Literal["published", "correct"] = Field(
        default="correct",
        description="pairing of guidance rows with reference rows; published = as the released code, which mixes them",
    )
    bank: Literal["as made", "float16"] = Field(
        default="as made",
        description="how features go from the reference net to the denoiser; the released code rounds them to float16",
    )


class VideoSettings(Section):
    """The file that comes out."""

    fps: int = Field(default=25, ge=1, le=120, description="frames per second")
    size_px: int | None = Field(
        default=None,
        ge=16,
        le=4096,
        description="longer side of the video, pixels; none = as animated, or with framing full the picture's own",
    )
    framing: Literal["head", "full"] = Field(
        default="head", description="what is shown: the animated square, or the whole picture with it in its place"
    )
    around: Literal["moving", "still"] = Field(
        default="moving",
        description="what surrounds the face where the whole picture is shown: as animated as far as the square reaches, "
        "or the picture itself",
    )
    codec: Literal["auto", "h264", "hevc", "av1"] = Field(
        default="auto", description="auto = H.264 where players' decoders take the size, else HEVC"
    )
    bits: Literal[8, 10] = Field(default=8, description="bits of a colour; 10 shows no bands in smooth areas")
    crf: int = Field(
        default=18,
        ge=0,
        le=51,
        description="quality as H.264 counts it, of other codecs alike; lower is better and larger",
    )
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"] = Field(
        default="veryfast", description="encoder effort (H.264 and HEVC)"
    )
    sound_kbps: int = Field(default=128, ge=32, le=512, description="AAC bit rate, kilobits per second")


class RunSettings(Section):
    """Where and in which precision the networks run."""

    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1 ...; auto = CUDA if there is one")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="auto = bfloat16 where the hardware has it"
    )
    decode_frames: int = Field(default=4, ge=1, le=64, description="frames decoded at a time")
    compile: bool = Field(
        default=False,
        description="compile the repeated layers: minutes at the first segment or window, faster afterwards",
    )
    offload: bool = Field(
        default=False,
        description="keep the animation networks in main memory and bring each block to the GPU only while it runs",
    )
    together: int = Field(
        default=1,
        ge=1,
        le=64,
        description="segments made at the same time (parallel); more than one GPU is used where there are several",
    )


class Settings(Section):
    """All settings of an animation, by step."""

    portrait: PortraitSettings = PortraitSettings()
    speech: SpeechSettings = SpeechSettings()
    sampling: SamplingSettings = SamplingSettings()
    motion: MotionSettings = MotionSettings()
    drift: DriftSettings = DriftSettings()
    eyes: EyesSettings = EyesSettings()
    guidance: GuidanceSettings = GuidanceSettings()
    regions: RegionsSettings = RegionsSettings()
    performance: PerformanceSettings = PerformanceSettings()
    reference: ReferenceSettings = ReferenceSettings()
    enhance: EnhanceSettings = EnhanceSettings()
    video: VideoSettings = VideoSettings()
    run: RunSettings = RunSettings()

    @property
    def region_weights(self) -> tuple[float, float, float]:
        """How strongly speech moves pose, face and lip, all told."""
        weights, much = self.regions, self.performance
        return weights.pose * much.head_motion, weights.face * much.expressiveness, weights.lip * much.lip_strength

    @property
    def words_scale(self) -> float:
        """The guidance scale for the prompts, all told; 0: no word is told."""
        return self.guidance.words * self.performance.expressiveness
