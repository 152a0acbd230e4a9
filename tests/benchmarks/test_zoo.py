"""Published models, unedited: each wraps, and what it says of its parameters is what their authors meant."""

import warnings

import pytest

from axisrules import wrap
from benchmarks.wrap_models import named_share, score
from benchmarks.zoo import CASES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def case(request):
    if not request.param.is_installed:
        pytest.skip(f"not installed: {request.param.missing}; see the extra `models`")
    return request.param


@pytest.fixture(scope="module")
def wrapped(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are the packages' own
        model, loss, batch = case.make()
        alone = wrap(model, loss, batch, seeds={"batch": dict(case.batch)})
        return alone, wrap(model, loss, batch, seeds=case.seeds_for(alone.program.param_axes))


def test_the_truth_covers_every_parameter(case, wrapped):
    alone, _ = wrapped
    ranks = {path: len(array.shape) for path, array in alone.inference.of_kind("params").items()}
    assert {path: len(case.axes(path) or ()) for path in ranks} == ranks


def test_a_few_seeds_name_the_others_and_none_wrong(case, wrapped):
    _, seeded = wrapped
    found = score(case, seeded.inference, with_seeds=True)
    assert found.wrong == 0
    assert found.share >= 0.8
    assert named_share(seeded.inference) >= 0.75


def test_no_wrong_dim_is_acted_upon_from_the_inputs_alone(case, wrapped):
    alone, _ = wrapped
    assert score(case, alone.inference, with_seeds=False).acted_upon == 0
