"""MaxText's `logical_axis_rules`: a YAML list of [name, mesh axes] pairs, read safely."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from axisrules.diagnostics import AxisRulesError, Origin, catalog, did_you_mean
from axisrules.rules.flax_rules import FLAX_POLICIES
from axisrules.rules.parse import parse_rules
from axisrules.rules.table import RuleTable
from axisrules.rules.text_file import check_nesting, read_text

KEY = "logical_axis_rules"


def read_maxtext_rules(path: str | Path) -> RuleTable:
    """The table of a MaxText configuration's `logical_axis_rules`, with the line of every rule.

    MaxText's meshes have many axes of size 1, so every mesh axis of the file is optional. Raises
    AxisRulesError: AXR101 and AXR102 for a bad file (a duplicate key too), AXR103 to AXR108 for its contents.
    """
    file = str(path)
    text = read_text(Path(path))
    check_nesting(text, file)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise AxisRulesError([catalog.BAD_SYNTAX.at(Origin(file), why=str(error))]) from None
    node = _rules_node(root, file)
    if not isinstance(node, yaml.SequenceNode):
        raise AxisRulesError([catalog.WRONG_TYPE.at(_origin(file, node), why=f"`{KEY}` wants a list of pairs")])
    lines = [pair.start_mark.line + 1 for pair in node.value]
    source_lines = text.splitlines()

    def locate(place: tuple[str | int, ...]) -> Origin:
        if len(place) > 1 and isinstance(place[1], int):
            line = lines[place[1]]
            return Origin(file, line, source_lines[line - 1].strip())
        return Origin(file)

    pairs = [_plain(pair) for pair in node.value]
    named = [mesh_axes for _, mesh_axes in (p for p in pairs if isinstance(p, list) and len(p) == 2)]
    optional = list(dict.fromkeys(axis for axes in named for axis in _names(axes)))
    source = {"policy": FLAX_POLICIES, "rules": pairs, "optional_mesh_axes": optional}
    return parse_rules(source, name=Path(path).stem, locate=locate)


def _rules_node(root: yaml.Node | None, file: str) -> yaml.Node:
    """The value of `logical_axis_rules`, or the whole file where it is a bare list."""
    if isinstance(root, yaml.SequenceNode):
        return root
    if not isinstance(root, yaml.MappingNode):
        raise AxisRulesError([catalog.WRONG_TYPE.at(Origin(file), why=f"no `{KEY}` in this file")])
    found: dict[str, yaml.Node] = {}
    for key, value in root.value:
        if str(key.value) in found:
            why = f"the key `{key.value}` is given twice"
            raise AxisRulesError([catalog.BAD_SYNTAX.at(_origin(file, key), why=why)])
        found[str(key.value)] = value
    if KEY not in found:
        why = f"no `{KEY}` in this file"
        raise AxisRulesError([catalog.UNKNOWN_KEY.at(Origin(file), why=why, fix=did_you_mean(KEY, found))])
    return found[KEY]


def _plain(node: yaml.Node) -> object:
    """Lists and scalars only: a name is the text that stands there, whatever YAML would make of it."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child) for child in node.value]
    if isinstance(node, yaml.ScalarNode):
        is_null = node.tag == "tag:yaml.org,2002:null"
        return [] if is_null else node.value
    return {}


def _names(mesh_axes: object) -> Iterator[str]:
    if isinstance(mesh_axes, str):
        yield mesh_axes
    elif isinstance(mesh_axes, list):
        yield from (axis for axis in mesh_axes if isinstance(axis, str))


def _origin(file: str, node: yaml.Node) -> Origin:
    return Origin(file, node.start_mark.line + 1)
