from axisrules.report.rows import follows_its_parameter, sections, starred, totals, without_numbers
from tests.report.conftest import plan_of


def test_layers_that_are_alike_share_a_row(plan):
    params = sections(plan)[0]
    assert [row.path for row in params.rows] == ["embedding", "layers_*/mlp/up", "layers_1/norm/scale"]
    assert params.rows[1].bytes_per_device == 2 * 64 * 128 * 4 // 8


def test_every_leaf_is_in_one_row_or_among_the_followers(plan):
    for section in sections(plan):
        counted = len(section.followers) + sum(len(row.plans) for row in section.rows)
        assert counted == sum(leaf.leaf.kind == section.kind for leaf in plan.leaves)


def test_state_laid_out_unlike_its_parameter_is_listed():
    plan = plan_of("zero1", "data=8")
    found = {section.kind: section for section in sections(plan)}
    assert len(found["gradients"].followers) == 4
    assert found["optimizer"].followers == ()


def test_a_scalar_follows_nothing(plan):
    assert not follows_its_parameter(plan.by_path["optimizer", "0/count"], plan)


def test_totals_are_those_of_the_plan(plan):
    assert {t.kind: t.bytes_per_device for t in totals(plan)} == {
        kind: plan.bytes_per_device(kind) for kind in ("params", "gradients", "optimizer", "batch")
    }


def test_stars_stand_only_for_what_differs():
    assert starred(["0/mu/layers_1/b", "0/mu/layers_12/b"]) == "0/mu/layers_*/b"
    assert starred(["0/mu/b"]) == "0/mu/b"
    assert without_numbers("block3/conv2d/0") == "block3/conv2d/*"
