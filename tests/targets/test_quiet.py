"""JAX started where plugins for absent accelerators are installed: it says nothing but what matters."""

import os
import subprocess
import sys

import pytest

from axisrules.targets import has_accelerator


def run(code, **environment):
    kept = {name: value for name, value in os.environ.items() if name != "JAX_PLATFORMS"} | environment
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=kept, timeout=120
    )


@pytest.mark.skipif(has_accelerator(), reason="JAX may say something of the accelerator that is here")
def test_a_quiet_start_says_nothing():
    code = (
        "from axisrules.targets import quiet_start\n"
        "with quiet_start():\n"
        "    import jax\n"
        "    print(jax.devices()[0].platform)\n"
    )
    done = run(code)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "cpu", "")


def test_everything_else_still_comes_out():
    code = (
        "import os, sys\n"
        "from axisrules.targets import quiet_start\n"
        "with quiet_start():\n"
        "    print('from Python', file=sys.stderr)\n"
        "    os.write(2, b'I0000 cudart_stub.cc:31] Could not find cuda drivers\\nfrom a library\\n')\n"
        "    raise SystemExit('and an end')\n"
    )
    done = run(code)
    assert done.stderr.splitlines() == ["from Python", "from a library", "and an end"]
    assert done.returncode == 1


def test_a_choice_that_was_made_stands():
    code = (
        "import os\n"
        "from axisrules.targets import quiet_start\n"
        "with quiet_start(): pass\n"
        "print(os.environ['JAX_PLATFORMS'])\n"
    )
    assert run(code, JAX_PLATFORMS="tpu,cpu").stdout.strip() == "tpu,cpu"


@pytest.mark.parametrize("name", ["nvidia0", "nvidiactl", "accel0", "vfio/0"])
def test_a_drivers_file_is_an_accelerator(tmp_path, name):
    (tmp_path / "vfio").mkdir()
    (tmp_path / "vfio" / "vfio").touch()  # there on hosts that hand no device on, too
    (tmp_path / "null").touch()
    assert not has_accelerator(tmp_path)
    (tmp_path / name).touch()
    assert has_accelerator(tmp_path)
