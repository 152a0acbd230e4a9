"""The README's training loops: the same text as the scripts, and the scripts train."""

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
SCRIPTS = ("train_linen.py", "train_nnx.py")


def without_docstring(script: str) -> str:
    return re.sub(r'\A""".*?"""\s*', "", script, flags=re.DOTALL)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_readme_shows_the_script_itself(name: str) -> None:
    script = (PROJECT / "examples" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    assert without_docstring(script) in blocks


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_trains(name: str) -> None:
    command = [sys.executable, str(PROJECT / "examples" / name)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    losses = [float(line.rpartition(" ")[2]) for line in done.stdout.splitlines()]
    assert len(losses) == 20
    # An untrained model is close to a uniform guess over 256 tokens; a trained one knows the map.
    assert abs(losses[0] - math.log(256)) < 1.5
    assert losses[-1] < losses[0] / 2
