"""`axisrules targets` and `axisrules doctor`: facts, without JAX."""

from axisrules.mesh import known_chips


def test_every_chip_is_listed(run, run_json):
    code, out, _ = run("targets")
    assert code == 0
    assert all(name in out for name in known_chips())
    _, shown = run_json("targets")
    assert [chip["name"] for chip in shown["chips"]] == list(known_chips())


def test_one_chips_figures_have_their_sources(run, run_json):
    code, out, _ = run("targets", "v5e")
    assert code == 0
    assert "https://cloud.google.com/tpu/docs/v5e" in out
    _, shown = run_json("targets", "v5e")
    assert all(figure["basis"] for figure in shown["chips"][0]["figures"])


def test_an_unknown_chip(run):
    code, _, err = run("targets", "v5x")
    assert code == 2
    assert "AXR210" in err
    assert "v5" in err
