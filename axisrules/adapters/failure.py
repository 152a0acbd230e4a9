"""The user's own exceptions, reported at the user's own line."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flax
import jax
import optax
from flax.errors import PartitioningUnspecifiedError

from axisrules.diagnostics import AxisRulesError, Code, Origin, catalog

# Folders whose lines are not the user's own.
LIBRARIES = (*(str(package.__path__[0]) for package in (jax, flax, optax)), str(Path(__file__).parent))
_FOREIGN = set(map(Path, LIBRARIES))


@contextmanager
def user_failure(code: Code, subject: str) -> Iterator[None]:
    """Turn an exception of the user's code into AxisRulesError with `code`, the exception chained to it.

    A recursion without end becomes AXR308: it is how a module that holds itself shows. What Flax says of
    a stacked dim without a name becomes AXR303, as it is where a name is merely missing.
    """
    try:
        yield
    except AxisRulesError:
        raise
    except RecursionError as error:
        why = "it recurses without end"
        raise AxisRulesError([catalog.BAD_TREE.at(_own_line(error), subject=subject, why=why)]) from error
    except PartitioningUnspecifiedError as error:
        why = "scan or vmap stacks annotated parameters and does not name the new dim"
        fix = 'metadata_params={nn.PARTITION_NAME: "layers"} in nn.scan or nn.vmap'
        found = catalog.RANK_MISMATCH.at(_own_line(error), subject=subject, why=why, fix=fix)
        raise AxisRulesError([found]) from error
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}"
        raise AxisRulesError([code.at(_own_line(error), subject=subject, why=why)]) from error


def own_line(frames: traceback.StackSummary) -> Origin | None:
    """The innermost line of the user's own code among `frames`."""
    for frame in reversed(frames):
        is_file = not frame.filename.startswith("<")
        if is_file and _FOREIGN.isdisjoint(Path(frame.filename).parents):
            return Origin(frame.filename, frame.lineno or 0, frame.line or "")
    return None


def _own_line(error: BaseException) -> Origin | None:
    return own_line(traceback.extract_tb(error.__traceback__))
