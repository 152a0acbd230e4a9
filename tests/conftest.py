"""Every test runs on eight virtual CPU devices, and hypothesis draws the same examples each time."""

from hypothesis import settings

import axisrules

axisrules.use_virtual_devices(8)

settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")
