"""The referee of what is kept: JAX's own account of the residuals of a function."""

import contextlib
import io
import math
import re

from jax.ad_checkpoint import print_saved_residuals

BYTES = {"f32": 4, "i32": 4, "bool": 1, "bf16": 2, "f16": 2}


def kept_shapes(fn, *args):
    """The shape of every array that the gradient of `fn` keeps, its own arguments left out."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        print_saved_residuals(fn, *args)
    shapes = []
    for line in printed.getvalue().splitlines():
        found = re.match(r"(\w+)\[([\d,]*)\](?:<host>)? (.*)", line)
        if found and "from the argument" not in found[3] and found[1] in BYTES:
            shapes.append((found[1], tuple(int(size) for size in found[2].split(",") if size)))
    return shapes


def kept_bytes(fn, *args):
    """Bytes of what the gradient of `fn` keeps."""
    return sum(BYTES[dtype] * math.prod(shape) for dtype, shape in kept_shapes(fn, *args))
