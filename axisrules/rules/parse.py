"""Plain values (from TOML, YAML or Python) into a RuleTable, every problem reported at once."""

import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from axisrules.axes import (
    LogicalAxis,
    MeshAxis,
    PathPattern,
    is_logical_axis_name,
    is_mesh_axis_name,
    name_problem,
)
from axisrules.diagnostics import Diagnostic, Origin, catalog, did_you_mean, raise_errors
from axisrules.rules.table import (
    BASE,
    DEFAULT_POLICIES,
    KINDS,
    RULE_POLICIES,
    UNEVEN,
    Rule,
    RuleTable,
    Scope,
)

# `Locate(("rules", "heads"))` is where a value stands; importers and files each bring their own.
Locate = Callable[[tuple[str | int, ...]], Origin]

TABLE_KEYS = ("name", "doc", "mesh", "optional_mesh_axes", "policy", "rules", "kind", "path")
POLICY_VALUES = ("error", "warn", "allow")
RULE_KEYS = ("mesh", "any", "partial", "uneven", "before", "after", *RULE_POLICIES)
MAX_PATTERN = 512


def parse_rules(source: object, *, name: str = "", locate: Locate | None = None) -> RuleTable:
    """The table that `source` describes: a mapping with the keys of a TOML rule table.

    Raises AxisRulesError with every problem found (AXR103-AXR108, AXR112, AXR113).

    >>> parse_rules({"rules": {"embed": [], "heads": "tensor"}}).mesh_axes
    ('tensor',)
    """
    origin = Origin(name or "<python>")
    reader = _Reader(locate or (lambda path: Origin(origin.file, 0, ".".join(map(str, path)))), [])
    table = reader.table(source, name)
    raise_errors(reader.found)
    return table


@dataclass
class _Reader:
    """Walks the values, collecting rules and findings instead of stopping at the first."""

    locate: Locate
    found: list[Diagnostic]

    def table(self, source: object, name: str) -> RuleTable:
        if not isinstance(source, Mapping):
            self.wrong_type((), source, "a table of rules")
            return RuleTable()
        self.known_keys((), source, TABLE_KEYS)
        rules = tuple(self.all_rules(source))
        if not rules and not self.found:
            fix = "add a rule, such as `embed = []` under `[rules]`"
            self.found.append(catalog.EMPTY_TABLE.at(self.locate(()), fix=fix))
        self.check_anchors(rules)
        return RuleTable(
            layers=(rules,),
            optional_mesh_axes=tuple(self.optional_mesh_axes(source.get("optional_mesh_axes", []))),
            declared_policies=tuple(self.policies(("policy",), source.get("policy", {}))),
            name=self.text(("name",), source.get("name", name)),
            doc=self.text(("doc",), source.get("doc", "")),
            mesh=self.text(("mesh",), source.get("mesh", "")),
        )

    def all_rules(self, source: Mapping[str, Any]) -> Iterator[Rule]:
        yield from self.scope(("rules",), source.get("rules", {}), BASE)
        for kind, body in self.items(("kind",), source.get("kind", {})):
            if kind in KINDS:
                yield from self.scope(("kind", kind), body, Scope(kind=kind))
            else:
                self.unknown_key(("kind", kind), kind, KINDS)
        for text, body in self.items(("path",), source.get("path", {})):
            scope = self.path_scope(text)
            if scope:
                yield from self.scope(("path", text), body, scope)

    def path_scope(self, text: str) -> Scope | None:
        kind, colon, glob = text.partition(":")
        if colon and kind not in KINDS:
            self.unknown_key(("path", text), kind, KINDS)
            return None
        glob = glob if colon else text
        problem = _pattern_problem(glob)
        if problem:
            self.found.append(catalog.BAD_PATTERN.at(self.locate(("path", text)), why=problem))
            return None
        return Scope(kind=next((k for k in KINDS if colon and k == kind), None), path=PathPattern(glob))

    def scope(self, path: tuple[str | int, ...], body: object, scope: Scope) -> Iterator[Rule]:
        """The rules of one scope: a table of names, or a list of pairs where a name returns."""
        if isinstance(body, list):
            for i, pair in enumerate(body):
                if isinstance(pair, (list, tuple)) and len(pair) == 2:
                    yield from self.rules_of((*path, i), pair[0], pair[1], scope)
                else:
                    self.wrong_type((*path, i), pair, "a pair of a logical axis and its mesh axes")
            return
        for name, value in self.items(path, body):
            yield from self.rules_of((*path, name), name, value, scope)

    def rules_of(
        self, path: tuple[str | int, ...], name: object, value: object, scope: Scope
    ) -> Iterator[Rule]:
        if not is_logical_axis_name(name):
            self.found.append(catalog.BAD_LOGICAL_NAME.at(self.locate(path), why=name_problem(name)))
            return
        options = value if isinstance(value, Mapping) else {"mesh": value}
        self.known_keys(path, options, RULE_KEYS)
        if ("mesh" in options) == ("any" in options):
            self.wrong_type(path, value, "a rule with either `mesh` or `any`")
            return
        alternatives = options["any"] if "any" in options else [options["mesh"]]
        if not isinstance(alternatives, (list, tuple)) or not alternatives:
            self.wrong_type(path, alternatives, "a list of alternatives with at least one entry")
            return
        for alternative in alternatives:
            mesh_axes = self.mesh_axes(path, alternative)
            if mesh_axes is not None:
                yield Rule(
                    LogicalAxis(str(name)),
                    mesh_axes,
                    scope,
                    partial=self.flag(path, options.get("partial", False)),
                    uneven=self.choice(path, options.get("uneven"), UNEVEN),
                    policies=tuple(
                        self.policies(path, {k: options[k] for k in RULE_POLICIES if k in options})
                    ),
                    before=self.anchor(path, options.get("before")),
                    after=self.anchor(path, options.get("after")),
                    origin=self.locate(path),
                )

    def mesh_axes(self, path: tuple[str | int, ...], value: object) -> tuple[MeshAxis, ...] | None:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)):
            self.wrong_type(path, value, "a mesh axis, a list of mesh axes, or [] to replicate")
            return None
        bad = [name for name in names if not is_mesh_axis_name(name)]
        for name in bad:
            self.found.append(catalog.BAD_RULE_MESH_NAME.at(self.locate(path), why=name_problem(name)))
        if bad:
            return None
        if len(set(names)) < len(names):
            why = f"{list(names)} names a mesh axis twice, and a dim can be cut over it once"
            self.found.append(catalog.REPEATED_MESH_AXIS.at(self.locate(path), why=why))
            return None
        return tuple(MeshAxis(name) for name in names)

    def optional_mesh_axes(self, value: object) -> Iterator[MeshAxis]:
        names = self.mesh_axes(("optional_mesh_axes",), value)
        yield from names or ()

    def policies(self, path: tuple[str | int, ...], value: object) -> Iterator[tuple[str, Any]]:
        for name, policy in self.items(path, value):
            if name not in DEFAULT_POLICIES:
                self.unknown_key((*path, name), name, DEFAULT_POLICIES)
            elif self.choice((*path, name), policy, POLICY_VALUES):
                yield name, policy

    def check_anchors(self, rules: tuple[Rule, ...]) -> None:
        for rule in rules:
            if rule.before and rule.after:
                why = "a rule can stand before one rule or after one, not both"
                self.found.append(catalog.UNKNOWN_ANCHOR.at(rule.origin, why=why))

    def anchor(self, path: tuple[str | int, ...], value: object) -> LogicalAxis | None:
        if value is None:
            return None
        if not is_logical_axis_name(value):
            self.found.append(catalog.BAD_LOGICAL_NAME.at(self.locate(path), why=name_problem(value)))
            return None
        return LogicalAxis(str(value))

    def choice(self, path: tuple[str | int, ...], value: object, choices: tuple[str, ...]) -> Any:
        if value is None or (isinstance(value, str) and value in choices):
            return value
        self.wrong_type(path, value, "one of " + ", ".join(f"`{c}`" for c in choices))
        return None

    def flag(self, path: tuple[str | int, ...], value: object) -> bool:
        if not isinstance(value, bool):
            self.wrong_type(path, value, "true or false")
        return value is True

    def text(self, path: tuple[str | int, ...], value: object) -> str:
        if not isinstance(value, str):
            self.wrong_type(path, value, "a string")
            return ""
        return value

    def items(self, path: tuple[str | int, ...], value: object) -> Iterable[tuple[str, Any]]:
        if not isinstance(value, Mapping):
            self.wrong_type(path, value, "a table")
            return []
        return [(str(key), entry) for key, entry in value.items()]

    def known_keys(
        self, path: tuple[str | int, ...], value: Mapping[Any, Any], known: Iterable[str]
    ) -> None:
        for key in value:
            if key not in known:
                self.unknown_key((*path, str(key)), str(key), known)

    def unknown_key(self, path: tuple[str | int, ...], key: str, known: Iterable[str]) -> None:
        origin, fix = self.locate(path), did_you_mean(key, known)
        self.found.append(catalog.UNKNOWN_KEY.at(origin, why=f"`{key}` is no key here", fix=fix))

    def wrong_type(self, path: tuple[str | int, ...], value: object, wanted: str) -> None:
        why = f"{reprlib.repr(value)} is a {type(value).__name__}; wanted {wanted}"
        subject = ".".join(map(str, path))
        self.found.append(catalog.WRONG_TYPE.at(self.locate(path), subject=subject, why=why))


def _pattern_problem(glob: str) -> str:
    if not glob or not glob.strip("/"):
        return "the pattern is empty"
    if len(glob) > MAX_PATTERN:
        return f"the pattern has {len(glob)} characters; at most {MAX_PATTERN} are allowed"
    if any(part == "" for part in glob.split("/")):
        return f"`{glob}` has an empty part; paths are written `decoder/mlp/kernel`"
    if any("**" in part and part != "**" for part in glob.split("/")):
        return "`**` stands for whole parts of a path: write `decoder/**/kernel`"
    return ""
