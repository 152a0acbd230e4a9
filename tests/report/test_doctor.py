import json

from axisrules.diagnostics import CATALOG
from axisrules.report import DoctorTable
from axisrules.targets import Examination

MISSING = CATALOG["AXR803"].at(
    subject="gpu", why="`a-plugin` not installed", fix="pip install 'axisrules[gpu-aot]'"
)
VERSIONS = (("jax", "0.10.2"), ("libtpu", "0.0.42.1"))
TABLE = DoctorTable(
    Examination((("Python", "3.11.7 \x1b[31m"),), VERSIONS, (("tpu", None), ("gpu", MISSING)))
)


def test_what_is_there_what_is_missing_and_what_mends_it():
    shown = str(TABLE)
    for fact in ("0.0.42.1", "3.11.7 \\x1b[31m", "tpu   ready", "fix: pip install 'axisrules[gpu-aot]'"):
        assert fact in shown
    assert "\x1b" not in shown


def test_all_ready_is_short():
    assert "AXR" not in str(DoctorTable(Examination((), VERSIONS, (("tpu", None), ("gpu", None)))))


def test_nothing_installed_is_no_error():
    assert "gpu" in str(DoctorTable(Examination((), (), (("gpu", MISSING),))))


def test_json_says_the_same():
    facts = json.loads(json.dumps(TABLE.to_json()))
    assert facts["is_ready"] is False
    assert facts["platforms"]["tpu"] is None
    assert facts["platforms"]["gpu"]["fix"] == "pip install 'axisrules[gpu-aot]'"
    assert facts["versions"]["jax"] == "0.10.2"
