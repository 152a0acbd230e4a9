"""`axisrules doctor`: what is installed, and an exit code."""

from importlib.metadata import version


def test_versions_are_those_installed(run, run_json):
    code, shown = run_json("doctor")
    assert dict(map(tuple, shown["versions"].items()))["jax"] == version("jax")
    text_code, out, _ = run("doctor")
    assert code == text_code
    assert version("jax") in out
