"""Colours that tell mesh axes and blocks apart, for those who see them; nothing is said by colour alone."""

from axisrules.axes import MeshAxis
from axisrules.mesh import MeshSpec

# The terminal's own colours, which its user has chosen to be legible.
MESH_AXIS_STYLES = ("cyan", "magenta", "green", "yellow", "blue", "red")
# Light backgrounds that carry black text, neighbours far apart in hue.
BLOCK_STYLES = tuple(f"black on color({number})" for number in (117, 222, 157, 218, 147, 216, 195, 187))
SEVERITY_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}

# Hues in degrees; HTML makes them pale or strong to suit a light or a dark page.
MESH_AXIS_HUES = (190, 300, 130, 45, 220, 0)
BLOCK_HUES = (205, 40, 120, 330, 255, 20, 180, 75)


def mesh_axis_style(mesh_axis: MeshAxis, mesh: MeshSpec) -> str:
    """The terminal style of a mesh axis: by its place in the mesh, so that one plan shows it alike."""
    return MESH_AXIS_STYLES[_place(mesh_axis, mesh) % len(MESH_AXIS_STYLES)]


def mesh_axis_hue(mesh_axis: MeshAxis, mesh: MeshSpec) -> int:
    """The hue of a mesh axis in HTML, in degrees."""
    return MESH_AXIS_HUES[_place(mesh_axis, mesh) % len(MESH_AXIS_HUES)]


def _place(mesh_axis: MeshAxis, mesh: MeshSpec) -> int:
    return [name for name, _ in mesh.sizes].index(mesh_axis)
