"""The environment of a compiler's process: its own, so that no flag of the caller's reaches it."""

import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path

# What a Python process needs to start; flags of XLA, JAX and libtpu are left behind on purpose.
KEPT = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "VIRTUAL_ENV",
)
OWN = {
    "JAX_PLATFORMS": "cpu",  # devices are described, none is touched
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",  # libtpu asks a metadata server without these three
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_SKIP_MDS_QUERY": "1",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # else a second process fails on the first one's lock file
    "TPU_STDERR_LOG_LEVEL": "1",  # libtpu's warnings come here, too, and not into files in /tmp
    "TPU_MIN_LOG_LEVEL": "1",
    "TPU_LOG_DIR": "disabled",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "1",  # warnings stay: the partitioner tells of rematerializations by them
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}


def worker_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of a compiler's process, started from one that has `environment`."""
    given = os.environ if environment is None else environment
    kept = {name: given[name] for name in KEPT if name in given}
    return kept | OWN | _package_path(kept.get("PYTHONPATH", ""))


def _package_path(python_path: str) -> dict[str, str]:
    """PYTHONPATH such that the process finds this very package, where it isn't found without."""
    home = str(Path(__file__).parents[2])
    if home in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        return {}
    return {"PYTHONPATH": os.pathsep.join([home, *python_path.split(os.pathsep)]).rstrip(os.pathsep)}
