"""What the machine offers: meshes by name and size, known without any device."""

from axisrules.mesh.spec import WILDCARD, AxisType, MeshSpec, parse_mesh

__all__ = ["WILDCARD", "AxisType", "MeshSpec", "parse_mesh"]
