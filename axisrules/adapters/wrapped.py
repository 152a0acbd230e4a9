"""`wrap`: any linen or nnx model, or a plain function, unedited, as a program with inferred axes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import optax

from axisrules.adapters.batch import read_batch
from axisrules.adapters.boundary import Constrainer
from axisrules.adapters.failure import LIBRARIES, user_failure
from axisrules.adapters.optimizer import name_optimizer_state
from axisrules.adapters.own_constraints import OwnConstraints
from axisrules.adapters.probe import BOUNDARIES, INPUTS, PARAMS, STATE, Probe, probe
from axisrules.adapters.program import AxesByPath, Loss, Program, leaves_by_path
from axisrules.adapters.read import score
from axisrules.adapters.record import Recorder, recording
from axisrules.adapters.seeds import PathSeed, Seeds, load_seeds
from axisrules.adapters.side_effects import ordered_effects
from axisrules.adapters.withheld import Withheld, withheld_costs, withheld_findings
from axisrules.adapters.wrap_names import (
    annotation_seeds,
    axes_of,
    contradicted,
    findings_of,
    seeds_of,
    withheld_dims,
)
from axisrules.diagnostics import Diagnostic, Origin, catalog, raise_errors
from axisrules.infer import AxisClass, Inference, name_axes
from axisrules.mesh import MeshSpec
from axisrules.rules import RuleTable


@dataclass(frozen=True, eq=False)
class Wrapped:
    """A model as a program with inferred axes, and all that was found on the way.

    `findings` are warnings: AXR325 for an initialiser that holds a whole array, AXR326 for side effects
    that keep an order, contradicted annotations where they were to be verified, and one AXR323 for each
    name that keeps the dims in `withheld` whole.
    `own_constraints` are the lines of the model's source that constrain activations themselves.
    """

    program: Program
    inference: Inference
    seeds: Seeds
    withheld: tuple[Withheld, ...]
    findings: tuple[Diagnostic, ...]
    own_constraints: tuple[Origin, ...]
    probe: Probe

    @property
    def classes(self) -> tuple[AxisClass, ...]:
        """The axis classes that hold parameter dims, those with the most of them first."""
        return self.inference.param_classes

    @property
    def unknown(self) -> tuple[tuple[str, int], ...]:
        """The parameter dims that have no name of any kind, as (path, dim)."""
        return tuple(
            (path, dim)
            for path, array in self.inference.of_kind(PARAMS).items()
            for dim, named in enumerate(array.dims)
            if named.name is None
        )

    @property
    def unsettled(self) -> tuple[tuple[str, int], ...]:
        """The parameter dims that are unknown or withheld: what a further seed could settle."""
        return (*self.unknown, *((held.path, held.dim) for held in self.withheld))

    @property
    def axes(self) -> Any:
        """The parameters' tree with the names that may be acted upon in the place of every array.

        A tuple of names, None for a dim that has none.
        """
        params, axes = self.program.params, self.program.param_axes
        names = [axes.get(path) or (None,) * len(shape.shape) for path, shape in leaves_by_path(params)]
        return jax.tree.unflatten(jax.tree.structure(params), names)

    def withheld_costs(self, rules: RuleTable, mesh: MeshSpec) -> tuple[Diagnostic, ...]:
        """One AXR323 for each name in `withheld` that would save bytes under a table, and how many.

        Bytes are those of the parameters on one device, for each dim and for all of one name.
        """
        return tuple(withheld_costs(self.withheld, rules, mesh))

    def reseeded(self, *more: PathSeed) -> "Wrapped":
        """The same model with further seeds; it is not traced again. Raises what `wrap` does."""
        return _named(self.probe, self.seeds.with_paths(*more), self.program.optimizer)


def wrap(
    model: Any,
    loss: Loss,
    batch: Any,
    *,
    seeds: Seeds | Mapping[str, Any] | str | Path | None = None,
    optimizer: optax.GradientTransformation | None = None,
) -> Wrapped:
    """`model`, unedited, as a program whose axes are inferred from what it computes.

    `model` is a linen module, a function of `nnx.Rngs` that gives an nnx module, or a pair of plain
    functions `(init(key) -> params, apply(params, ...))`. `loss` and `batch` are those of read_program.
    `seeds` names a few axes by path: a TOML file or a mapping of the same form,
    `{"batch": {"inputs": "batch seq"}, "params": {"**/embedding": "vocab embed"}}`; without a [batch]
    seed, dim 0 of its arrays is "batch".

    Every parameter, optimizer array and module boundary gets the names that follow; `.program` goes to
    make_partitioner as any other does, and its activations are constrained at the boundaries. A
    parameter is never sharded on a name that is weak or a guess, unless the seeds confirm it.

    Raises AxisRulesError: AXR309, AXR311 and AXR312 for the model and its loss, AXR502 for the batch,
    AXR320, AXR321, AXR303 and AXR322 for seeds that make no sense, match nothing, have another rank, or
    are contradicted by what the model computes.
    """
    known = load_seeds(seeds)
    shapes, _ = read_batch(batch, None)
    own = OwnConstraints(known.constraints, dict(known.translation))
    return _named(probe(model, loss, shapes, own), known, optimizer)


def _named(probe: Probe, seeds: Seeds, optimizer: optax.GradientTransformation | None) -> Wrapped:
    reading = probe.reading
    if seeds.annotations != "ignore":
        raise_errors(reading.findings)
    inference = name_axes(probe.graph, seeds_of(probe, seeds, reading.param_axes), hidden=LIBRARIES)
    raise_errors(findings_of(inference, seeds))
    confirmed = frozenset(name for name, _ in seeds.confirmed)
    withheld = withheld_dims(inference, confirmed)
    effects = ordered_effects(inference.opaque)
    found = [*probe.findings, *effects, *withheld_findings(withheld)]
    if seeds.annotations == "verify":
        verified = name_axes(probe.graph, annotation_seeds(reading.param_axes), hidden=LIBRARIES)
        found += [_as_warning(contradicted(c, {})) for c in verified.contradictions]
    program = _program(probe, inference, confirmed, optimizer)
    own_lines = tuple(probe.own.lines)
    return Wrapped(program, inference, seeds, withheld, tuple(found), own_lines, probe)


def _program(
    probe: Probe,
    inference: Inference,
    confirmed: frozenset[str],
    optimizer: optax.GradientTransformation | None,
) -> Program:
    param_axes = axes_of(inference, PARAMS, confirmed)
    activations = axes_of(inference, BOUNDARIES, confirmed)
    known = tuple((label, names) for label, names in activations.items() if names)
    reading = probe.observed_by(Constrainer(known))
    recorder = Recorder()
    with recording(recorder), user_failure(catalog.UNTRACEABLE, "the model or its loss"):
        has_metrics = score(reading, probe.loss, probe.batch)
    opt_state, opt_axes = None, None
    if optimizer:
        opt_state, opt_axes = name_optimizer_state(optimizer, reading.params, param_axes)
    rest_axes: AxesByPath = dict.fromkeys(reading.rest_axes) | axes_of(inference, STATE, confirmed)
    return Program(
        api=reading.api,
        params=reading.params,
        rest=reading.rest,
        batch=probe.batch,
        param_axes=param_axes,
        rest_axes=rest_axes,
        batch_axes=axes_of(inference, INPUTS, confirmed),
        rest_kinds=reading.rest_kinds,
        activations=recorder.activations,
        loss=probe.loss,
        has_metrics=has_metrics,
        init=reading.init,
        bind=reading.bind,
        collect=reading.collect,
        optimizer=optimizer,
        opt_state=opt_state,
        opt_axes=opt_axes,
    )


def _as_warning(finding: Diagnostic) -> Diagnostic:
    return replace(finding, severity="warning")
