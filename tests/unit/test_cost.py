"""What training costs, counted without data and without memory."""

import pytest
import torch
from torch import nn

from longtake.train.cost import cost, operations_of
from longtake.train.recipe import read_recipe
from longtake.train.run import task_module


def test_a_multiply_add_is_two_operations_and_training_takes_three_times_a_pass():
    with torch.device("meta"):
        model, rows = nn.Linear(1000, 500, bias=False), torch.zeros(2000, 1000)
    operations = operations_of(lambda: model(rows))
    assert operations == 2 * 1000 * 500 * 2000
    assert cost("line", model, operations, "a batch") == (
        "line: 0.50 M parameters, 2.00 GFLOP a batch, about 6.00 to train on it"
    )


@pytest.mark.parametrize("name", ["mini/autoencoder", "mini/enhancer_codes", "mini/speech", "paper/enhancer_codes"])
def test_a_shipped_recipe_can_be_counted_without_data(name, request):
    recipe = read_recipe(request.config.rootpath / "recipes" / f"{name}.toml")
    assert "GFLOP" in task_module(recipe).estimate(recipe)
