from __future__ import annotations

import pytest
from safebasin.errors import StudyError
from safebasin.models.layers import HEADLINE, default_layers, layer_index, layer_indices


def test_the_papers_layers_are_themselves_in_a_model_of_32_blocks():
    assert {20, 22, 24} <= set(default_layers(32))
    assert layer_index(HEADLINE, 32, "headline") == 22


def test_the_defaults_reach_from_the_embeddings_to_the_last_block():
    assert default_layers(30) == [0, 4, 8, 11, 15, 19, 21, 22, 26, 30]
    assert default_layers(2) == [0, 1, 2]


def test_an_index_is_itself_and_a_fraction_is_scaled_and_none_stands_twice():
    assert layer_indices([0.5, 15, 3, 1], 30, "layers") == [1, 3, 15]


@pytest.mark.parametrize("place", [-1, 31, 2.5])
def test_a_layer_that_the_model_has_not_is_refused_by_its_key(place):
    with pytest.raises(StudyError, match=r"layers: .* is no layer of a model of 30 blocks"):
        layer_index(place, 30, "layers")
