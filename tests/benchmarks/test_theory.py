"""What the benchmarks hold programs against is itself held against the model, and against brute force."""

from itertools import permutations

import pytest

from axisrules.models import DecoderConfig
from benchmarks.programs import decoder_program
from benchmarks.rank_order import largest_reversal, regret, spearman
from benchmarks.theory import NARROW, WIDE, Theory

CONFIG = DecoderConfig(vocab=96, embed=32, heads=4, kv_heads=2, head_dim=8, mlp=48, layers=3)


def test_the_theory_counts_the_models_own_weights() -> None:
    theory = Theory(CONFIG, 4, 16)
    leaves = [leaf for leaf in decoder_program(CONFIG, 4, 16).leaves if leaf.kind == "params"]
    sizes = {leaf.path: leaf.bytes // leaf.itemsize for leaf in leaves}
    norms = sum(size for path, size in sizes.items() if path.endswith("scale"))
    kernels = sum(sizes.values()) - norms
    assert kernels == CONFIG.layers * theory.layer_kernels + theory.tables
    assert theory.gradient_bytes == NARROW * kernels + WIDE * norms


def test_flops_are_those_of_each_matmul() -> None:
    """One layer by hand: queries, keys and values, scores, mixture, out, MLP; tables; three passes each."""
    tokens, seq = 4 * 16, 16
    one = DecoderConfig(vocab=96, embed=32, heads=4, kv_heads=4, head_dim=8, mlp=48, layers=1)
    layer = tokens * (4 * 32 * 32 + 3 * 32 * 48) + 2 * tokens * seq * 32
    embedding, head = 2 * tokens * 96 * 32, 3 * tokens * 96 * 32
    assert Theory(one, 4, 16).dot_flops == 2 * (3 * layer + embedding + head)


def test_rank_correlation() -> None:
    assert spearman([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1)
    assert spearman([1, 2, 3, 4], [40, 30, 20, 10]) == pytest.approx(-1)
    assert spearman([1, 1, 2], [5, 5, 7]) == pytest.approx(1)
    assert sum(spearman(order, range(4)) for order in permutations(range(4))) == pytest.approx(0, abs=1e-9)


def test_regret_is_what_the_first_choice_costs() -> None:
    assert regret([1.0, 2.0], [1.2, 1.0]) == pytest.approx(20)
    assert regret([2.0, 1.0], [1.2, 1.0]) == 0


def test_a_reversal_is_a_gain_that_is_promised_and_denied() -> None:
    assert largest_reversal([1.0, 2.0, 4.0], [1.0, 2.0, 3.0]) == 0
    assert largest_reversal([1.0, 2.0, 2.5], [1.0, 3.0, 2.5]) == pytest.approx(20)
    assert largest_reversal([1.0, 2.0], [1.0, 1.0]) == pytest.approx(50)
