"""What the user wants: rule tables, their files, their importers and the shipped presets."""

from typing import TYPE_CHECKING

from axisrules.rules.dump_training import training_entries
from axisrules.rules.flax_rules import from_flax_rules
from axisrules.rules.parse import TRAINING_KEYS, Training, parse_rules, parse_training
from axisrules.rules.pipeline import STAGED_AXES, PipelineRules
from axisrules.rules.presets import load_rules, preset_names, preset_text
from axisrules.rules.remat import LAYERS, NAMED_REMATS, NO_REMAT, Accumulate, Remat, named_remat
from axisrules.rules.rule import INHERITS, KINDS, Kind, Rule, Scope
from axisrules.rules.table import DEFAULT_POLICIES, RuleTable
from axisrules.rules.text_file import read_text
from axisrules.rules.toml_file import dump_rules, parse_toml, read_rules

if TYPE_CHECKING:
    from axisrules.rules.maxtext_yaml import read_maxtext_rules

__all__ = [
    "DEFAULT_POLICIES",
    "INHERITS",
    "KINDS",
    "LAYERS",
    "NAMED_REMATS",
    "NO_REMAT",
    "STAGED_AXES",
    "TRAINING_KEYS",
    "Accumulate",
    "Kind",
    "PipelineRules",
    "Remat",
    "Rule",
    "RuleTable",
    "Scope",
    "Training",
    "dump_rules",
    "from_flax_rules",
    "load_rules",
    "named_remat",
    "parse_rules",
    "parse_toml",
    "parse_training",
    "preset_names",
    "preset_text",
    "read_maxtext_rules",
    "read_rules",
    "read_text",
    "training_entries",
]


def __getattr__(name: str) -> object:
    """The YAML importer on first use: few tables need the YAML library, which is slow to import."""
    if name == "read_maxtext_rules":
        from axisrules.rules.maxtext_yaml import read_maxtext_rules  # noqa: PLC0415

        return read_maxtext_rules
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
