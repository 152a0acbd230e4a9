"""Every test runs on eight virtual CPU devices, and hypothesis draws the same examples each time."""

import os

import pytest
from hypothesis import settings

# What is compiled here runs for milliseconds; LLVM's optimizations would take longer than all of that.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import axisrules

axisrules.use_virtual_devices(8)

settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Compiled steps are kept for this session only, so that tests share a compile and nobody else's.

    The processes of one session (`pytest -n 2`) share them, too.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AXISRULES_CACHE", str(folder / "cache"))
        yield
