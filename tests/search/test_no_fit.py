"""What is said when nothing fits, by made-up numbers."""

from dataclasses import replace

from axisrules.search import Budget, nothing_fits, search


def test_the_nearest_is_named_with_what_would_let_it_in(space, made_up):
    result = search(space, budget=Budget(compiles=6, scorer=made_up(1e-3)))
    assert result.best is None
    finding = nothing_fits(result)
    nearest = result.nearest_to_fit()
    assert finding.code == "AXR905"
    assert str(nearest.candidate) in finding.why
    assert nearest.needed_bytes == min(one.needed_bytes for one in result.scored)


def test_state_alone_may_be_too_much(space, made_up):
    tiny = replace(space, constraints=replace(space.constraints, hbm=1e-6))
    result = search(tiny, budget=Budget(scorer=made_up(12.0)))
    assert result.compiled == 0
    finding = nothing_fits(result)
    least = min(space.bounds(one).state_bytes for one in space.candidates)
    assert f"{least / 1e9:,.2f} GB" in finding.why
    assert "alone" in finding.why


def test_a_smaller_batch_is_proposed_where_state_leaves_room(space):
    one = space.candidates[0]
    room = space.target.chip.compile_limit_bytes
    from axisrules.search import Scored, SearchResult

    large = Scored(one, 1.0, needed_bytes=int(2.5 * room), hbm_bytes=room, param_bytes=room // 2)
    finding = nothing_fits(SearchResult(space, (large,), (), {}, 0.05, 1.0))
    # Of two rooms beside the state half a room is left: a quarter of the 16 rows.
    assert "a batch of about 4 rows in the place of 16" in finding.fix
    assert "--target tpu:v5e:4x8" in finding.fix, "2.5 times the chips, or the next size on offer"
