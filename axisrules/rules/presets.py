"""The tables that axisrules ships, and one way to name any table."""

from functools import cache
from pathlib import Path

from axisrules.diagnostics import AxisRulesError, catalog, did_you_mean, shown_value
from axisrules.rules.table import RuleTable
from axisrules.rules.toml_file import read_rules, rules_from_toml

FOLDER = Path(__file__).parent / "presets"


@cache
def preset_names() -> tuple[str, ...]:
    """The names of the shipped tables, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def preset_text(name: str) -> str:
    """The TOML of a shipped table, comments and all; AXR111 for an unknown name."""
    if name not in preset_names():
        why = f"{shown_value(name)} is neither a preset nor a file that ends in .toml, .yml or .yaml"
        fix = did_you_mean(name, preset_names())
        raise AxisRulesError([catalog.UNKNOWN_TABLE.at(why=why, fix=fix)])
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def load_rules(source: str | Path | RuleTable) -> RuleTable:
    """The table of a preset's name, of a TOML or MaxText YAML file, or several of them joined by `+`.

    In `fsdp+mine.toml` the right side is put on top of the left, as `|` does. Raises AxisRulesError:
    AXR101 and AXR102 for a bad file, AXR103 to AXR108, AXR112 and AXR113 for its contents,
    AXR111 for an unknown name.

    >>> load_rules("tp").name
    'tp'
    """
    if isinstance(source, RuleTable):
        return source
    if not isinstance(source, (str, Path)):
        raise AxisRulesError([catalog.UNKNOWN_TABLE.at(why=_no_table(source))])
    if isinstance(source, Path) or _is_one_file(source):
        return _read(Path(source))
    first, *others = source.split("+")
    table = _read_part(first)
    for other in others:
        table |= _read_part(other)
    return table


def _is_one_file(source: str) -> bool:
    """A `+` may stand in the name of a folder too."""
    return Path(source).suffix in (".toml", ".yml", ".yaml") and ("+" not in source or Path(source).is_file())


def _read_part(source: str) -> RuleTable:
    if Path(source).suffix:
        return _read(Path(source))
    return rules_from_toml(preset_text(source), file=f"{source}.toml (preset)", name=source)


def _read(path: Path) -> RuleTable:
    if path.suffix in (".yml", ".yaml"):
        from axisrules.rules import read_maxtext_rules  # noqa: PLC0415  (slow to import)

        return read_maxtext_rules(path)
    return read_rules(path)


def _no_table(source: object) -> str:
    return f"{shown_value(source)} is a {type(source).__name__}; give a preset's name, a path or a RuleTable"
