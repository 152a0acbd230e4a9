import json

from axisrules.diagnostics import CATALOG
from axisrules.report import DoctorTable

MISSING = CATALOG["AXR801"].at(
    subject="gpu", why="`a-plugin` is not installed", fix="pip install 'axisrules[x]'"
)
TABLE = DoctorTable(
    {"jax": "0.10.2", "libtpu": "0.0.42.1"}, {"tpu": None, "gpu": MISSING}, {"Python": "3.11.7 \x1b[31m"}
)


def test_what_is_there_what_is_missing_and_what_mends_it():
    shown = str(TABLE)
    for fact in ("0.0.42.1", "3.11.7 \\x1b[31m", "tpu   ready", "fix: pip install 'axisrules[x]'"):
        assert fact in shown
    assert "\x1b" not in shown


def test_all_ready_is_short():
    table = DoctorTable({"jax": "0.10.2"}, {"tpu": None, "gpu": None})
    assert table.is_ready
    assert "AXR" not in str(table)


def test_json_says_the_same():
    facts = json.loads(json.dumps(TABLE.to_json()))
    assert facts["is_ready"] is False
    assert facts["platforms"]["tpu"] is None
    assert facts["platforms"]["gpu"]["fix"] == "pip install 'axisrules[x]'"
