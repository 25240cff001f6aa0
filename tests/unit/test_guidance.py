import pytest
import torch

from longtake.diffusion.guidance import Branch, branches, combine, sample
from longtake.diffusion.schedule import scheduler
from longtake.errors import SettingsError


def test_equal_scales_need_one_pair_of_branches():
    assert branches(3.5, 3.5, 3.5) == [Branch(-2.5, False, False, False), Branch(3.5, True, True, True)]


def test_scales_of_one_need_only_the_told_branch():
    assert branches(1.0, 1.0, 1.0) == [Branch(1.0, True, True, True)]
    assert branches(1.0, 1.0) == [Branch(1.0, True, True, False)]


def test_without_a_prompt_no_branch_is_told_words():
    assert [branch.words for branch in branches(2.0, 3.0)] == [False, False, False]


def test_separate_scales_run_the_branches_between_them():
    told = branches(1.5, 4.0, 2.0)
    assert [(b.portrait, b.speech, b.words) for b in told] == [
        (False, False, False),
        (True, False, False),
        (True, False, True),
        (True, True, True),
    ]


def test_words_guided_at_one_are_told_to_every_branch_and_cost_none():
    told = branches(1.0, 2.0, 1.0)
    assert told == [Branch(-1.0, True, False, True), Branch(2.0, True, True, True)]
    assert len(told) == len(branches(1.0, 2.0))


@pytest.mark.parametrize("scales", [(3.5, 3.5, 3.5), (1.0, 3.0, 2.0), (2.0, 1.0, 0.0), (1.2, 1.2, 5.0)])
def test_the_weighted_sum_equals_the_formula_step_by_step(scales):
    velocity = dict(zip(["", "p", "pw", "psw"], torch.randn(4, 2, 3, 4, 4), strict=True))
    s_p, s_s, s_w = scales
    want = velocity[""] + s_p * (velocity["p"] - velocity[""]) + s_w * (velocity["pw"] - velocity["p"])
    want = want + s_s * (velocity["psw"] - velocity["pw"])
    told = branches(*scales)
    rows = torch.stack([velocity["p" * b.portrait + "s" * b.speech + "w" * b.words] for b in told])
    assert torch.allclose(combine(rows, told)[0], want, atol=1e-5)


@pytest.mark.parametrize("prediction", ["v", "clean"])
@pytest.mark.parametrize("name", ["ddim", "dpm++", "unipc"])
def test_every_scheduler_finds_a_known_picture(name, prediction):
    picture = torch.randn(1, 4, 2, 8, 8)
    noise = torch.randn(1, 4, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    made = scheduler(name, 12, prediction=prediction)
    seen = []

    def denoise(latents, step):
        if prediction == "clean":
            return picture
        alpha = made.alphas_cumprod[int(step)]
        rest = (latents - alpha.sqrt() * picture) / (1 - alpha).sqrt()
        return alpha.sqrt() * rest - (1 - alpha).sqrt() * picture

    found = sample(denoise, noise, made, lambda done, latents: seen.append(done))
    assert (found - picture).abs().max() < 0.05
    assert seen == list(range(1, 13))


def test_an_unknown_scheduler_names_the_known_ones():
    with pytest.raises(SettingsError, match="ddim, dpm"):
        scheduler("euler", 4)


@pytest.mark.parametrize("scales", [(3.5, 3.5, 3.5), (1.0, 3.0, 2.0), (2.0, 4.0, 0.5), (1.0, 1.0, 5.0)])
def test_a_negative_prompt_is_what_the_words_are_guided_away_from(scales):
    velocity = dict(zip(["", "p", "pn", "pw", "psw"], torch.randn(5, 2, 3, 4, 4), strict=True))
    s_p, s_s, s_w = scales
    want = velocity["pn"] + s_w * (velocity["pw"] - velocity["pn"])
    want = want + s_s * (velocity["psw"] - velocity["pw"]) + (s_p - 1) * (velocity["p"] - velocity[""])
    told = branches(*scales, negative=True)
    rows = [velocity["p" * b.portrait + "s" * b.speech + "w" * b.words + "n" * b.negative] for b in told]
    assert torch.allclose(combine(torch.stack(rows), told)[0], want, atol=1e-5)


def test_a_negative_prompt_costs_nothing_where_words_are_not_guided():
    assert branches(1.0, 1.0, 1.0, negative=True) == branches(1.0, 1.0, 1.0)
    assert not any(branch.negative for branch in branches(2.0, 3.0, None, negative=True))
