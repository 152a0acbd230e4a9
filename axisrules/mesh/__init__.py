"""What the machine offers: meshes by name and size, and chips, known without any device."""

from axisrules.mesh.chips import Chip, known_chips, load_chip
from axisrules.mesh.spec import WILDCARD, AxisType, MeshSpec, parse_mesh

__all__ = ["WILDCARD", "AxisType", "Chip", "MeshSpec", "known_chips", "load_chip", "parse_mesh"]
