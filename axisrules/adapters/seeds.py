"""What a user knows of a model's axes: a handful of names by path, as values and as a small TOML file."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from axisrules.adapters.own_constraints import Choice
from axisrules.axes import AxisNames, PathPattern, is_logical_axis_name, name_problem, parse_axis_names
from axisrules.diagnostics import AxisRulesError, Diagnostic, Origin, catalog, did_you_mean, shown_value
from axisrules.rules import parse_toml, read_text

Section = Literal["batch", "params", "state", "activations"]
Annotations = Literal["ignore", "verify", "translate"]
Locate = Callable[[tuple[str | int, ...]], Origin]

SECTIONS: tuple[Section, ...] = get_args(Section)
CHOICES = {"annotations": get_args(Annotations), "constraints": get_args(Choice)}
KEYS = (*SECTIONS, *CHOICES, "confirm", "translate")


@dataclass(frozen=True, slots=True)
class PathSeed:
    """Names for every array of a section whose path matches; None leaves a dim to inference."""

    section: Section
    pattern: PathPattern
    names: AxisNames
    origin: Origin


@dataclass(frozen=True, slots=True)
class Seeds:
    """What is known of a model's axes, and what is to become of the names that its source has already.

    `confirmed` are logical axes that parameters may be sharded by even where the name is weak or a guess.
    `annotations` says whether the model's own are ignored, verified (reported where the computation
    contradicts them) or translated into seeds by `translation`; `constraints` whether the activations
    that its own source constrains keep that layout.
    """

    paths: tuple[PathSeed, ...] = ()
    confirmed: tuple[tuple[str, Origin], ...] = ()
    annotations: Annotations = "ignore"
    constraints: Choice = "drop"
    translation: tuple[tuple[str, str], ...] = ()

    def with_paths(self, *more: PathSeed) -> "Seeds":
        """The same and `more`, which are the last in line."""
        return replace(self, paths=(*self.paths, *more))

    def of(self, section: Section) -> tuple[PathSeed, ...]:
        """The seeds of one section."""
        return tuple(seed for seed in self.paths if seed.section == section)


def load_seeds(source: object) -> Seeds:
    """Seeds from a TOML file's path, from a mapping of the same form, or as they are; None is no seeds.

    Raises AxisRulesError: AXR101 and AXR102 for a file that is none, AXR320 and AXR306 for its contents.
    """
    if source is None:
        return Seeds()
    if isinstance(source, Seeds):
        return source
    if isinstance(source, Mapping):
        return parse_seeds(source, lambda place: Origin("seeds", text=".".join(map(str, place))))
    if isinstance(source, str | Path):
        values, locate = parse_toml(read_text(Path(source)), file=str(source))
        return parse_seeds(values, locate)
    why = f"{shown_value(source)} is a {type(source).__name__}"
    fix = 'give a file, or a mapping: {"params": {"**/embedding": "vocab embed"}}'
    raise AxisRulesError([catalog.BAD_SEEDS.at(why=why, fix=fix)])


def parse_seeds(source: Mapping[str, Any], locate: Locate) -> Seeds:
    """Seeds from nested mappings in the form of the TOML file; `locate` gives a key's line.

    Raises AxisRulesError with everything found: AXR320 for a key or a value that makes no sense,
    AXR306 for a name that is none.
    """
    parser = _Parser(locate, [])
    seeds = parser.seeds(source)
    if parser.found:
        raise AxisRulesError(parser.found)
    return seeds


def dump_seeds(seeds: Seeds) -> str:
    """The seeds as TOML: reading it gives the same ones.

    >>> print(dump_seeds(load_seeds({"params": {"**/embedding": "vocab embed"}})), end="")
    [params]
    "**/embedding" = "vocab embed"
    """
    plain = Seeds()
    head = [f"{key} = {_quoted(getattr(seeds, key))}\n" for key in CHOICES if _differs(seeds, plain, key)]
    if seeds.confirmed:
        head.append(f"confirm = [{', '.join(_quoted(name) for name, _ in seeds.confirmed)}]\n")
    tables = [("translate", [(name, own) for name, own in seeds.translation])]
    tables += [(s, [(p.pattern.glob, spelt(p.names)) for p in seeds.of(s)]) for s in SECTIONS]
    parts = ["".join(head)]
    for title, entries in tables:
        lines = "".join(f"{_quoted(key)} = {_quoted(value)}\n" for key, value in entries)
        parts.append(f"[{title}]\n{lines}" if lines else "")
    return "\n".join(part for part in parts if part)


def spelt(names: AxisNames) -> str:
    """Names as a string: `_` for a dim without one."""
    return " ".join(name or "_" for name in names)


@dataclass(frozen=True)
class _Parser:
    locate: Locate
    found: list[Diagnostic]

    def seeds(self, source: Mapping[str, Any]) -> Seeds:
        for key in source:
            if key not in KEYS:
                self.refuse((key,), f"there is no key `{key}`", did_you_mean(str(key), KEYS))
        paths = [seed for section in SECTIONS for seed in self.section(section, source.get(section, {}))]
        options = {key: self.choice(key, source[key]) for key in CHOICES if key in source}
        return Seeds(
            tuple(paths),
            tuple(self.confirmed(source.get("confirm", []))),
            translation=tuple(self.translation(source.get("translate", {}))),
            **options,
        )

    def section(self, section: Section, entries: Any) -> list[PathSeed]:
        seeds = []
        for pattern, names in self.table(section, entries).items():
            place = (section, pattern)
            try:
                parsed = parse_axis_names(self.spelling(names))
            except (TypeError, ValueError) as error:
                fix = 'one name per dim, `_` where you know none: "_ embed"'
                self.found.append(catalog.BAD_ANNOTATION.at(self.locate(place), why=str(error), fix=fix))
                continue
            seeds.append(PathSeed(section, PathPattern(str(pattern)), parsed, self.locate(place)))
        return seeds

    def spelling(self, names: Any) -> Any:
        if isinstance(names, str | list | tuple):
            return names
        raise TypeError(f"{shown_value(names)} is neither a text nor a list of names")

    def choice(self, key: str, value: Any) -> Any:
        if value not in CHOICES[key]:
            known = ", ".join(CHOICES[key])
            self.refuse((key,), f"{shown_value(value)} is none of {known}", f"choose one of {known}")
        return value

    def confirmed(self, names: Any) -> list[tuple[str, Origin]]:
        if not isinstance(names, list | tuple):
            self.refuse(("confirm",), f"{shown_value(names)} is no list", 'confirm = ["heads"]')
            return []
        for name in names:
            if not is_logical_axis_name(name):
                self.refuse(("confirm",), name_problem(name), "name logical axes")
        return [(str(name), self.locate(("confirm",))) for name in names]

    def translation(self, entries: Any) -> list[tuple[str, str]]:
        table = self.table("translate", entries)
        for name, own in table.items():
            if own != "_" and not is_logical_axis_name(own):
                self.refuse(("translate", name), name_problem(own), "give a logical axis, or `_` for none")
        return [(str(name), str(own)) for name, own in table.items()]

    def table(self, key: str, entries: Any) -> Mapping[str, Any]:
        if isinstance(entries, Mapping):
            return entries
        self.refuse((key,), f"{shown_value(entries)} is no table", f"write [{key}] and one entry per line")
        return {}

    def refuse(self, place: tuple[str | int, ...], why: str, fix: str) -> None:
        self.found.append(catalog.BAD_SEEDS.at(self.locate(place), why=why, fix=fix))


def _differs(seeds: Seeds, plain: Seeds, key: str) -> bool:
    return bool(getattr(seeds, key) != getattr(plain, key))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
