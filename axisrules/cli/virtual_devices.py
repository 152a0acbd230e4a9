"""What a command sees to before JAX starts: its platform, its devices, and flags that XLA accepts."""

import os
import re
import sys

from axisrules.diagnostics import AxisRulesError, Origin, catalog, printable

PROBE = "import jax; jax.devices()"
PROBE_SECONDS = 120
# `F1123 17:53:08.995184   13367 parse_flags_from_env.cc:234] ` before what XLA has to say.
_LOG_PREFIX = re.compile(r"^[A-Z]\d{4} [\d:.]+\s+\d+ [^\]]*\] ")
_ABOUT_FLAGS = re.compile(r"flag|XLA_FLAGS", re.IGNORECASE)


def set_up_devices(count: int | None, platform: str | None) -> None:
    """Choose JAX's platform, and give the CPU `count` virtual devices; the user's own flags count too.

    In a process that has JAX loaded already, whoever loaded it has chosen. Raises AxisRulesError:
    AXR505 for flags that JAX would abort on, which a child process finds out, and AXR602 for a platform
    that is not there.
    """
    if "jax" in sys.modules:
        return
    flags = os.environ.get("XLA_FLAGS", "")
    if platform or "JAX_PLATFORMS" not in os.environ:
        os.environ["JAX_PLATFORMS"] = platform or "cpu"
    if flags:
        _probe(flags)
    from axisrules.targets import quiet_start

    try:
        with quiet_start():
            _start(count)
    except RuntimeError as error:
        origin = Origin("JAX_PLATFORMS", 0, os.environ["JAX_PLATFORMS"])
        fix = "choose another platform, or install JAX for this one"
        raise AxisRulesError([catalog.BAD_ARGUMENT.at(origin, why=str(error), fix=fix)]) from None


def _start(count: int | None) -> None:
    import jax

    from axisrules.partition import use_virtual_devices

    if os.environ["JAX_PLATFORMS"] == "cpu":
        use_virtual_devices(count)
    jax.devices()


def _probe(flags: str) -> None:
    """Start JAX on the CPU of a child with the same flags: a bad one aborts the child instead of us."""
    import subprocess

    command = [sys.executable, "-c", PROBE]
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and words
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise _bad_flags(flags, f"JAX did not start within {PROBE_SECONDS} seconds") from None
    if done.returncode:
        raise _bad_flags(flags, _said(done.stderr))


def _said(stderr: str) -> str:
    """The line in which XLA names the flag, or else its first one."""
    lines = [_LOG_PREFIX.sub("", line.strip()) for line in stderr.splitlines() if line.strip()]
    about = [line for line in lines if _ABOUT_FLAGS.search(line)]
    return (about or lines or ["JAX did not start, and did not say why"])[0]


def _bad_flags(flags: str, why: str) -> AxisRulesError:
    fix = "correct the flag, or start without: env -u XLA_FLAGS axisrules ..."
    origin = Origin("XLA_FLAGS", 0, printable(flags))
    return AxisRulesError([catalog.BAD_XLA_FLAGS.at(origin, why=why, fix=fix)])
