"""`package.module:factory` as the model that it names."""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from flax import linen as nn
from flax import nnx

from axisrules.adapters.failure import user_failure
from axisrules.adapters.program import Loss
from axisrules.diagnostics import AxisRulesError, catalog, did_you_mean

RNGS = "rngs"
FORMS = (
    "a linen Module, a function of nnx.Rngs, a pair of plain functions (init(key), apply(params, x)), "
    "or a function without arguments that returns one of them"
)


def load_factory(spec: str) -> tuple[Any, Loss | None, Any]:
    """(model, loss or None, batch or None) that `package.module:factory` names; the working folder counts.

    The attribute is a linen Module, an nnx constructor that takes `rngs`, or a function without
    arguments that returns one of those or a (model, loss, batch) triple. A model may be a pair of plain
    functions `(init, apply)`, too, which `wrap` takes.

    Raises AxisRulesError (AXR309); an exception of the user's own is chained and shown with its line.
    """
    module_name, _, attribute = str(spec).partition(":")
    if not module_name or not attribute:
        why = "it has not the form package.module:factory"
        raise _refused(repr(spec), why, 'for example "my_model:decoder"')
    found = _attribute(spec, _imported(spec, module_name), attribute)
    if _is_factory(found):
        with user_failure(catalog.BAD_FACTORY, spec):
            found = found()
    model, loss, batch = found if isinstance(found, tuple) and len(found) == 3 else (found, None, None)
    if not is_plain(model):
        check_model(model, spec)
    if loss is not None and not callable(loss):
        raise _refused(spec, f"its loss is of type {type(loss).__name__}", "give loss(model, batch), or None")
    return model, loss, batch


def is_plain(model: object) -> bool:
    """Whether `model` is a pair of functions: `init(key)` and `apply(params, ...)`."""
    if not isinstance(model, tuple) or len(model) != 2:
        return False
    return all(callable(part) and not isinstance(part, nn.Module | nnx.Module) for part in model)


def check_model(model: Any, subject: str = "") -> None:
    """Raise AxisRulesError (AXR309) unless `model` is a linen module or an nnx constructor."""
    if isinstance(model, nn.Module):
        return
    if isinstance(model, nnx.Module):
        fix = "give the constructor: lambda rngs: Decoder(config, rngs=rngs)"
        raise _refused(subject, "it is an nnx module with its arrays already in memory", fix)
    if isinstance(model, type) and issubclass(model, nn.Module):
        fix = f"give an instance: {model.__name__}(...)"
        raise _refused(subject, f"{model.__name__} is a class of linen modules", fix)
    if is_plain(model):
        fix = "let its axes be inferred: axisrules.wrap(...), or --seeds on the command line"
        raise _refused(subject, "it is a pair of plain functions, which annotate nothing", fix)
    if not callable(model):
        raise _refused(subject, f"it is of type {type(model).__name__}", f"give {FORMS}")
    required = _required(model)
    is_constructor = set(required) <= {RNGS} if _takes_rngs(model) else len(required) == 1
    if not is_constructor:
        why = f"it takes ({', '.join(required)}), not one argument of random streams"
        fix = "wrap it: lambda rngs: Decoder(config, rngs=rngs); of plain functions, a pair (init, apply)"
        raise _refused(subject, why, fix)


def construct(build: Callable[..., Any], rngs: nnx.Rngs) -> Any:
    """What an nnx constructor makes of `rngs`, given by keyword where it has that name."""
    return build(rngs=rngs) if _takes_rngs(build) else build(rngs)


def _imported(spec: str, name: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)  # as `python -m` does; a console script leaves it out
    try:
        with user_failure(catalog.BAD_FACTORY, spec):
            return importlib.import_module(name)
    except AxisRulesError as error:
        missing = error.__cause__
        if isinstance(missing, ModuleNotFoundError) and f"{name}.".startswith(f"{missing.name}."):
            fix = f"run from the folder that holds it; this is {folder}"
            raise _refused(spec, f"there is no module `{missing.name}`", fix) from None
        raise


def _attribute(spec: str, module: ModuleType, path: str) -> Any:
    found: Any = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            public = [known for known in dir(found) if not known.startswith("_")]
            raise _refused(spec, f"`{module.__name__}` has no `{name}`", did_you_mean(name, public)) from None
    return found


def _is_factory(found: Any) -> bool:
    """Whether `found` is to be called without arguments to get a model."""
    is_instance = isinstance(found, nn.Module | nnx.Module)
    return callable(found) and not is_instance and not _takes_rngs(found) and not _required(found)


def _takes_rngs(function: Callable[..., Any]) -> bool:
    return RNGS in _parameters(function)


def _required(function: Callable[..., Any]) -> list[str]:
    """The arguments that a call must give."""
    starred = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        name
        for name, parameter in _parameters(function).items()
        if parameter.default is inspect.Parameter.empty and parameter.kind not in starred
    ]


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    bound = function if isinstance(function, partial) else partial(function)
    if isinstance(bound.func, type):
        # A class of nnx modules shows its metaclass's signature in place of its constructor's.
        constructor = bound.func.__init__  # type: ignore[misc]  # its signature is only read
        bound = partial(constructor, None, *bound.args, **bound.keywords)
    try:
        return inspect.signature(bound).parameters
    except (TypeError, ValueError):  # built-in functions have no signature to read
        return {}


def _refused(subject: str, why: str, fix: str) -> AxisRulesError:
    return AxisRulesError([catalog.BAD_FACTORY.at(subject=subject, why=why, fix=fix)])
