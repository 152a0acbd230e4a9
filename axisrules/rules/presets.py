"""The tables that axisrules ships, and one way to name any table."""

from importlib.resources import files
from pathlib import Path

from axisrules.diagnostics import AxisRulesError, Origin, catalog, did_you_mean
from axisrules.rules.table import RuleTable
from axisrules.rules.toml_file import read_rules, rules_from_toml


def preset_names() -> tuple[str, ...]:
    """The names of the shipped tables, sorted."""
    folder = files(__package__) / "presets"
    return tuple(sorted(e.name.removesuffix(".toml") for e in folder.iterdir() if e.name.endswith(".toml")))


def preset_text(name: str) -> str:
    """The TOML of a shipped table, comments and all; AXR111 for an unknown name."""
    if name not in preset_names():
        fix = did_you_mean(name, preset_names()) + "; a file needs its suffix: my_rules.toml"
        raise AxisRulesError([catalog.UNKNOWN_TABLE.at(Origin(name), fix=fix)])
    return (files(__package__) / "presets" / f"{name}.toml").read_text(encoding="utf-8")


def load_rules(source: "str | Path | RuleTable") -> RuleTable:
    """The table of a preset's name, a `.toml` file, or several of them composed: `fsdp+mine.toml`.

    Raises AxisRulesError: AXR101 and AXR102 for a bad file, AXR103 to AXR113 for its contents,
    AXR111 for an unknown name.

    >>> load_rules("tp").name
    'tp'
    """
    if isinstance(source, RuleTable):
        return source
    if not isinstance(source, (str, Path)):
        why = f"{type(source).__name__} is no table; give a preset's name, a path or a RuleTable"
        raise AxisRulesError([catalog.UNKNOWN_TABLE.at(why=why)])
    if isinstance(source, Path) or source.endswith(".toml") and "+" not in source:
        return read_rules(source)
    table: RuleTable | None = None
    for part in source.split("+"):
        layer = read_rules(part) if part.endswith(".toml") else _preset(part)
        table = layer if table is None else table | layer
    assert table is not None, "split gives at least one part"
    return table


def _preset(name: str) -> RuleTable:
    return rules_from_toml(preset_text(name), file=f"{name}.toml (preset)", name=name)
