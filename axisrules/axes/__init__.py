"""What a tensor means: logical axis names, and the path patterns that pick leaves."""

from axisrules.axes.names import (
    AxisNames,
    LogicalAxis,
    MeshAxis,
    is_logical_axis_name,
    is_mesh_axis_name,
    name_problem,
    parse_axis_names,
)
from axisrules.axes.patterns import PathPattern, PatternSet

__all__ = [
    "AxisNames",
    "LogicalAxis",
    "MeshAxis",
    "PathPattern",
    "PatternSet",
    "is_logical_axis_name",
    "is_mesh_axis_name",
    "name_problem",
    "parse_axis_names",
]
