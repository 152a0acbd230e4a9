"""MaxText's `logical_axis_rules`: a YAML list of [name, mesh axes] pairs, read safely."""

import re
from dataclasses import replace
from pathlib import Path

import yaml

from axisrules.diagnostics import AxisRulesError, Diagnostic, Origin, catalog, did_you_mean, printable
from axisrules.rules.flax_rules import FLAX_POLICIES
from axisrules.rules.parse import parse_rules
from axisrules.rules.table import RuleTable
from axisrules.rules.text_file import read_text

KEY = "logical_axis_rules"
MAX_RULES = 100_000

_NULL = "tag:yaml.org,2002:null"
# What plain YAML 1.1 makes of what stands there; any other tag asks for a Python object.
_PLAIN_TAGS = {
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "bool", "int", "float", "timestamp", "seq", "map")
}


def read_maxtext_rules(path: str | Path) -> RuleTable:
    """The table of a MaxText configuration's `logical_axis_rules`, with the line of every rule.

    MaxText's meshes have many axes of size 1, so every mesh axis of the file is optional. Raises
    AxisRulesError: AXR101 and AXR102 for a bad file (a duplicate key too), AXR103 to AXR108 for its contents.
    """
    file, text = str(path), read_text(Path(path))
    node = _rules_node(_parsed(text, file), file)
    if not isinstance(node, yaml.SequenceNode):
        raise _error(catalog.WRONG_TYPE.at(_origin(file, node), why=f"`{KEY}` wants a list of pairs"))
    if len(node.value) > MAX_RULES:
        why = f"`{KEY}` has {len(node.value):,} entries; at most {MAX_RULES:,} are allowed"
        raise _error(catalog.WRONG_TYPE.at(_origin(file, node), why=why))
    source_lines = re.split("\r\n|[\r\n\x85\u2028\u2029]", text)  # the line breaks of YAML

    def locate(place: tuple[str | int, ...]) -> Origin:
        match place:
            case ("rules", int(index), *_):
                line = node.value[index].start_mark.line
                return Origin(file, line + 1, source_lines[line].strip())
        return Origin(file)

    made: dict[tuple[int, int], object] = {}
    pairs = [_plain(pair, file, made) for pair in node.value]
    table = parse_rules({"policy": FLAX_POLICIES, "rules": pairs}, name=Path(path).stem, locate=locate)
    return replace(table, optional_mesh_axes=table.mesh_axes)


def _parsed(text: str, file: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        why = ": ".join(filter(None, (error.context, error.problem)))
        raise _error(catalog.BAD_SYNTAX.at(Origin(file, line), why=why)) from None
    except yaml.YAMLError as error:
        raise _error(catalog.BAD_SYNTAX.at(Origin(file), why=str(error))) from None
    except RecursionError:
        raise _error(catalog.BAD_SYNTAX.at(Origin(file), why="lists nest too deeply")) from None


def _rules_node(root: yaml.Node | None, file: str) -> yaml.Node:
    """The value of `logical_axis_rules`, or the whole file where it is a bare list."""
    if isinstance(root, yaml.SequenceNode):
        return root
    if not isinstance(root, yaml.MappingNode):
        raise _error(catalog.WRONG_TYPE.at(Origin(file), why=f"no `{KEY}` in this file"))
    found: dict[str, yaml.Node] = {}
    for key, value in root.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name in found:
            why = f"the key `{printable(name)}` is given twice"
            raise _error(catalog.BAD_SYNTAX.at(_origin(file, key), why=why))
        found[name] = value
    if KEY not in found:
        why = f"no `{KEY}` in this file"
        raise _error(catalog.UNKNOWN_KEY.at(Origin(file), why=why, fix=did_you_mean(KEY, found)))
    return found[KEY]


def _plain(node: yaml.Node, file: str, made: dict[tuple[int, int], object], depth: int = 0) -> object:
    """Lists and scalars only: a name is the text that stands there, whatever YAML would make of it.

    An alias can make a list hold itself, or many times another: a pair holds a list at most, so what is
    deeper is left out, and `made` keeps each list at each depth, which is then made once.
    """
    if node.tag != _NULL and node.tag not in _PLAIN_TAGS:
        why = f"the tag `{printable(node.tag)}` is not allowed here"
        raise _error(catalog.BAD_SYNTAX.at(_origin(file, node), why=why))
    if isinstance(node, yaml.ScalarNode):
        return [] if node.tag == _NULL else node.value
    if not isinstance(node, yaml.SequenceNode) or depth == 2:
        return {}
    key = (id(node), depth)
    if key not in made:
        made[key] = [_plain(child, file, made, depth + 1) for child in node.value]
    return made[key]


def _origin(file: str, node: yaml.Node) -> Origin:
    return Origin(file, node.start_mark.line + 1)


def _error(diagnostic: Diagnostic) -> AxisRulesError:
    return AxisRulesError([diagnostic])
