"""axisrules: a sharding-rule compiler for JAX and Flax, driven by logical axis names.

Rules map logical axes to mesh axes; a plan says for every array how it lies on the mesh and why; a
partitioner runs the program that way through `jax.jit`. Names load on first use, so that linting a
table never imports JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from axisrules.adapters import Program, constrain, read_program, wrap
    from axisrules.diagnostics import AxisRulesError, Diagnostic
    from axisrules.evidence import assert_traffic, compare
    from axisrules.mesh import MeshSpec, parse_mesh
    from axisrules.partition import (
        Partitioner,
        TrainState,
        make_mesh,
        make_partitioner,
        use_plan,
        use_virtual_devices,
    )
    from axisrules.report import explain
    from axisrules.resolve import Plan, PlanDiff, diff_plans, lint_table, make_plan
    from axisrules.rules import (
        Rule,
        RuleTable,
        dump_rules,
        from_flax_rules,
        load_rules,
        parse_rules,
        preset_names,
        read_maxtext_rules,
    )

__version__ = "0.1.0"

_HOME = {
    "adapters": ("Program", "constrain", "read_program", "wrap"),
    "evidence": ("assert_traffic", "compare"),
    "diagnostics": ("AxisRulesError", "Diagnostic"),
    "mesh": ("MeshSpec", "parse_mesh"),
    "partition": (
        "Partitioner",
        "TrainState",
        "make_mesh",
        "make_partitioner",
        "use_plan",
        "use_virtual_devices",
    ),
    "report": ("explain",),
    "resolve": ("Plan", "PlanDiff", "diff_plans", "lint_table", "make_plan"),
    "rules": (
        "Rule",
        "RuleTable",
        "dump_rules",
        "from_flax_rules",
        "load_rules",
        "parse_rules",
        "preset_names",
        "read_maxtext_rules",
    ),
}
_FOLDER = {name: folder for folder, names in _HOME.items() for name in names}

__all__ = [
    "AxisRulesError",
    "Diagnostic",
    "MeshSpec",
    "Partitioner",
    "Plan",
    "PlanDiff",
    "Program",
    "Rule",
    "RuleTable",
    "TrainState",
    "assert_traffic",
    "compare",
    "constrain",
    "diff_plans",
    "dump_rules",
    "explain",
    "from_flax_rules",
    "lint_table",
    "load_rules",
    "make_mesh",
    "make_partitioner",
    "make_plan",
    "parse_mesh",
    "parse_rules",
    "preset_names",
    "read_maxtext_rules",
    "read_program",
    "use_plan",
    "use_virtual_devices",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name not in _FOLDER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_FOLDER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FOLDER})
