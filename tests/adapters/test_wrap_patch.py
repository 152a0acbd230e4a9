import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from axisrules import read_program, wrap
from axisrules.adapters import export_flax
from tests.cli import unnamed

SEEDS = {
    "model": {"batch": {"inputs": "batch seq"}, "confirm": ["embed", "mlp", "vocab"]},
    "vision": {"params": {"inner/kernel": "features mlp", "outer/kernel": "mlp classes"}},
}


def load(name, text, folder):
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return path, module


def made(module, which):
    found = getattr(module, which)()
    return found if isinstance(found, tuple) else (found, unnamed.squares, unnamed.fused()[2])


@pytest.mark.parametrize("which", ["model", "vision"])
def test_the_patched_source_says_what_was_inferred(tmp_path, which):
    """Applied by `patch`, and read again through Flax's own metadata."""
    text = Path(unnamed.__file__).read_text(encoding="utf-8")
    path, module = load(f"copy_{which}", text, tmp_path)
    wrapped = wrap(*made(module, which), seeds=SEEDS[which])
    diff = export_flax(wrapped)
    done = subprocess.run(["patch", str(path)], input=diff, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    _, patched = load(f"copy_{which}", path.read_text(), tmp_path)
    axes = read_program(*made(patched, which)).param_axes
    assert axes == wrapped.program.param_axes


def test_what_has_no_place_is_listed():
    seeds = {"params": {"up": "features mlp"}}
    diff = export_flax(wrap(*unnamed.function(), seeds=seeds))
    assert diff.startswith("# not placed:")
    assert "up" in diff


def test_nothing_known_is_nothing_to_patch():
    assert export_flax(wrap(*unnamed.vision())).startswith("# no parameter")
