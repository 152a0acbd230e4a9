"""JAX started without what its accelerator plugins print where they find no accelerator.

The compilers for absent hardware come as such plugins. Each says on standard error, past Python and past all
log levels, that there is no driver, and JAX prints why it cannot start it.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

CHATTER = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "cudart_stub.cc",
    "cuda_plugin_extension is not found.",
)
# Files that a driver makes: NVIDIA's, and those of the TPUs of both kinds of hosts.
DRIVERS = ("nvidia*", "accel*", "vfio/[0-9]*")


def has_accelerator(devices: Path = Path("/dev")) -> bool:
    """Whether a driver for an NVIDIA GPU or a TPU is loaded here."""
    return any(any(devices.glob(pattern)) for pattern in DRIVERS)


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Import and start JAX inside: it looks for no accelerator where there is none, and keeps quiet about it.

    Sets JAX_PLATFORMS to `cpu` for this process, unless it is set or an accelerator is there. All else
    that is printed on standard error comes out at the end.
    """
    if not has_accelerator():
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as printed:
        kept = os.dup(2)
        os.dup2(printed.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            _pass_on(printed)


def _pass_on(printed: IO[bytes]) -> None:
    """Print what was printed, but for the chatter."""
    printed.seek(0)
    for line in printed:
        if not any(words.encode() in line for words in CHATTER):
            os.write(2, line)
