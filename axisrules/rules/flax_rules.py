"""Flax's rule lists, `[("embed", "fsdp"), ("heads", ("data", "tensor")), ("mlp", None)]`, as tables."""

from collections.abc import Sequence

from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.rules.parse import parse_rules
from axisrules.rules.table import RuleTable

# Flax passes over these without a word; an imported table gives the same specs and keeps a note.
FLAX_POLICIES = {"unknown_logical_axis": "allow", "collision": "allow", "unnamed_array": "allow"}


def from_flax_rules(rules: Sequence[tuple[str, object]], *, name: str = "flax rules") -> RuleTable:
    """The table that gives `flax.linen.logical_to_mesh_axes`'s answer for every array.

    Repeated names are alternatives, None replicates. Raises AxisRulesError (AXR104 to AXR108).

    >>> from_flax_rules([("batch", "data"), ("embed", None)]).rules[1].mesh_axes
    ()
    """
    if not isinstance(rules, (list, tuple)):
        why = f"a {type(rules).__name__} is no rule list; give pairs of (logical axis, mesh axes)"
        raise AxisRulesError([catalog.WRONG_TYPE.at(Origin(name), why=why)])
    pairs = [
        [pair[0], [] if pair[1] is None else pair[1]]
        if isinstance(pair, (list, tuple)) and len(pair) == 2
        else pair
        for pair in rules
    ]
    return parse_rules({"name": name, "policy": FLAX_POLICIES, "rules": pairs}, name=name)
