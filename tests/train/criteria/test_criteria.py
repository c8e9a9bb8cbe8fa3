"""Every criterion by numbers worked out by hand, and the table that names them."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from hwgen.spec.pruning import Criterion as Names
from hwgen.train.criteria import CRITERIA, criterion
from hwgen.train.criteria.apoz import positive_share
from hwgen.train.criteria.evidence import Evidence
from hwgen.train.criteria.geometric_median import geometric_median
from hwgen.train.criteria.joint import joint
from hwgen.train.criteria.magnitude import l1, l2
from hwgen.train.criteria.mean_gradient import mean_gradient
from hwgen.train.criteria.rank import feature_rank
from hwgen.train.criteria.similarity import dissimilarity
from hwgen.train.criteria.slimming import slimming
from hwgen.train.criteria.snip import snip
from hwgen.train.criteria.taylor import taylor
from hwgen.train.criteria.utility import utility

KERNELS = [torch.tensor([[3.0, -4.0], [0.0, 1.0], [2.0, 2.0]]), torch.tensor([[1.0], [-1.0], [0.0]])]
GRADIENTS = [torch.tensor([[1.0, 1.0], [5.0, -2.0], [0.5, -0.5]]), torch.tensor([[2.0], [3.0], [9.0]])]


def maps(*units: object) -> Tensor:
    """(units, 1, 1, height, width) of nested lists."""
    return torch.tensor(units, dtype=torch.float32)[:, None, None]


def test_l1() -> None:
    assert l1(Evidence(KERNELS)).tolist() == [3 + 4 + 1, 1 + 1, 2 + 2]


def test_l2() -> None:
    assert l2(Evidence(KERNELS)).tolist() == [9 + 16 + 1, 1 + 1, 4 + 4]


def test_geometric_median() -> None:
    """Points (0, 0), (3, 4), (6, 8) on a line: the one in the middle is the median."""
    rows = [torch.tensor([[0.0], [3.0], [6.0]]), torch.tensor([[0.0], [4.0], [8.0]])]
    assert geometric_median(Evidence(rows)).tolist() == [0 + 5 + 10, 5 + 0 + 5, 10 + 5 + 0]


def test_taylor() -> None:
    """Within a convolution contributions cancel, between convolutions squares add up."""
    assert taylor(Evidence(KERNELS, GRADIENTS)).tolist() == [(3 - 4) ** 2 + 2**2, (-2) ** 2 + (-3) ** 2, (1 - 1) ** 2]


def test_snip() -> None:
    """Nothing cancels."""
    assert snip(Evidence(KERNELS, GRADIENTS)).tolist() == [3 + 4 + 2, 2 + 3, 1 + 1]


def test_mean_gradient() -> None:
    evidence = Evidence(KERNELS, feature_gradients=[maps([[1, -3]], [[0, 0]]), maps([[2, 2]], [[-4, 0]])])
    assert mean_gradient(evidence).tolist() == [(2 + 2) / 2, (0 + 2) / 2]


def test_positive_share() -> None:
    """Zero and what is below count as zeros."""
    evidence = Evidence(KERNELS, features=[maps([[1, 0, -1, 2]], [[1, 1, 1, 1]]), maps([[1, 1, 1, 1]], [[0, 0, 0, 0]])])
    assert positive_share(evidence).tolist() == [(0.5 + 1) / 2, (1 + 0) / 2]


def test_feature_rank() -> None:
    """[[1, 2], [2, 4]] has rank 1, the identity 2, zeros 0."""
    evidence = Evidence(KERNELS, features=[maps([[1, 2], [2, 4]], [[1, 0], [0, 1]], [[0, 0], [0, 0]])])
    assert feature_rank(evidence).tolist() == [1, 2, 0]


def test_dissimilarity() -> None:
    """Units 0 and 2 are multiples of each other: the quieter goes first, the other one then counts as unlike.

    Cosines: 0 and 2 have 1; 1 and either 0.6, with what is left of the pair.
    """
    evidence = Evidence(KERNELS, features=[maps([[1, 0]], [[6, 8]], [[-3, 0]])])
    assert dissimilarity(evidence).tolist() == pytest.approx([0.0, 1.0, 1 - 0.6])


def test_units_of_zeros_go_first() -> None:
    evidence = Evidence(KERNELS, features=[maps([[1, 0]], [[0, 0]], [[1, 0.1]])])
    scores = dissimilarity(evidence)
    assert scores.argmin() == 1
    assert scores[1] == 0


def test_joint() -> None:
    """Unit 0 has a loud real part and a silent imaginary one, unit 1 two of the half: the first is kept for its one."""
    both = torch.tensor([[[4.0, -4.0], [0.0, 0.0]], [[2.0, 2.0], [-2.0, 2.0]]])[:, :, None, None]
    assert joint(Evidence(KERNELS, features=[both])).tolist() == [4, 2]


def test_slimming() -> None:
    evidence = Evidence(KERNELS, scales=[torch.tensor([[0.5], [-2.0]]), torch.tensor([[1.0], [0.25]])])
    assert slimming(evidence).tolist() == [1.5, 2.25]


def test_utility() -> None:
    """Unit 0 has gates of 2 x 1 - 1 x 2 = 0 and 3 x 1 = 3: within an image contributions cancel, between images not."""
    values = torch.tensor([[[[[2.0, 1.0]], [[3.0, 0.0]]]], [[[[1.0, 0.0]], [[-1.0, 0.0]]]]])
    gradients = torch.tensor([[[[[1.0, -2.0]], [[1.0, 7.0]]]], [[[[2.0, 9.0]], [[2.0, 9.0]]]]])
    evidence = Evidence(KERNELS, features=[values], feature_gradients=[gradients])
    assert utility(evidence).tolist() == [(0 + 3) / 2, (2 + 2) / 2]


def test_random_has_a_seed() -> None:
    evidence = Evidence(KERNELS)
    first, second = criterion("random", 7), criterion("random", 7)
    drawn = [first.score(evidence), first.score(evidence)]
    assert not torch.equal(*drawn), "another draw for every group"
    assert torch.equal(drawn[0], second.score(evidence))
    assert not torch.equal(drawn[0], criterion("random", 8).score(evidence))


def test_the_specification_has_the_names_of_the_table() -> None:
    assert {*get_args(Names)} == {*CRITERIA, "random", "none"}


def test_an_unknown_criterion_is_refused() -> None:
    wanted = f"criterion: wanted {', '.join(CRITERIA)}, random, got 'l3'"
    with pytest.raises(ValueError, match=wanted):
        criterion("l3", 1)
