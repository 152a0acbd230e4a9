"""Names guessed from what an axis is used for."""

from collections.abc import Mapping

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import Node
from axisrules.infer.unify import AxisGraph


def guess_roles(graph: AxisGraph, named: Mapping[Node, LogicalAxis]) -> dict[Node, LogicalAxis]:
    """Layers: the dim of parameters that a scan steps along."""
    find = graph.record.axes.find
    return {find(node): LogicalAxis("layers") for node in graph.record.stacked if find(node) not in named}
