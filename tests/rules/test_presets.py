"""The tables that ship: they cover the built-in decoder, fit their own mesh, and do what they say."""

import math
from collections.abc import Iterator

import flax.linen as nn
import pytest

from axisrules.mesh import parse_mesh
from axisrules.resolve import Leaf, Plan, RuleIndex, lint_table, make_plan, resolve
from axisrules.rules import Kind, load_rules, preset_names, preset_text

SIZES = {
    "batch": 8,
    "seq": 128,
    "embed": 256,
    "heads": 8,
    "kv_heads": 4,
    "head_dim": 32,
    "mlp": 1024,
    "vocab": 256,
    "layers": 4,
    "experts": 8,
    "capacity": 64,
}
PARAMS = (
    *("vocab embed", "embed vocab", "embed", "layers embed"),
    *("layers embed heads head_dim", "layers embed kv_heads head_dim", "layers heads head_dim embed"),
    *("layers embed mlp", "layers mlp embed", "layers embed experts"),
    *("layers experts embed mlp", "layers experts mlp embed"),
)
ACTIVATIONS = (
    *("batch seq embed", "batch seq heads head_dim", "batch seq kv_heads head_dim"),
    *("batch seq mlp", "batch seq vocab", "batch seq experts"),
    *("experts batch capacity embed", "experts batch capacity mlp"),
)
DECODER: dict[Kind, tuple[str, ...]] = {
    "params": PARAMS,
    "gradients": PARAMS,
    "optimizer": PARAMS,
    "activations": ACTIVATIONS,
    "batch": ("batch seq",),
    "cache": ("batch seq kv_heads head_dim",),
}
WANTED = {
    *("dp", "fsdp", "zero1", "zero2", "zero3", "tp", "tp_sp", "fsdp_tp", "fsdp_tp_sp", "context"),
    *("expert", "pipeline", "3d", "3d_sp", "t5x_1_1", "t5x_1_2", "t5x_2_1", "t5x_2_2"),
}


def decoder() -> Iterator[Leaf]:
    for kind, arrays in DECODER.items():
        for names in arrays:
            logical_axes = tuple(names.split())
            shape = tuple(SIZES[name] for name in logical_axes)
            yield Leaf(names, kind, shape, "float32", 4, logical_axes)  # type: ignore[arg-type]


def plan_of(name: str) -> Plan:
    table = load_rules(name)
    return make_plan(decoder(), table, parse_mesh(table.mesh).fill(8))


def spec(name: str, kind: Kind, names: str) -> str:
    """`data,tensor - -`: the mesh axes of each dim, a dash where there are none."""
    return " ".join(",".join(axes) or "-" for axes in plan_of(name).by_path[kind, names].spec)


def test_all_of_them_ship() -> None:
    assert set(preset_names()) == WANTED


@pytest.mark.parametrize("name", preset_names())
def test_nothing_is_to_be_said_of_a_preset_on_its_own_mesh(name: str) -> None:
    table = load_rules(name)
    assert list(lint_table(table)) == []
    assert plan_of(name).diagnostics == ()
    assert table.name == name
    assert table.doc.endswith(".")
    assert len(preset_text(name).splitlines()) <= 40


@pytest.mark.parametrize("name", preset_names())
def test_presets_scale_to_other_device_counts(name: str) -> None:
    table = load_rules(name)
    for devices in (4, 8):
        make_plan(decoder(), table, parse_mesh(table.mesh).fill(devices))


@pytest.mark.parametrize(
    ("name", "mesh"), [("tp", "tensor=4"), ("fsdp", "data=2,fsdp=4"), ("3d", "tensor=4,stage=2")]
)
def test_presets_work_with_and_without_their_optional_mesh_axes(name: str, mesh: str) -> None:
    assert make_plan(decoder(), load_rules(name), parse_mesh(mesh)).diagnostics == ()


@pytest.mark.parametrize(
    ("name", "params", "gradients", "optimizer"),
    [
        ("dp", 1, 1, 1),
        ("zero1", 1, 1, 8),
        ("zero2", 1, 8, 8),
        ("zero3", 8, 8, 8),
        ("fsdp", 8, 8, 8),
        ("fsdp_tp", 8, 8, 8),
        ("t5x_1_1", 4, 4, 4),
        ("t5x_2_2", 8, 8, 8),
    ],
)
def test_into_how_many_pieces_the_weights_are_cut(
    name: str, params: int, gradients: int, optimizer: int
) -> None:
    plan = plan_of(name)
    for kind, ways in (("params", params), ("gradients", gradients), ("optimizer", optimizer)):
        assert plan.by_path[kind, "layers embed mlp"].ways == ways


@pytest.mark.parametrize(
    ("name", "kind", "names", "wanted"),
    [
        ("tp_sp", "activations", "batch seq embed", "data tensor -"),
        ("tp_sp", "activations", "batch seq heads head_dim", "data - tensor -"),
        ("tp_sp", "activations", "batch seq vocab", "data - tensor"),
        ("tp_sp", "batch", "batch seq", "data -"),
        ("tp", "activations", "batch seq embed", "data - -"),
        ("fsdp_tp_sp", "activations", "batch seq embed", "fsdp tensor -"),
        ("fsdp_tp_sp", "params", "layers heads head_dim embed", "- tensor - fsdp"),
        ("fsdp", "activations", "batch seq embed", "fsdp - -"),
        ("context", "activations", "batch seq embed", "data context -"),
        ("context", "batch", "batch seq", "data context"),
        ("expert", "activations", "batch seq embed", "data,expert - -"),
        ("expert", "activations", "experts batch capacity mlp", "expert data - -"),
        ("expert", "params", "layers experts embed mlp", "- expert - -"),
        ("pipeline", "params", "layers embed mlp", "stage - -"),
        ("3d", "params", "layers embed mlp", "stage - tensor"),
        ("t5x_2_1", "activations", "batch seq embed", "data - model"),
        ("t5x_2_1", "params", "layers embed mlp", "- - model"),
        ("t5x_1_2", "activations", "batch seq embed", "data - -"),
        ("t5x_1_2", "params", "layers embed mlp", "- data model"),
        ("t5x_2_2", "params", "layers embed kv_heads head_dim", "- data model -"),
    ],
)
def test_specs(name: str, kind: Kind, names: str, wanted: str) -> None:
    assert spec(name, kind, names) == wanted


T5X_BASE: list[tuple[str, str | None]] = [
    *(("batch", "data"), ("vocab", "model"), ("mlp", "model"), ("heads", "model"), ("kv", None)),
    ("joined_kv", "model"),
]
T5X_EMBED: dict[str, list[tuple[str, str | None]]] = {
    "t5x_1_1": [("embed", None)],
    "t5x_2_1": [("embed", "model")],
    "t5x_1_2": [("embed", "data")],
    "t5x_2_2": [("embed", "model"), ("embed", "data")],
}
T5X_REPLICATED = [(name, None) for name in ("relpos_buckets", "abspos_buckets", "length", "layers", "stack")]
T5X_ARRAYS = (
    *("vocab embed", "embed joined_kv", "joined_kv embed", "embed mlp", "mlp embed", "embed"),
    *("heads relpos_buckets", "batch length embed", "batch length heads kv", "batch length mlp"),
    *("batch length vocab", "abspos_buckets embed", "layers embed mlp", "embed heads kv"),
)


@pytest.mark.parametrize("name", T5X_EMBED)
@pytest.mark.parametrize("array", T5X_ARRAYS)
def test_t5x_tables_answer_as_flax_does_from_their_rule_lists(name: str, array: str) -> None:
    theirs = nn.logical_to_mesh_axes(tuple(array.split()), T5X_BASE + T5X_EMBED[name] + T5X_REPLICATED)
    assert theirs is not None
    ours = resolve(array.split(), RuleIndex(load_rules(name)))
    assert ours.spec == tuple((axes,) if isinstance(axes, str) else () for axes in theirs)
    assert ours.findings == ()


def test_fully_sharded_tables_hold_nothing_large_twice() -> None:
    for leaf_plan in plan_of("fsdp_tp_sp").leaves:
        large = math.prod(leaf_plan.leaf.shape) > 100_000
        assert not large or leaf_plan.ways == 8 or "experts" in (leaf_plan.leaf.logical_axes or ())
