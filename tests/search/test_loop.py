"""Searches with made-up costs, against the least of all; interrupted ones go on where they were."""

from dataclasses import replace
from zlib import crc32

import pytest

from axisrules.evidence import ERROR_BAR
from axisrules.search import Budget, ExpectedGain, Journal, Scored, journal_key, search
from axisrules.search.strategy import starts
from tests.search.costs import cost, room


def least(space, limit):
    return min(cost(one) for one in space.candidates if room(one) <= limit)


@pytest.mark.parametrize("limit", [6.0, 12.0, 100.0])
def test_the_best_is_found_with_few_compiles(space, made_up, limit):
    result = search(space, budget=Budget(scorer=made_up(limit)))
    assert result.best.seconds <= 1.03 * least(space, limit)
    assert result.compiled <= 0.15 * len(space)
    assert all(one.needed_bytes <= one.hbm_bytes for one in result.ranking)


def test_a_budget_is_kept(space, made_up):
    assert search(space, budget=Budget(compiles=5, scorer=made_up())).compiled == 5
    assert search(space, budget=Budget(seconds=0.0, scorer=made_up())).compiled == 0


def test_any_strategy_will_do(space, made_up):
    class InOrder:
        def propose(self, _space, left, _seen, count):
            return left[:count]

    result = search(space, strategy=InOrder(), budget=Budget(compiles=7, scorer=made_up(100.0)))
    assert {one.candidate for one in result.scored} == set(space.candidates[:7])


def test_bounds_rule_out_what_cannot_be_near_the_best_and_nothing_else(space):
    """Every candidate takes its bound and up to half as much again, so bounds nearly give the order away."""

    def seconds(one):
        return space.bounds(one).seconds * (1 + crc32(str(one).encode()) % 50 / 100)

    def scorer(_space, candidates, how, _tell):
        yield from (Scored(one, seconds=seconds(one), mode=how.mode) for one in candidates)

    class Backwards:
        def propose(self, _space, left, _seen, count):
            return left[-count:]

    result = search(space, strategy=Backwards(), budget=Budget(compiles=len(space), scorer=scorer))
    assert result.best.seconds == min(map(seconds, space.candidates))
    near = result.best.seconds * (1 + ERROR_BAR)
    left = {one for one in space.candidates if space.bounds(one).seconds <= near}
    assert left <= {one.candidate for one in result.scored}
    assert 0 < sum(result.pruned.values()) == len(space) - result.compiled


def test_plain_layouts_that_lie_far_apart_come_first(space, made_up):
    result = search(space, budget=Budget(compiles=4, scorer=made_up(100.0)))
    assert [one.candidate for one in result.scored] == starts(space)[:4]
    assert {one.candidate.mesh for one in result.scored} >= {"fsdp=8", "data=8"}


def test_what_dies_is_a_row_and_the_search_goes_on(space, made_up):
    def dying(where, candidates, how, tell):
        for one in made_up()(where, candidates, how, tell):
            is_dead = one.candidate.size("tensor") == 2
            yield type(one)(one.candidate, error="killed") if is_dead else one

    result = search(space, budget=Budget(scorer=dying))
    assert result.failed
    assert result.best.candidate.size("tensor") != 2


def test_an_interrupted_search_goes_on(space, made_up, tmp_path):
    journal = Journal(tmp_path / "search.jsonl", journal_key(space, "fast"))
    asked = []

    def counting(where, candidates, how, tell):
        asked.extend(candidates)
        return made_up()(where, candidates, how, tell)

    def interrupt(progress):
        if progress.done == 9:
            raise KeyboardInterrupt

    budget = Budget(scorer=counting, finalists=0)
    first = search(space, budget=budget, journal=journal, on_progress=interrupt)
    assert first.is_interrupted
    assert first.best
    done = list(asked)
    second = search(space, budget=budget, journal=journal)
    assert not second.is_interrupted
    assert not set(asked[len(done) :]) & {one.candidate for one in first.scored}
    whole = search(space, budget=Budget(scorer=made_up(), finalists=0))
    assert second.best.seconds == pytest.approx(whole.best.seconds, rel=0.03)


def test_a_foreign_journal_is_written_anew_with_a_warning(space, made_up, tmp_path):
    path = tmp_path / "search.jsonl"
    path.write_text("something else\n")
    journal = Journal(path, journal_key(space, "fast"))
    result = search(space, budget=Budget(compiles=4, scorer=made_up(), finalists=0), journal=journal)
    assert [note.code for note in result.notes] == ["AXR906"]
    assert len(journal.read()[0]) == 4


def test_a_line_that_was_cut_off_is_left_out(space, made_up, tmp_path):
    journal = Journal(tmp_path / "search.jsonl", journal_key(space, "fast"))
    result = search(space, budget=Budget(compiles=4, scorer=made_up(), finalists=0), journal=journal)
    text = journal.path.read_text()
    journal.path.write_text(text[: len(text) - 40])
    known, problem = journal.read()
    assert problem is None
    assert tuple(known) == result.scored[:3]


def test_what_bounds_rule_out_is_not_compiled(space, made_up):
    limit = min(space.bounds(one).state_bytes for one in space.candidates) + 1
    part = limit / space.target.chip.compile_limit_bytes
    tight = replace(space, constraints=replace(space.constraints, hbm=part))
    result = search(tight, budget=Budget(scorer=made_up(1e6)))
    assert sum(result.pruned.values()) > 0
    assert all(space.bounds(one.candidate).state_bytes <= limit for one in result.scored)


def test_candidates_to_begin_with_come_first(space, made_up):
    mine = space.candidates[-1]
    result = search(space, budget=Budget(scorer=made_up()), first=[mine], strategy=ExpectedGain())
    assert result.scored[0].candidate == mine
