"""Layers of one make: parameters whose paths differ in one number are the same axes, dim by dim.

`layers_0/mlp/kernel` and `layers_1/mlp/kernel` belong to siblings, `layers_0` and `layers_1`, that share
most of their paths, with the same shapes. A number alone proves little: Dense_0 and Dense_1 of a
perceptron are no layers of one make. Siblings are one template where each holds two matrices or more, and
where uniting them would not make two dims of one array one axis.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from axisrules.infer.axis_union import Node
from axisrules.infer.record import TEMPLATE, Dims, Record

_NUMBER = re.compile(r"\d+")
MOST = 0.6  # of the arrays of the fullest sibling
Sibling = dict[str, Dims]  # dims by the path below the sibling


def link_layers(record: Record, params: Mapping[str, Dims]) -> None:
    """Unite the dims of parameters at one place in layers of one make."""
    record.reason = TEMPLATE
    for siblings in _families(record, params):
        matrices = sum(len(dims) > 1 for dims in siblings[0].values())
        if matrices > 1 and not _merges_dims_of_one_array(record, siblings):
            for one, two in _pairs(siblings[0], siblings[1:]):
                record.same(one, two)


def _pairs(first: Sibling, others: list[Sibling]) -> Iterator[tuple[Node, Node]]:
    """Every dim of `first` with the dim at its place in each of `others`."""
    for other in others:
        for path, dims in first.items():
            yield from zip(dims, other.get(path, dims), strict=True)


def _families(record: Record, params: Mapping[str, Dims]) -> Iterator[list[Sibling]]:
    """Siblings of one make: same parent, same name but for a number, and alike within."""
    below: dict[tuple[str, ...], Sibling] = defaultdict(dict)
    for path, dims in params.items():
        parts = path.split("/")
        for at, part in enumerate(parts):
            if _NUMBER.search(part):
                below[tuple(parts[: at + 1])]["/".join(parts[at + 1 :])] = dims
    namesakes: dict[tuple[object, str], list[Sibling]] = defaultdict(list)
    for place, sibling in below.items():
        for template in _templates(place[-1]):
            namesakes[place[:-1], template].append(sibling)
    for siblings in namesakes.values():
        yield from (family for family in _alike(record, siblings) if len(family) > 1)


def _alike(record: Record, siblings: list[Sibling]) -> list[list[Sibling]]:
    """Siblings in families, the fullest one first in each: the others share most of their arrays with it.

    A first layer may have an array more than the rest. No shared path may differ in shape.
    """
    families: list[list[Sibling]] = []
    for sibling in sorted(siblings, key=len, reverse=True):
        for family in families:
            shared = sibling.keys() & family[0].keys()
            alike = all(_shape(record, sibling[path]) == _shape(record, family[0][path]) for path in shared)
            if alike and len(shared) > MOST * len(family[0]):
                family.append(sibling)
                break
        else:
            families.append([sibling])
    return families


def _shape(record: Record, dims: Dims) -> tuple[int, ...]:
    return tuple([record.size(node) for node in dims])


def _templates(name: str) -> Iterator[str]:
    """`name` with one of its numbers left open, each in turn."""
    for match in _NUMBER.finditer(name):
        yield f"{name[: match.start()]}#{name[match.end() :]}"


def _merges_dims_of_one_array(record: Record, siblings: list[Sibling]) -> bool:
    """Whether uniting the siblings would make two dims of one of their arrays one axis, which now are two."""
    merged: dict[int, int] = {}

    def find(node: int) -> int:
        node = record.axes.find(node)
        while node in merged:
            node = merged[node]
        return node

    for one, two in _pairs(siblings[0], siblings[1:]):
        if find(one) != find(two):
            merged[find(one)] = find(two)
    for dims in (dims for sibling in siblings for dims in sibling.values()):
        roots = {record.axes.find(node) for node in dims}
        if len(set(map(find, roots))) < len(roots):
            return True
    return False
