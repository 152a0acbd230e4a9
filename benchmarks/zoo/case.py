"""A published model in a tiny size, with the axes of every parameter written down by hand from its source."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from axisrules.axes import AxisNames, PathPattern, parse_axis_names

BATCH, SEQ, SOURCE, VOCAB = 16, 12, 20, 104
EMBED, MLP, HEADS, KV_HEADS, HEAD_DIM, LAYERS, POSITIONS = 32, 64, 8, 4, 4, 2, 24
CLASSES, CHANNELS, IMAGE, PATCH = 10, 3, 16, 4

Made = tuple[Any, Callable[[Any, Any], Any], Any]


@dataclass(frozen=True)
class Case:
    """One model: `make` gives (model, loss, batch), `truth` the axes of every parameter by glob.

    `packages` are what has to be there for it. The first glob that matches counts. A dim of truth that is
    `_` has no axis to name. `seeds` are the globs of the parameters that are given to inference (the
    embeddings and one layer), `boundaries` the axes of what the model gives and of that layer's split heads.
    """

    name: str
    packages: str
    make: Callable[[], Made]
    batch: Mapping[str, str]
    truth: Mapping[str, str]
    seeds: tuple[str, ...]
    boundaries: Mapping[str, str] = field(default_factory=dict)
    is_token_lm: bool = False

    @property
    def is_installed(self) -> bool:
        """Whether all packages that the model wants are there."""
        return not self.missing

    @property
    def is_published(self) -> bool:
        """Whether somebody else wrote the model."""
        return self.packages != "axisrules"

    @property
    def missing(self) -> str:
        """The packages that are not there."""
        return ", ".join(name for name in self.packages.split() if find_spec(name) is None)

    def axes(self, path: str) -> AxisNames | None:
        """The true axes of the parameter at `path`, None where nobody wrote any down."""
        for glob, names in self.truth.items():
            if PathPattern(glob).matches(path):
                return parse_axis_names(names)
        return None

    def is_seed(self, path: str) -> bool:
        """Whether the parameter at `path` is given to inference."""
        return any(PathPattern(glob).matches(path) for glob in self.seeds)

    def seeds_for(self, paths: Iterable[str]) -> dict[str, Any]:
        """Seeds in the form of the TOML file: the inputs, the parameters that are given, the boundaries.

        A name that two dims of one array have is given to the first: no rule can cut both by it.
        """
        given = {path: " ".join(_once(self.axes(path) or ())) for path in paths if self.is_seed(path)}
        return {"batch": dict(self.batch), "params": given, "activations": dict(self.boundaries)}

    @property
    def names(self) -> tuple[str, ...]:
        """Every axis name of the truth, of the inputs and of the boundaries."""
        spelt = [*self.truth.values(), *self.batch.values(), *self.boundaries.values()]
        return tuple(dict.fromkeys(name for axes in spelt for name in parse_axis_names(axes) if name))


def _once(names: AxisNames) -> list[str]:
    return ["_" if name is None or name in names[:dim] else name for dim, name in enumerate(names)]


def tokens(*shape: int, seed: int = 0) -> np.ndarray:
    """Token ids, from 3 on: the first ones mean padding and the like to some models."""
    return np.random.default_rng(seed).integers(3, VOCAB, shape, dtype=np.int32)


def floats(*shape: int) -> np.ndarray:
    """Numbers as pixels and sound come in."""
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def positions(ids: Any) -> Any:
    """0, 1, 2, ... for each sequence."""
    return jnp.broadcast_to(jnp.arange(ids.shape[1]), ids.shape)


def next_token(logits: Any, ids: Any) -> Any:
    """The mean cross entropy of each next token."""
    return cross_entropy(logits[:, :-1], ids[:, 1:])


def cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean cross entropy, in float32."""
    found = optax.softmax_cross_entropy_with_integer_labels(logits.astype(jnp.float32), labels)
    return found.mean()


def made(build: Callable[[], Any], loss: Callable[[Any, Any], Any], batch: Any) -> Callable[[], Made]:
    """A `make` whose model is built only when asked for, since its package may be absent."""
    return partial(_make, build, loss, batch)


def _make(build: Callable[[], Any], loss: Callable[[Any, Any], Any], batch: Any) -> Made:
    return build(), loss, batch
