"""What the user wants: rule tables, their files, their importers and the shipped presets."""

from axisrules.rules.flax_rules import from_flax_rules
from axisrules.rules.maxtext_yaml import read_maxtext_rules
from axisrules.rules.parse import parse_rules
from axisrules.rules.presets import load_rules, preset_names, preset_text
from axisrules.rules.table import (
    DEFAULT_POLICIES,
    INHERITS,
    KINDS,
    Kind,
    Rule,
    RuleTable,
    Scope,
)
from axisrules.rules.toml_file import dump_rules, read_rules

__all__ = [
    "DEFAULT_POLICIES",
    "INHERITS",
    "KINDS",
    "Kind",
    "Rule",
    "RuleTable",
    "Scope",
    "dump_rules",
    "from_flax_rules",
    "load_rules",
    "parse_rules",
    "preset_names",
    "preset_text",
    "read_maxtext_rules",
    "read_rules",
]
