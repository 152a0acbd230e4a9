"""Advice holds where the compiler says that the change is better, and nowhere else."""

import pytest

from axisrules.advice import CHECKS, advise
from axisrules.diagnostics import CATALOG, AxisRulesError
from axisrules.evidence import ERROR_BAR


def test_every_check_has_a_code_of_its_own_that_is_a_warning():
    codes = [check.code for check in CHECKS]
    assert len(set(codes)) == len(codes)
    assert {code.severity for code in codes} == {"warning"}
    assert {code for code in CATALOG if code.startswith("AXR92")} <= {code.code for code in codes}


def test_local_devices_have_no_estimate_to_hold_another_against(program):
    with pytest.raises(AxisRulesError) as raised:
        advise(program(), "dp", "local")
    assert [found.code for found in raised.value.diagnostics] == ["AXR602"]


@pytest.mark.parametrize(
    ("rules", "target", "mesh", "code"),
    [
        ("no_such_table", "tpu:v5e:2x2", None, "AXR111"),
        ("dp", "tpu:v5e:3x5", None, "AXR802"),
        ("dp", "tpu:v5e:2x2", "data=3", "AXR205"),
        ("tp", "tpu:v5e:4x8", "data=1,tensor=32", "AXR401"),
    ],
)
def test_what_cannot_be_planned_is_said_at_once(program, rules, target, mesh, code):
    with pytest.raises(AxisRulesError) as raised:
        advise(program(), rules, target, mesh=mesh)
    assert code in {found.code for found in raised.value.diagnostics}


def test_without_a_compiler_its_absence_is_said_and_the_changes_are_still_listed(program, monkeypatch):
    monkeypatch.setattr("axisrules.evidence.comparison.installed_versions", lambda: {"jax": "0.10.2"})
    advice = advise(program(), "tp", "tpu:v5e:2x2", mesh="tensor=4")
    assert "AXR803" in advice.base.error
    assert {verdict.code.code for verdict in advice.verdicts} >= {"AXR920", "AXR921", "AXR926"}
    trials = [(verdict, trial) for verdict in advice.verdicts for trial in verdict.trials]
    assert all("AXR803" in trial.problem for _, trial in trials)
    assert {verdict.outcome(trial) for verdict, trial in trials} == {"unknown"}
    assert advice.findings == ()


def test_state_that_alone_is_too_large_is_not_compiled(program, monkeypatch):
    monkeypatch.setattr("axisrules.evidence.comparison.installed_versions", lambda: {"jax": "0.10.2"})
    huge = program(embed=8192, mlp=65536, layers=16, heads=64, kv_heads=64, head_dim=128)
    advice = advise(huge, "fsdp_tp", "tpu:v5e:2x2", mesh="fsdp=2,tensor=2")
    problems = {trial.change.words: trial.problem for verdict in advice.verdicts for trial in verdict.trials}
    assert "optimizer state alone take" in problems["whole parameters"]


# The decoder that `axisrules` takes where none is named: 40% of its step is communication.
SMALL = {
    "vocab": 256,
    "embed": 256,
    "heads": 8,
    "kv_heads": 4,
    "head_dim": 32,
    "mlp": 1024,
    "layers": 4,
    "dtype": "float32",
}
# What is tried and fires, and what is tried on other evidence and does not; each advice is in both lists.
FIRES = [
    ("AXR920", ("tp", "tensor=4"), {}),
    ("AXR926", ("tp", "tensor=4"), {}),
    ("AXR921", ("tp", "tensor=16,data=1", "tpu:v5e:4x4"), {}),
    ("AXR923", ("tp", "tensor=16,data=1", "tpu:v5e:4x4"), {}),
    ("AXR922", ("fsdp",), {"slices": 2}),
    ("AXR924", ("fsdp",), {"slices": 2}),
    ("AXR761", ("pipeline",), {"sizes": {"layers": 8}, "split": [5, 1, 1, 1], "microbatches": 8}),
    ("AXR764", ("pipeline",), {"sizes": {"layers": 8}, "split": [5, 1, 1, 1], "microbatches": 8}),
    ("AXR762", ("3d", "data=2,stage=2,tensor=2,slices:tensor=2"), {"slices": 2}),
    ("AXR717", ("dp", "data=2,spare=2"), {}),
    ("AXR780", ("fsdp",), {"remat": "full"}),
    ("AXR925", ("dp", "data=2", "gpu:h100:1x2"), {"accumulate": 4}),
]
IS_TRIED_AND_DOES_NOT = [
    ("AXR920", ("fsdp",), {}),
    ("AXR921", ("tp", "tensor=4"), {}),
    ("AXR924", ("tp", "tensor=4"), {"sizes": SMALL}),
    ("AXR922", ("tp", "data=1,tensor=8", "gpu:h100:2x4"), {}),
    ("AXR926", ("tp", "data=1,tensor=8", "gpu:h100:2x4"), {}),
    ("AXR780", ("dp",), {"sizes": {"seq": 16}, "remat": "attention"}),
    ("AXR925", ("3d", "data=2,stage=2,tensor=2,slices:tensor=2"), {"slices": 2}),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "layout", "more"), FIRES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_advice_fires_where_the_change_is_better(codes_of, advice_of, code, layout, more):
    fired, _ = codes_of(*layout, **more)
    assert code in fired
    advice = advice_of(*layout, **more)
    best = next(verdict for verdict in advice.verdicts if verdict.code.code == code).best
    assert best.evidence.fits
    assert best.evidence.step_seconds < (1 - ERROR_BAR) * advice.base.step_seconds
    assert best.evidence.mesh.device_count == advice.base.mesh.device_count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "layout", "more"),
    IS_TRIED_AND_DOES_NOT,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_advice_does_not_fire_where_the_compiler_denies_it(codes_of, code, layout, more):
    fired, tried = codes_of(*layout, **more)
    assert code in tried
    assert code not in fired


@pytest.mark.slow
def test_a_table_that_does_not_fit_is_told_what_does(advice_of):
    large = {"rows": 64, "seq": 2048, "embed": 1024, "mlp": 8192, "vocab": 4096, "layers": 8}
    advice = advice_of("dp", sizes=large)
    assert advice.base.fits is False
    found = {one.code: one for one in advice.findings}
    assert 'remat = "full"' in found["AXR781"].fix
    assert "AXR927" not in found  # what does not fit are activations


@pytest.mark.slow
def test_findings_come_in_the_order_of_what_they_gain(advice_of):
    advice = advice_of("tp", "tensor=16,data=1", "tpu:v5e:4x4")
    gains = {verdict.code.code: verdict.gain(verdict.best) for verdict in advice.verdicts if verdict.best}
    shown = [gains[found.code] for found in advice.findings]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) > 1
