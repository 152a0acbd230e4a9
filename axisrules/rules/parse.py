"""Plain values (from TOML, YAML or Python) into a RuleTable, every problem reported at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypedDict, TypeVar

from axisrules.axes import (
    LogicalAxis,
    MeshAxis,
    PathPattern,
    is_logical_axis_name,
    is_mesh_axis_name,
    name_problem,
)
from axisrules.diagnostics import (
    Diagnostic,
    Origin,
    Policy,
    catalog,
    did_you_mean,
    printable,
    raise_errors,
    shown_value,
)
from axisrules.rules.compose import flatten
from axisrules.rules.parse_memory import parse_accumulate, parse_remat
from axisrules.rules.parse_pipeline import parse_pipeline
from axisrules.rules.pipeline import PIPELINE_KEYS
from axisrules.rules.rule import BASE, KINDS, UNEVEN, Rule, Scope
from axisrules.rules.table import DEFAULT_POLICIES, POLICIES, RULE_POLICIES, RuleTable

Path = tuple[str | int, ...]
# `locate(("rules", "heads"))` is where a value stands; importers and files each bring their own.
Locate = Callable[[Path], Origin]
Choice = TypeVar("Choice", bound=str)

# How a step is run: values beside the rules, which may also be given without any rule.
TRAINING_KEYS = ("remat", "accumulate", *PIPELINE_KEYS)
TABLE_KEYS = ("name", "doc", "mesh", "optional_mesh_axes", "policy", "rules", "kind", "path", *TRAINING_KEYS)
RULE_KEYS = ("mesh", "any", "partial", "uneven", "before", "after", *RULE_POLICIES)
MAX_PATTERN = 512
MAX_MESH_AXES = 64


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


class Training(TypedDict, total=False):
    """How a step is run, as a table says it or a caller does; None says nothing."""

    remat: object
    accumulate: object
    schedule: object
    microbatches: object
    repeats: object
    split: object


def parse_training(source: Training) -> RuleTable:
    """A table without rules that holds how a step is run, to be put on top of another: `table | this`.

    `source` has some of the keys TRAINING_KEYS; None leaves what the other table says. Raises
    AxisRulesError: AXR103 for another key, AXR104 and AXR113 for a value that is none.
    """
    reader = _Reader(lambda path: Origin("<python>", 0, ".".join(map(str, path))), [])
    values: Mapping[object, object] = dict(source.items())
    reader.known_keys((), values, TRAINING_KEYS)
    table = reader.training(RuleTable(), values)
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
        # What says how a step is run is worth a table of its own, to compose with others.
        if not rules and not self.found and not any(key in source for key in TRAINING_KEYS):
            fix = "add a rule, such as `embed = []` under `[rules]`"
            self.found.append(catalog.EMPTY_TABLE.at(self.locate(()), fix=fix))
        table = RuleTable(
            # In canonical order already, so that a table equals what its own dump is read as.
            layers=(flatten((rules,)),),
            optional_mesh_axes=self.mesh_axes(("optional_mesh_axes",), source.get("optional_mesh_axes", []))
            or (),
            declared_policies=tuple(self.policies(("policy",), source.get("policy", {}))),
            name=self.text(("name",), source.get("name", name)),
            doc=self.text(("doc",), source.get("doc", "")),
            mesh=self.text(("mesh",), source.get("mesh", "")),
        )
        return self.training(table, source)

    def training(self, table: RuleTable, source: Mapping[object, object]) -> RuleTable:
        """`table` with what `source` says of how a step is run."""
        return replace(
            table,
            remat=parse_remat(self, source.get("remat")),
            accumulate=parse_accumulate(self, source.get("accumulate")),
            pipeline=parse_pipeline(self, source),
        )

    def all_rules(self, source: Mapping[object, object]) -> Iterator[Rule]:
        yield from self.scope(("rules",), source.get("rules", {}), BASE)
        for text, body in self.items(("kind",), source.get("kind", {})):
            kind = self.known(("kind", text), text, KINDS)
            if kind:
                yield from self.scope(("kind", text), body, Scope(kind=kind))
        for text, body in self.items(("path",), source.get("path", {})):
            scope = self.path_scope(text)
            if scope:
                yield from self.scope(("path", text), body, scope)

    def path_scope(self, text: str) -> Scope | None:
        """The scope of a glob, or of `kind:glob`."""
        before, colon, after = text.partition(":")
        kind = self.known(("path", text), before, KINDS) if colon else None
        if colon and not kind:
            return None
        glob = after if colon else text
        return Scope(kind, PathPattern(glob)) if self.is_pattern(("path", text), glob) else None

    def is_pattern(self, path: Path, glob: str) -> bool:
        problem = _pattern_problem(glob)
        if problem:
            self.found.append(catalog.BAD_PATTERN.at(self.locate(path), why=problem))
        return not problem

    def scope(self, path: Path, body: object, scope: Scope) -> Iterator[Rule]:
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

    def rules_of(self, path: Path, name: object, value: object, scope: Scope) -> Iterator[Rule]:
        """The alternatives of one logical axis, all under the same options."""
        if not is_logical_axis_name(name):
            self.found.append(catalog.BAD_LOGICAL_NAME.at(self.locate(path), why=name_problem(name)))
            return
        options: Mapping[object, object] = value if isinstance(value, Mapping) else {"mesh": value}
        self.known_keys(path, options, RULE_KEYS)
        if ("mesh" in options) == ("any" in options):
            self.wrong_type(path, value, "a rule with either `mesh` or `any`")
            return
        alternatives = options["any"] if "any" in options else [options["mesh"]]
        if not isinstance(alternatives, (list, tuple)) or not alternatives:
            self.wrong_type(path, alternatives, "a list of alternatives with at least one entry")
            return
        rule = Rule(
            name,
            (),
            scope,
            partial=self.flag(path, options.get("partial", False)),
            uneven=self.choice(path, options.get("uneven"), UNEVEN),
            policies=tuple(self.policies(path, {k: options[k] for k in RULE_POLICIES if k in options})),
            before=self.anchor(path, options.get("before")),
            after=self.anchor(path, options.get("after")),
            origin=self.locate(path),
        )
        if rule.before and rule.after:
            why = "a rule can stand before one rule or after one, not both"
            self.found.append(catalog.UNKNOWN_ANCHOR.at(rule.origin, why=why))
        for alternative in alternatives:
            mesh_axes = self.mesh_axes(path, alternative)
            if mesh_axes is not None:
                yield replace(rule, mesh_axes=mesh_axes)

    def mesh_axes(self, path: Path, value: object) -> tuple[MeshAxis, ...] | None:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)):
            self.wrong_type(path, value, "a mesh axis, a list of mesh axes, or [] to replicate")
            return None
        if len(names) > MAX_MESH_AXES:
            self.wrong_type(path, value, f"at most {MAX_MESH_AXES} mesh axes")
            return None
        good = [name for name in names if is_mesh_axis_name(name)]
        if len(good) < len(names):
            for name in names:
                if not is_mesh_axis_name(name):
                    found = catalog.BAD_RULE_MESH_NAME.at(self.locate(path), why=name_problem(name))
                    self.found.append(found)
            return None
        if len(set(good)) < len(good):
            why = f"{good} names a mesh axis twice, and a dim can be cut over it once"
            self.found.append(catalog.REPEATED_MESH_AXIS.at(self.locate(path), why=why))
            return None
        return tuple(good)

    def policies(self, path: Path, value: object) -> Iterator[tuple[str, Policy]]:
        for name, policy in self.items(path, value):
            chosen = self.choice((*path, name), policy, POLICIES)
            if self.known((*path, name), name, tuple(DEFAULT_POLICIES)) and chosen:
                yield name, chosen

    def anchor(self, path: Path, value: object) -> LogicalAxis | None:
        if value is None or is_logical_axis_name(value):
            return value
        self.found.append(catalog.BAD_LOGICAL_NAME.at(self.locate(path), why=name_problem(value)))
        return None

    def choice(self, path: Path, value: object, choices: tuple[Choice, ...]) -> Choice | None:
        chosen = next((choice for choice in choices if choice == value), None)
        if value is not None and chosen is None:
            self.wrong_type(path, value, "one of " + ", ".join(f"`{c}`" for c in choices))
        return chosen

    def flag(self, path: Path, value: object) -> bool:
        if not isinstance(value, bool):
            self.wrong_type(path, value, "true or false")
        return value is True

    def text(self, path: Path, value: object) -> str:
        if isinstance(value, str) and _is_utf8(value):
            return value
        self.wrong_type(path, value, "a string of text")
        return ""

    def items(self, path: Path, value: object) -> Iterable[tuple[str, object]]:
        if not isinstance(value, Mapping):
            self.wrong_type(path, value, "a table")
            return []
        entries = []
        for key, entry in value.items():
            if isinstance(key, str):
                entries.append((key, entry))
            else:
                self.wrong_type(path, key, "a table whose keys are text")
        return entries

    def known_keys(self, path: Path, value: Mapping[object, object], known: tuple[str, ...]) -> None:
        for key in map(str, value):
            self.known((*path, key), key, known)

    def known(self, path: Path, key: str, known: tuple[Choice, ...]) -> Choice | None:
        """`key` as one of `known`, or None and a finding."""
        found = next((name for name in known if name == key), None)
        if found is None:
            why = f"`{printable(key)}` is no key here"
            fix = did_you_mean(key, known)
            self.found.append(catalog.UNKNOWN_KEY.at(self.locate(path), why=why, fix=fix))
        return found

    def wrong_type(self, path: Path, value: object, wanted: str) -> None:
        why = f"{shown_value(value)} is a {type(value).__name__}; wanted {wanted}"
        subject = ".".join(map(str, path))
        self.found.append(catalog.WRONG_TYPE.at(self.locate(path), subject=subject, why=why))


def _is_utf8(text: str) -> bool:
    """Whether no half of a surrogate pair is in `text`: such a text cannot be written to a file."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _pattern_problem(glob: str) -> str:
    if not glob or not glob.strip("/"):
        return "the pattern is empty"
    if not _is_utf8(glob):
        return f"{glob!a} is no Unicode text"
    if len(glob) > MAX_PATTERN:
        return f"the pattern has {len(glob)} characters; at most {MAX_PATTERN} are allowed"
    if any(part == "" for part in glob.split("/")):
        return f"`{printable(glob)}` has an empty part; paths are written `decoder/mlp/kernel`"
    if any("**" in part and part != "**" for part in glob.split("/")):
        return "`**` stands for whole parts of a path: write `decoder/**/kernel`"
    return ""
