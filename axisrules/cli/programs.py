"""The program that arguments name: the built-in decoder, or a model of the user's own. Loads JAX."""

import inspect
from argparse import Namespace
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import optax

from axisrules.adapters import (
    Loss,
    Program,
    TypeReport,
    Wrapped,
    constrain,
    load_factory,
    load_seeds,
    read_program,
    typecheck,
    wrap,
)
from axisrules.cli.arguments import DEFAULT_SIZE
from axisrules.diagnostics import AxisRulesError, Origin, catalog, did_you_mean
from axisrules.models import DECODER_SIZES, DecoderConfig, linen_decoder, next_token_loss, nnx_decoder

LEARNING_RATE = 1e-3
TOKEN_AXES = {"inputs": "batch seq", "targets": "batch seq"}


@dataclass(frozen=True)
class NamedModel:
    """A model with the loss it learns by; `batch` is None where it takes batches of tokens.

    `dtype` is what it computes in, as far as that is known: how far losses may differ goes by it.
    """

    name: str
    model: Any
    loss: Loss
    batch: Any = None
    dtype: str = "float32"


def read_named_program(args: Namespace) -> Program:
    """The program of `--model`, `--api`, `--optimizer`, `--batch` and `--seq`.

    Raises AxisRulesError: AXR309, AXR311 and AXR312 for the model, AXR602 for an unknown optimizer.
    """
    return program_of(named_model(args), args)


def program_of(named: NamedModel, args: Namespace) -> Program:
    """The program of a model, on batches of `--batch` times `--seq` tokens unless it brings its own."""
    if args.seeds:
        return _wrapped(named, args).program
    batch, axes = _batch(named, args)
    return read_program(
        named.model, named.loss, batch, optimizer=named_optimizer(args.optimizer), batch_axes=axes
    )


def wrapped_model(args: Namespace) -> Wrapped:
    """The model of `--model` with its axes inferred from `--seeds`. Raises what `wrap` does."""
    return _wrapped(named_model(args), args)


def checked_model(args: Namespace) -> TypeReport:
    """The annotations of the model of `--model`, held against what it computes."""
    named = named_model(args)
    batch, axes = _batch(named, args)
    return typecheck(named.model, named.loss, batch, batch_axes=axes)


def _wrapped(named: NamedModel, args: Namespace) -> Wrapped:
    seeds = load_seeds(args.seeds)
    batch, axes = _batch(named, args)
    if axes and not seeds.of("batch"):
        seeds = seeds.with_paths(*load_seeds({"batch": axes}).paths)
    optimizer = named_optimizer(args.optimizer)
    return wrap(named.model, named.loss, batch, seeds=seeds, optimizer=optimizer)


def _batch(named: NamedModel, args: Namespace) -> tuple[Any, Any]:
    """The model's own batch, or else one of tokens; and its axes, where they are known."""
    if named.batch is not None:
        return named.batch, None
    tokens = jax.ShapeDtypeStruct((args.batch, args.seq), jnp.int32)
    return dict.fromkeys(TOKEN_AXES, tokens), TOKEN_AXES


def named_model(args: Namespace) -> NamedModel:
    """The model of `--model`, or the built-in decoder of `--api`, `--size`, `--dtype` and `--experts`.

    A model without a loss is taken as a language model over tokens. Raises AxisRulesError (AXR309).
    """
    spec = args.model
    if spec is None:
        config = DECODER_SIZES[args.size]
        few = min(args.experts, config.experts_per_token)
        dtype = args.dtype or config.dtype
        config = replace(config, experts=args.experts, experts_per_token=few, dtype=dtype)
        return _decoder(args.api, args.size, config)
    model, loss, batch = load_factory(spec)
    if loss is not None and batch is None:
        fix = "return a triple: (model, loss, batch)"
        raise AxisRulesError(
            [catalog.BAD_FACTORY.at(subject=spec, why="it has a loss and no batch", fix=fix)]
        )
    return NamedModel(spec, model, loss or next_token_loss, batch, args.dtype or "float32")


def named_optimizer(name: str) -> optax.GradientTransformation:
    """The optax optimizer of that name with a small learning rate; AXR602 where there is none."""
    known = {known for known, found in vars(optax).items() if _takes_a_rate_alone(found)}
    if name not in known:
        why = f"optax has no optimizer `{name}` that is made with a learning rate alone"
        raise AxisRulesError(
            [catalog.BAD_ARGUMENT.at(Origin("--optimizer"), why=why, fix=did_you_mean(name, known))]
        )
    made: optax.GradientTransformation = getattr(optax, name)(LEARNING_RATE)
    return made


def _decoder(api: str, size: str, config: DecoderConfig) -> NamedModel:
    build = linen_decoder if api == "linen" else nnx_decoder
    facts = [api] + [size] * (size != DEFAULT_SIZE) + [f"{config.experts} experts"] * bool(config.experts)
    name = f"built-in decoder ({', '.join(facts)})"
    return NamedModel(name, build(config, constrain), next_token_loss, dtype=config.dtype)


def _takes_a_rate_alone(found: object) -> bool:
    if not inspect.isfunction(found):
        return False
    parameters = inspect.signature(found).parameters
    required = [
        parameter.name
        for parameter in parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    ]
    return [*parameters][:1] == ["learning_rate"] and required in ([], ["learning_rate"])
