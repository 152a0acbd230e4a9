"""Reasons name one choice each, with the numbers of the candidate that was left."""

from dataclasses import replace

import pytest

from axisrules.search import Budget, nearly_won, reasons, search
from axisrules.search.answer import changed
from axisrules.search.strategy import differences


@pytest.fixture(scope="module")
def result(space, made_up):
    return search(space, budget=Budget(scorer=made_up(12.0)))


def test_every_reason_differs_in_one_choice(result):
    found = reasons(result)
    assert found
    assert len({(one.choice, one.instead) for one in found}) == len(found)
    assert all(one.choice != one.instead for one in found)


def test_a_reason_has_the_numbers(result):
    best = result.best
    by_instead = {one.instead: one for one in reasons(result)}
    rivals = [one for one in result.scored if differences(best.candidate, one.candidate) == 1]
    remats = [one for one in rivals if one.candidate.remat != best.candidate.remat]
    for one in remats:
        name = "no remat" if one.candidate.remat == "none" else f"{one.candidate.remat} remat"
        reason = by_instead[name]
        if one.fits():
            assert reason.slower == pytest.approx(one.seconds / best.seconds - 1)
        else:
            assert f"{one.needed_bytes / 1e9:,.1f} GB" in reason.why


def test_what_is_within_the_error_is_a_tie(result):
    wide = replace(result, error=10.0)
    assert all(one.is_tie for one in reasons(wide) if one.slower is not None)
    assert len(wide.ties) == len(wide.ranking) - 1
    assert not replace(result, error=0.0).ties


def test_what_nearly_won_comes_in_order(result):
    runners = nearly_won(result)
    assert [one.seconds for one in runners] == sorted(one.seconds for one in runners)
    assert result.best not in runners


def test_without_anything_that_fits_there_is_nothing_to_say(space, made_up):
    nothing = search(space, budget=Budget(compiles=4, scorer=made_up(0.001)))
    assert nothing.best is None
    assert reasons(nothing) == ()
    assert nothing.nearest_to_fit().needed_bytes == min(one.needed_bytes for one in nothing.scored)


def test_a_mesh_without_tensor_is_a_choice_of_mesh(space):
    cut = next(one for one in space.candidates if one.mesh == "fsdp=4,tensor=2" and one.cuts_positions)
    whole = next(one for one in space.candidates if one.mesh == "fsdp=8")
    assert changed(cut, whole) == ("fsdp=4,tensor=2", "fsdp=8,tensor=1")
