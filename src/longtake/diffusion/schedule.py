"""The noise schedule of training, and a diffusers scheduler by name for sampling.

Always 1000 steps and zero terminal SNR unless said otherwise: at the last step nothing of the picture is
left, so sampling may start from pure noise (Lin et al. 2023).
"""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from longtake.errors import SettingsError

SchedulerName = Literal["ddim", "dpm++", "unipc"]
BetaSchedule = Literal["linear", "scaled_linear"]
Prediction = Literal["v", "clean"]
"""What the denoiser says: the velocity, as the published one, or the clean latents."""

STEPS = 1000
BETA_RANGE = (0.00085, 0.012)


def scheduler(
    name: str,
    steps: int,
    beta_schedule: BetaSchedule = "scaled_linear",
    zero_snr: bool = True,
    prediction: Prediction = "v",
    device: str = "cpu",
) -> Any:
    """A diffusers scheduler, its `steps` timesteps set (trailing: the first is the noisiest)."""
    import diffusers

    common: dict[str, Any] = {
        "num_train_timesteps": STEPS,
        "beta_start": BETA_RANGE[0],
        "beta_end": BETA_RANGE[1],
        "beta_schedule": beta_schedule,
        "prediction_type": {"v": "v_prediction", "clean": "sample"}[prediction],
        "timestep_spacing": "trailing",
        "rescale_betas_zero_snr": zero_snr,
    }
    makers = {
        "ddim": lambda: diffusers.DDIMScheduler(**common, clip_sample=False, set_alpha_to_one=True),
        "dpm++": lambda: diffusers.DPMSolverMultistepScheduler(**common, algorithm_type="dpmsolver++"),
        "unipc": lambda: diffusers.UniPCMultistepScheduler(**common),
    }
    if name not in makers:
        raise SettingsError(f"There is no scheduler '{name}'", expected=f"one of: {', '.join(makers)}")
    made = makers[name]()
    made.set_timesteps(steps, device=device)
    return made


def alphas_cumprod(beta_schedule: BetaSchedule = "scaled_linear", zero_snr: bool = True) -> Float[Tensor, " 1000"]:
    """The share of the picture's variance that is left at each training step."""
    low, high = BETA_RANGE
    power = {"linear": 1, "scaled_linear": 2}[beta_schedule]
    betas = torch.linspace(low ** (1 / power), high ** (1 / power), STEPS) ** power
    root = (1 - betas).cumprod(0).sqrt()
    if zero_snr:  # the last becomes 0, the first stays as it is
        root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return root**2
