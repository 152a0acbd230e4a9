"""What axes can be used for is read off the arrays, whatever they are called."""

from dataclasses import replace

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.search import read_roles

NAMES = {
    "batch": "b",
    "seq": "t",
    "embed": "d",
    "heads": "h",
    "kv_heads": "g",
    "mlp": "f",
    "vocab": "v",
    "experts": "e",
    "head_dim": "k",
}


def renamed(leaves):
    return [
        replace(leaf, logical_axes=leaf.logical_axes and tuple(NAMES.get(a, a) for a in leaf.logical_axes))
        for leaf in leaves
    ]


def facts(roles):
    return (
        roles.rows,
        roles.positions,
        roles.cover,
        {axes for group in roles.groups for axes in group.axes},
        roles.experts,
        roles.layers,
    )


def test_a_decoders_axes(program):
    assert facts(read_roles(program.leaves)) == (
        "batch",
        "seq",
        "embed",
        {"heads", "kv_heads", "mlp", "vocab"},
        None,
        "layers",
    )


def test_experts_lead_every_weight_of_their_module(experts):
    roles = read_roles(experts.leaves)
    assert roles.experts == "experts"
    assert {group.axes for group in roles.groups} == {("heads", "kv_heads"), ("mlp",), ("vocab",)}


@pytest.mark.parametrize("which", ["program", "experts"])
def test_names_do_not_matter(which, request):
    leaves = request.getfixturevalue(which).leaves
    rows, positions, cover, inner, leading, layers = facts(read_roles(leaves))
    new = {**NAMES, None: None}
    expected = (
        new[rows],
        new[positions],
        new[cover],
        {new[axis] for axis in inner},
        new[leading],
        layers,
    )
    assert facts(read_roles(renamed(leaves))) == expected


def test_what_is_left_whole_has_a_reason(program):
    assert read_roles(program.leaves).others == {
        "head_dim": "in every weight that has it another axis of the module comes first"
    }


def test_a_batch_without_names_is_an_error(program):
    leaves = [replace(leaf, logical_axes=None) if leaf.kind == "batch" else leaf for leaf in program.leaves]
    with pytest.raises(AxisRulesError, match="AXR901"):
        read_roles(leaves)
