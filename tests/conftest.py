"""Every test runs on eight virtual CPU devices, and hypothesis draws the same examples each time."""

import os

import pytest
from hypothesis import settings

import axisrules

axisrules.use_virtual_devices(8)

settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Compiled steps are kept for this session only, so that tests share a compile and nobody else's.

    With pytest-xdist a session is of several processes, which have the folder above their own in common.
    """
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "AXISRULES_CACHE", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache")
        )
        yield
