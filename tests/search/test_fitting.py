"""What fits, by a compiler that needs some times what a plan holds, against trying everything."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axisrules.evidence import LayoutEvidence
from axisrules.mesh import offered_topologies, parse_mesh, parse_target
from axisrules.resolve import survey
from axisrules.rules import load_rules, parse_rules
from axisrules.search import fit, fitting, meshes_of

TABLES = ("dp", "fsdp", "fsdp_tp_sp")


def made_up_compare(seen, factor):
    """In the place of `compare`: every step needs `factor` times the bytes of its plan."""

    def compare(program, tables, targets, **_):
        rows = []
        for table in tables:
            mesh = parse_mesh(table.mesh)
            seen.append((table.name, str(mesh)))
            needed = int(factor * survey(program.leaves, table, mesh).bytes_per_device())
            rows.append(LayoutEvidence(table.name, mesh, targets[0], "fast", needed_bytes=needed))
        return SimpleNamespace(rows=rows)

    return compare


def fits_somewhere(program, tables, target, factor, room):
    """By trying every table on every mesh."""
    plans = (survey(program.leaves, table, mesh) for table in tables for mesh in meshes_of(table, target))
    return any(
        factor * plan.bytes_per_device() <= room
        for plan in plans
        if not any(found.severity == "error" for found in plan.diagnostics)
    )


@settings(max_examples=8, deadline=None)
@given(factor=st.sampled_from([1.5, 400.0, 1000.0, 3000.0, 20000.0]))
def test_the_answer_is_that_of_trying_everything(program, factor):
    target = parse_target("tpu:v5e:2x4")
    tables = [load_rules(name) for name in TABLES]
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "compare", made_up_compare(seen, factor))
        report = fit(program, tables, target)
    room = report.limit_bytes
    assert report.fits == fits_somewhere(program, tables, target, factor, room)
    slices = ["x".join(map(str, sizes)) for sizes in offered_topologies(target.chip.shapes)]
    targets = [parse_target(f"tpu:v5e:{text}") for text in slices]
    able = [str(one) for one in targets if fits_somewhere(program, tables, one, factor, room)]
    assert (report.smallest and str(report.smallest.target)) == (able[0] if able else None)
    assert report.compiles == len(seen) <= 20


def test_state_that_is_too_much_is_not_compiled(program):
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "compare", made_up_compare(seen, 1.0))
        report = fit(program, [load_rules("dp")], parse_target("tpu:v5e:2x4"), hbm=1e-4)
    (row,) = report.rows
    assert row.fits is False
    assert row.needed_bytes is None
    assert row.state_bytes > report.limit_bytes
    assert seen == []
    assert report.smallest is None


def test_a_table_of_another_program_says_so(program):
    other = parse_rules({"name": "other", "mesh": "data=-1", "rules": {"rows": "data"}})
    report = fit(program, [other], parse_target("tpu:v5e:2x2"))
    (row,) = report.rows
    assert row.fits is None
    assert row.error
    assert report.smallest is None
