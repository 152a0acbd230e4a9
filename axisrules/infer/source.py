"""Where an equation comes from: the user's line, and the module path that JAX noted."""

from pathlib import Path
from typing import Any

import jax

from axisrules.infer.record import Record

_JAX = str(Path(jax.__file__).parent)


def source_of(record: Record, reason: int, hidden: tuple[str, ...] = ()) -> tuple[str, str, str]:
    """Primitive, "file.py:12" and scope of a reason; empty texts where there is none.

    Lines of JAX and of the `hidden` folders are passed over, and where nothing else is left, the call
    that the equation stood in is asked.
    """
    primitive, scopes, line = "", [], ""
    while reason >= 0:
        found = record.reasons[reason]
        primitive = primitive or found.equation.primitive.name
        line = line or _line(found.equation, (_JAX, *hidden))
        scopes.append(str(found.equation.source_info.name_stack))
        reason = found.inside
    return primitive, line, "/".join(scope for scope in reversed(scopes) if scope)


def _line(equation: Any, hidden: tuple[str, ...]) -> str:
    traceback = equation.source_info.traceback
    for frame in traceback.frames if traceback is not None else ():
        if not frame.file_name.startswith((*hidden, "<")):
            return f"{frame.file_name}:{frame.line_num}"
    return ""
