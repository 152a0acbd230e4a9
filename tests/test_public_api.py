"""The public face: this list and no other, loaded on first use, without JAX until something needs it."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import axisrules

PROJECT = Path(__file__).parents[1]
MAX_NAMES = 30

PUBLIC = [
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

JAX_SIDE = ("jax", "jaxlib", "flax", "optax", "numpy")


def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running `code`."""
    tail = "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", code + tail]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_public_names_are_these() -> None:
    assert sorted(axisrules.__all__) == PUBLIC
    assert len(PUBLIC) <= MAX_NAMES


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_resolves_and_is_documented(name: str) -> None:
    thing = getattr(axisrules, name)
    assert inspect.getdoc(thing)
    assert name in dir(axisrules)


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = axisrules.no_such_name


def test_no_public_name_hides_a_folder() -> None:
    folders = {path.parent.name for path in (PROJECT / "axisrules").glob("*/__init__.py")}
    assert folders.isdisjoint(PUBLIC)


@pytest.mark.parametrize(
    "code",
    [
        "import axisrules",
        "import axisrules; axisrules.lint_table(axisrules.load_rules('fsdp_tp_sp'))",
        "import axisrules; axisrules.parse_mesh('data=2,tensor=4').fill(8)",
        "from axisrules.cli import main; main(['check', 'fsdp_tp_sp', '--mesh', 'fsdp=2,tensor=4'])",
        "from axisrules.cli import main; main(['explain', 'AXR402'])",
        "from axisrules.cli import main; main(['presets'])",
    ],
)
def test_tables_are_linted_without_jax(code: str) -> None:
    assert modules_after(code).isdisjoint(JAX_SIDE)
