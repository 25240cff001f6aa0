"""Fréchet distances: equal to the textbook formula, joined from parts, with the bias that chance explains."""

import numpy as np
import pytest
from scipy import linalg

from longtake.errors import WeightsMismatch, WeightsMissing
from longtake.evaluate.metrics.extractors.projection import Projection
from longtake.evaluate.metrics.frechet import Gatherer, chance, count_of, frechet_distance, joined
from longtake.evaluate.metrics.kid import Reservoir, kernel_distance, sample
from longtake.evaluate.metrics.registry import metric

RNG = np.random.default_rng(0)


def summary(rows, parts=1):
    gatherer = Gatherer(rows.shape[1])
    for part in np.array_split(rows, parts):
        gatherer.take(part)
    return gatherer.summary()


def features(count, dim, shift=0.0):
    mix = np.random.default_rng(dim).normal(size=(dim, dim)) / dim**0.5
    return (RNG.normal(size=(count, dim)) @ mix + shift).astype(np.float32)


def by_the_textbook(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    root = linalg.sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False))
    gap = a.mean(0) - b.mean(0)
    return gap @ gap + np.trace(np.cov(a, rowvar=False)) + np.trace(np.cov(b, rowvar=False)) - 2 * np.trace(root).real


@pytest.mark.parametrize(("count", "dim"), [(200, 8), (300, 64)])
def test_the_distance_equals_the_formula_with_scipys_matrix_root(count, dim):
    a, b = features(count, dim), features(count + 50, dim, 0.3)
    ours = frechet_distance(joined([summary(a)]), joined([summary(b)]))
    assert ours == pytest.approx(by_the_textbook(a, b), abs=1e-6)


def test_the_distance_equals_torchmetrics():
    pytest.importorskip("torchmetrics")
    import torch
    from torchmetrics.image.fid import _compute_fid

    a, b = features(300, 32), features(200, 32, 0.1)
    moments = [
        (torch.tensor(x.astype(np.float64).mean(0)), torch.tensor(np.cov(x.astype(np.float64), rowvar=False)))
        for x in (a, b)
    ]
    theirs = float(_compute_fid(*moments[0], *moments[1]))
    assert frechet_distance(joined([summary(a)]), joined([summary(b)])) == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("count", [5, 40, 400])
def test_a_set_is_at_no_distance_from_itself_even_without_full_rank(count):
    a = joined([summary(features(count, 32))])
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_parts_joined_are_the_whole_however_it_was_cut():
    rows = features(500, 16)
    whole, parts = joined([summary(rows)]), joined([summary(x, 3) for x in np.split(rows, [3, 10, 200])])
    assert parts.count == whole.count == count_of([summary(rows)])
    np.testing.assert_allclose(parts.mean, whole.mean, atol=1e-12)
    np.testing.assert_allclose(parts.covariance, whole.covariance, atol=1e-10)


def test_a_summary_stays_small_whatever_the_clips_length():
    short, long = summary(features(10, 32)), summary(features(5000, 32), 50)
    assert sum(x.nbytes for x in short.values()) == 10 * 32 * 4
    assert sum(x.nbytes for x in long.values()) < 2 * 32 * 33 * 8


def test_rows_that_are_no_numbers_do_not_count():
    rows = features(20, 4)
    spoiled = np.concatenate([rows, np.full((3, 4), np.nan, np.float32)])
    np.testing.assert_allclose(joined([summary(spoiled)]).mean, joined([summary(rows)]).mean)


@pytest.mark.parametrize("scales", [np.ones(6), np.array([4.0, 2.0, 1.0, 0.5, 0.2, 0.1])])
def test_halves_of_a_set_are_apart_by_what_chance_explains(scales):
    rng, count = np.random.default_rng(5), 400
    found = []
    for _ in range(120):
        a, b = (rng.normal(size=(count, 6)) * np.sqrt(scales) for _ in range(2))
        found.append(frechet_distance(joined([summary(a)]), joined([summary(b)])))
    truth = joined([summary(rng.normal(size=(20_000, 6)) * np.sqrt(scales))])
    expected = chance(truth, count, count)
    assert np.mean(found) == pytest.approx(expected, rel=0.1)
    if (scales == 1).all():  # the closed form for a unit covariance
        assert expected == pytest.approx(2 * 6 / count + 6 * 7 / (2 * count), rel=0.05)


def test_a_set_smaller_than_its_features_is_told_and_kid_is_offered():
    fid = metric("fid_projection")
    small, large = summary(features(20, 64)), summary(features(200, 64))
    told = fid.remarks([small], [large])
    assert len(told) == 1 and "generated set has 20 rows" in told[0] and "KID" in told[0]
    assert fid.remarks([large], [large]) == []


def test_an_empty_set_has_no_distance_and_no_traceback():
    fid = metric("fid_projection")
    empty, some = summary(np.zeros((0, 64), np.float32)), summary(features(100, 64))
    assert all(np.isnan(value) for value in fid.value([empty], [some]).values())


def test_stand_ins_say_that_they_are_not_comparable():
    for name in ("fid_projection", "fvd_projection"):
        about = metric(name).about
        assert not about.comparable and "Not comparable" in about.says and about.name == name


def kept(rows, name="a", parts=3):
    reservoir = Reservoir(Projection(rows.shape[1]), 5, name)
    for part in np.array_split(rows, parts):
        reservoir.take(part)
    return reservoir.summary()


def test_the_kernel_distance_equals_its_formula_and_has_no_bias():
    a, b = features(30, 8), features(40, 8, 0.5)
    k = lambda x, y: (x.astype(float) @ y.astype(float) / 8 + 1) ** 3  # noqa: E731
    own = [
        sum(k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j) / len(x) / (len(x) - 1)
        for x in (a, b)
    ]
    cross = sum(k(x, y) for x in a for y in b) / len(a) / len(b)
    assert kernel_distance(a, b) == pytest.approx(own[0] + own[1] - 2 * cross)
    chances = [kernel_distance(features(30, 8), features(30, 8)) for _ in range(300)]
    assert abs(np.mean(chances)) < 3 * np.std(chances) / 300**0.5


def test_a_reservoir_is_bounded_and_does_not_depend_on_how_it_was_cut():
    rows = features(2000, 8)
    one, other = kept(rows), kept(rows, parts=50)
    assert len(one["rows"]) == 256 and one["full"]
    np.testing.assert_array_equal(one["rows"], other["rows"])


def test_a_sample_of_many_clips_is_fair_to_their_lengths():
    long, short = np.zeros((4000, 8), np.float32), np.ones((1000, 8), np.float32)
    drawn = sample([kept(long, "long"), kept(short, "short")])
    assert drawn.mean() == pytest.approx(0.2, abs=0.06)


def test_missing_weights_tell_how_to_get_them_and_wrong_ones_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LONGTAKE_EXTRACTORS", str(tmp_path))
    for name in ("fid", "kid", "fvd", "sync_c"):
        with pytest.raises(WeightsMissing, match=r"SHA-256 [0-9a-f]{64}[\s\S]*places") as error:
            metric(name).ready()
        assert str(tmp_path) in str(error.value)
    (tmp_path / "i3d_torchscript.pt").write_bytes(b"something else")
    with pytest.raises(WeightsMismatch, match="not the published file"):
        metric("fvd").ready()
