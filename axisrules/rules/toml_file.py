"""Rule tables as TOML: read with the line of every rule, written in one canonical form."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.rules.dump_training import training_entries
from axisrules.rules.parse import parse_rules
from axisrules.rules.rule import BASE, Rule, Scope
from axisrules.rules.table import RuleTable
from axisrules.rules.text_file import read_text
from axisrules.rules.toml_lines import MAX_NESTING, TomlPath, key_lines, toml_tokens, too_deep


def read_rules(path: str | Path) -> RuleTable:
    """The table in a TOML file, its rules knowing their lines.

    Raises AxisRulesError: AXR101 and AXR102 for a file that is none, AXR103 to AXR113 for its contents.
    """
    return rules_from_toml(read_text(Path(path)), file=str(path), name=Path(path).stem)


def rules_from_toml(text: str, *, file: str, name: str = "") -> RuleTable:
    """The table that `text` describes; `file` is what its origins say."""
    source, locate = parse_toml(text, file=file)
    return parse_rules(source, name=name, locate=locate)


def parse_toml(text: str, *, file: str) -> tuple[dict[str, object], Callable[[TomlPath], Origin]]:
    """The values of a TOML text, and a function from a key's path to the line where it stands.

    Raises AxisRulesError (AXR102) for what is no TOML.
    """
    tokens = toml_tokens(text)
    deep_line = too_deep(tokens)
    if deep_line:
        why = f"brackets or dotted keys nest deeper than {MAX_NESTING}"
        raise AxisRulesError([catalog.BAD_SYNTAX.at(Origin(file, deep_line), why=why)])
    source_lines = text.split("\n")  # TOML knows no other line break; `splitlines` would.
    try:
        source = tomllib.loads(text)
    except ValueError as error:  # Python refuses numbers of thousands of digits with a plain ValueError.
        line = _line_of(error, source_lines)
        raise AxisRulesError([catalog.BAD_SYNTAX.at(Origin(file, line), why=str(error))]) from None
    lines = key_lines(tokens)

    def locate(place: TomlPath) -> Origin:
        # Options inside an inline table have no entry of their own: their rule's line is theirs.
        while place and place not in lines:
            place = place[:-1]
        line = lines.get(place, 0)
        return Origin(file, line, source_lines[line - 1].strip() if line else "")

    return source, locate


def _line_of(error: ValueError, source_lines: list[str]) -> int:
    found = re.search(r"\(at line (\d+), column \d+\)", str(error))
    if found:
        return int(found[1])
    return len(source_lines) if "end of document" in str(error) else 0


def dump_rules(table: RuleTable) -> str:
    """The table as canonical TOML: reading it gives the same rules, in the same order.

    >>> print(dump_rules(parse_rules({"rules": {"embed": ["fsdp"], "norm": []}})), end="")
    [rules]
    embed = "fsdp"
    norm = []
    """
    return "\n".join(section for section in _sections(table) if section)


def _sections(table: RuleTable) -> Iterator[str]:
    head = [("name", table.name), ("doc", table.doc), ("mesh", table.mesh)]
    lines = [f"{key} = {_string(text)}\n" for key, text in head if text]
    if table.optional_mesh_axes:
        lines.append(f"optional_mesh_axes = {_strings(table.optional_mesh_axes)}\n")
    lines += [f"{key} = {value}\n" for key, value in training_entries(table)]
    by_scope: dict[Scope, list[Rule]] = {}
    for rule in table.rules:
        by_scope.setdefault(rule.scope, []).append(rule)
    base = _body(by_scope.pop(BASE, []))
    # A list of pairs is a value, not a table, so it must stand before the first header.
    if not base.is_table:
        lines.append(f"rules = {base.text}")
    yield "".join(lines)
    if table.declared_policies:
        yield "[policy]\n" + "".join(f"{k} = {_string(v)}\n" for k, v in table.declared_policies)
    if base.is_table and base.text:
        yield f"[rules]\n{base.text}"
    for parent in ("kind", "path"):
        bodies = {str(s): _body(r) for s, r in by_scope.items() if (s.path is None) == (parent == "kind")}
        if all(body.is_table for body in bodies.values()):
            yield from (f"[{parent}.{_bare(key)}]\n{body.text}" for key, body in bodies.items())
        else:
            yield f"[{parent}]\n" + "".join(f"{_bare(k)} = {b.as_pairs}" for k, b in bodies.items())


@dataclass(frozen=True, slots=True)
class _Body:
    """The entries of one scope, as a table of names or as a list of pairs where a name returns."""

    entries: tuple[tuple[str, str], ...]

    @property
    def is_table(self) -> bool:
        names = [name for name, _ in self.entries]
        return len(set(names)) == len(names)

    @property
    def text(self) -> str:
        if self.is_table:
            return "".join(f"{_bare(name)} = {value}\n" for name, value in self.entries)
        return self.as_pairs

    @property
    def as_pairs(self) -> str:
        pairs = (f"  [{_string(name)}, {value}],\n" for name, value in self.entries)
        return f"[\n{''.join(pairs)}]\n"


def _body(rules: list[Rule]) -> _Body:
    groups: list[list[Rule]] = []
    for rule in rules:
        if groups and _same_options(groups[-1][-1], rule):
            groups[-1].append(rule)
        else:
            groups.append([rule])
    return _Body(tuple((g[0].logical_axis, _value(g)) for g in groups))


def _same_options(a: Rule, b: Rule) -> bool:
    return a.logical_axis == b.logical_axis and _options(a) == _options(b)


def _options(rule: Rule) -> list[tuple[str, str]]:
    options = [("partial", "true")] if rule.partial else []
    named = [("uneven", rule.uneven), ("before", rule.before), ("after", rule.after), *rule.policies]
    return options + [(key, _string(value)) for key, value in named if value]


def _value(group: list[Rule]) -> str:
    targets = [_target(rule) for rule in group]
    options = _options(group[0])
    if len(targets) == 1 and not options:
        return targets[0]
    head = ("mesh", targets[0]) if len(targets) == 1 else ("any", f"[{', '.join(targets)}]")
    return "{ " + ", ".join(f"{key} = {value}" for key, value in [head, *options]) + " }"


def _target(rule: Rule) -> str:
    return _string(rule.mesh_axes[0]) if len(rule.mesh_axes) == 1 else _strings(rule.mesh_axes)


def _strings(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(map(_string, names)) + "]"


def _bare(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _string(key)


def _string(text: str) -> str:
    # JSON's escapes are TOML's too, except that TOML also wants DEL escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
