"""What the machine offers: meshes by name and size, chips and targets, known without any device."""

from axisrules.mesh.chips import Basis, Chip, ChipFigure, ChipPlatform, SliceShapes, known_chips, load_chip
from axisrules.mesh.spec import WILDCARD, AxisType, MeshSpec, parse_mesh
from axisrules.mesh.target import Platform, Target, parse_target
from axisrules.mesh.topology import near_topologies, offered_topologies

__all__ = [
    "WILDCARD",
    "AxisType",
    "Basis",
    "Chip",
    "ChipFigure",
    "ChipPlatform",
    "MeshSpec",
    "Platform",
    "SliceShapes",
    "Target",
    "known_chips",
    "load_chip",
    "near_topologies",
    "offered_topologies",
    "parse_mesh",
    "parse_target",
]
