"""Layers of one make: parameters whose paths differ in one number are the same axes, dim by dim.

`layers_0/mlp/kernel` and `layers_1/mlp/kernel` belong to siblings, `layers_0` and `layers_1`, that hold
the same paths with the same shapes. A number alone proves little: Dense_0 and Dense_1 of a perceptron are
no layers of one make. Siblings are one template where each holds two matrices or more, and where linking
them would not make two dims of one array one axis; else they are linked weakly, or not at all.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from axisrules.infer.axis_union import Node
from axisrules.infer.record import TEMPLATE, Dims, Record

_NUMBER = re.compile(r"\d+")
Sibling = dict[str, Dims]  # dims by the path below the sibling


def link_layers(record: Record, params: Mapping[str, Dims]) -> None:
    """Unite the dims of parameters at one place in layers of one make."""
    record.reason = TEMPLATE
    for siblings in _families(record, params):
        first, *others = siblings
        if _merges_dims_of_one_array(record, siblings):
            continue
        is_layer = sum(len(dims) > 1 for dims in first.values()) > 1
        for one, two in _pairs(first, others):
            if is_layer:
                record.same(one, two)
            else:
                record.weakly(one, two, "template")


def _pairs(first: Sibling, others: list[Sibling]) -> Iterator[tuple[Node, Node]]:
    """Every dim of `first` with the dim at its place in each of `others`."""
    for other in others:
        for path, dims in first.items():
            yield from zip(dims, other[path], strict=True)


def _families(record: Record, params: Mapping[str, Dims]) -> Iterator[list[Sibling]]:
    """Siblings of one make: same parent, same name but for a number, same paths and shapes within."""
    below: dict[tuple[str, ...], Sibling] = defaultdict(dict)
    for path, dims in params.items():
        parts = path.split("/")
        for at, part in enumerate(parts):
            if _NUMBER.search(part):
                below[tuple(parts[: at + 1])]["/".join(parts[at + 1 :])] = dims
    families: dict[object, list[Sibling]] = defaultdict(list)
    for place, sibling in below.items():
        shapes = frozenset((path, tuple(map(record.size, dims))) for path, dims in sibling.items())
        for template in _templates(place[-1]):
            families[place[:-1], template, shapes].append(sibling)
    yield from (siblings for siblings in families.values() if len(siblings) > 1)


def _templates(name: str) -> Iterator[str]:
    """`name` with one of its numbers left open, each in turn."""
    for match in _NUMBER.finditer(name):
        yield f"{name[: match.start()]}#{name[match.end() :]}"


def _merges_dims_of_one_array(record: Record, siblings: list[Sibling]) -> bool:
    """Whether uniting the siblings would make two dims of one of their arrays one axis, which now are two."""
    merged: dict[int, int] = {}

    def find(node: int) -> int:
        node = record.axes.find(node)
        while merged.get(node, node) != node:
            node = merged[node]
        return node

    for one, two in _pairs(siblings[0], siblings[1:]):
        merged[find(one)] = find(two)
    arrays = [dims for sibling in siblings for dims in sibling.values()]
    return any(
        len({find(node) for node in dims}) < len({record.axes.find(node) for node in dims}) for dims in arrays
    )
