"""Plans: every leaf with its spec, all findings at once, and what counts as the same plan."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import parse_mesh
from axisrules.resolve import Leaf, Plan, make_plan, survey
from axisrules.rules import Kind, RuleTable, load_rules, parse_rules
from axisrules.rules.toml_file import rules_from_toml

MESH = parse_mesh("data=2,tensor=4")
TABLE = parse_rules(
    {
        "rules": {
            "batch": "data",
            "heads": "tensor",
            "kv": {"mesh": "tensor", "uneven": "replicate"},
            "embed": [],
        }
    },
    name="mine",
)


def leaf(
    path: str, names: str | None, shape: tuple[int, ...], kind: Kind = "params", itemsize: int = 4
) -> Leaf:
    logical_axes = None if names is None else tuple(names.split())
    return Leaf(path, kind, shape, f"float{8 * itemsize}", itemsize, logical_axes)  # type: ignore[arg-type]


def codes(plan: Plan) -> list[str]:
    return [d.code for d in plan.diagnostics]


def test_a_plan_knows_shapes_and_bytes() -> None:
    plan = make_plan(
        [leaf("q", "embed heads", (16, 8)), leaf("x", "batch embed", (4, 16), "batch", 2)], TABLE, MESH
    )
    query, inputs = plan.leaves
    assert (query.spec, query.ways, query.local_shape, query.bytes_per_device) == (
        ((), ("tensor",)),
        4,
        (16, 2),
        128,
    )
    assert (inputs.local_shape, inputs.bytes_per_device) == ((2, 16), 64)
    assert plan.bytes_per_device() == 192
    assert plan.bytes_per_device("batch") == 64
    assert plan.by_path["params", "q"] is query
    assert plan.select("?") == plan.leaves
    assert plan.select("q") == (query,)


def test_all_errors_are_raised_together() -> None:
    leaves = [
        leaf("a", "embed nobody", (8, 8)),
        leaf("b", "heads", (6,)),
        leaf("c", "embed", (8, 8)),
        leaf("d", "embed", (-1,)),
    ]
    table = TABLE | parse_rules({"rules": {"mlp": {"mesh": "model", "after": "nobody"}}})
    with pytest.raises(AxisRulesError) as caught:
        make_plan(leaves, table, MESH)
    found = {d.code for d in caught.value.diagnostics}
    assert found == {"AXR301", "AXR401", "AXR303", "AXR307", "AXR206", "AXR112"}
    assert set(codes(survey(leaves, table, MESH))) == found


def test_a_permitted_fallback_stays_in_the_plan_with_its_bytes() -> None:
    plan = make_plan([leaf(f"layer_{i}/k", "embed kv", (16, 6)) for i in range(3)], TABLE, MESH)
    [found] = plan.diagnostics
    assert (found.code, found.severity) == ("AXR401", "note")
    assert found.subject == "params:layer_0/k  (embed=16, kv=6)  on mesh (data=2,tensor=4), and 2 more"
    whole = 3 * 16 * 6 * 4
    assert f"costs {whole - whole // 4:,} bytes per device" in found.why


def test_an_array_without_names_is_whole_and_reported_by_its_policy() -> None:
    leaves = [leaf("table", None, (8, 8)), leaf("step", None, ())]
    plan = make_plan(leaves, TABLE, MESH)
    assert codes(plan) == ["AXR305"]
    assert [p.spec for p in plan.leaves] == [((), ()), ()]
    strict = TABLE | RuleTable(declared_policies=(("unnamed_array", "error"),))
    with pytest.raises(AxisRulesError):
        make_plan(leaves, strict, MESH)


@pytest.mark.parametrize(
    "shape", [(8, -1), (float("nan"),), (2.0, 2), (True,), ("8",), (None,), [8, 8], None, 8, (10**5000 * -1,)]
)
def test_shapes_that_are_none(shape: object) -> None:
    good = leaf("good", "embed embed_out", (2, 2))
    bad = Leaf("bad", "params", shape, "float32", 4, ("embed", "heads"))  # type: ignore[arg-type]
    table = TABLE | parse_rules({"rules": {"embed_out": []}})
    plan = survey([good, bad], table, MESH)
    assert codes(plan) == ["AXR307"]
    assert [p.path for p in plan.leaves] == ["good"], "it has no layout, and the others keep theirs"
    assert plan.bytes_per_device() == 16
    with pytest.raises(AxisRulesError):
        make_plan([bad], table, MESH)


def test_equal_keys_of_other_types_are_not_mixed_up() -> None:
    """(2, 2) == (2.0, 2) == (True + 1, 2), and only one of them is a shape."""
    leaves = [leaf("good", "embed heads", (8, 4))]
    leaves += [Leaf("bad", "params", (8.0, 4), "float32", 4, ("embed", "heads"))]  # type: ignore[arg-type]
    assert codes(survey(leaves, TABLE, MESH)) == ["AXR307"]
    assert codes(survey(leaves[::-1], TABLE, MESH)) == ["AXR307"]


def test_control_characters_and_markup_in_paths_come_out_harmless() -> None:
    nasty = "layer\x1b[31m\n[bold]<script>\u202e/k"
    with pytest.raises(AxisRulesError) as caught:
        make_plan([leaf(nasty, "nobody", (8,))], TABLE, MESH)
    shown = str(caught.value)
    assert all(line.isprintable() for line in shown.split("\n"))
    assert "\\x1b[31m\\n[bold]<script>\\u202e/k" in shown


def test_the_digest_names_what_decides_layouts() -> None:
    text = '[rules]\nbatch = "data"\nembed = []\n'

    def digest(text: str, file: str = "a.toml", mesh: str = "data=8") -> str:
        return make_plan([], rules_from_toml(text, file=file), parse_mesh(mesh)).digest

    same = digest(text)
    assert digest("# moved\n\n" + text, "b.toml") == same
    others = {
        digest(text.replace('"data"', '["data"]').replace("embed = []", 'embed = "data"')),
        digest("optional_mesh_axes = ['x']\n" + text),
        digest(text + "[policy]\ncollision = 'warn'\n"),
        digest(text, mesh="data=4"),
        digest('[rules]\nembed = []\nbatch = "data"\n'),
    }
    assert len(others | {same}) == 6


def test_errors_can_cross_a_process() -> None:
    with pytest.raises(AxisRulesError) as caught:
        make_plan([leaf("a", "nobody", (8,))], TABLE, MESH)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.diagnostics == caught.value.diagnostics
    assert str(again) == str(caught.value)


@given(st.permutations(range(6)))
def test_the_order_of_leaves_changes_no_spec(order: list[int]) -> None:
    table = load_rules("fsdp_tp_sp")
    leaves = [
        leaf("a", "embed mlp", (64, 64)),
        leaf("b", "embed mlp", (64, 128)),
        leaf("c", "batch seq embed", (8, 8, 8), "activations"),
        leaf("d", "batch seq", (8, 8), "batch"),
        leaf("e", "embed mlp", (64, 64), "optimizer"),
        leaf("f", "heads head_dim embed", (8, 8, 8), "gradients"),
    ]
    mesh = parse_mesh("fsdp=2,tensor=4")
    wanted = {p.path: p.spec for p in make_plan(leaves, table, mesh).leaves}
    shuffled = make_plan([leaves[i] for i in order], table, mesh)
    assert {p.path: p.spec for p in shuffled.leaves} == wanted
    assert [p.path for p in shuffled.leaves] == [leaves[i].path for i in order]
