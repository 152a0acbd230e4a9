"""From what a user gives to what inference takes, and from what it finds to what a program may act upon."""

from collections.abc import Iterable, Iterator

from axisrules.adapters.batch import BATCH
from axisrules.adapters.probe import BOUNDARIES, INPUTS, PARAMS, STATE, Probe
from axisrules.adapters.program import AxesByPath, leaves_by_path
from axisrules.adapters.seeds import PathSeed, Section, Seeds
from axisrules.adapters.withheld import Withheld
from axisrules.axes import AxisNames, LogicalAxis
from axisrules.diagnostics import Diagnostic, Origin, catalog, did_you_mean
from axisrules.infer import (
    Contradiction,
    Inference,
    NamedArray,
    Seed,
    Suspect,
    UnusedSeed,
)

KIND_OF: dict[Section, str] = {
    "batch": INPUTS,
    "params": PARAMS,
    "state": STATE,
    "activations": BOUNDARIES,
}
SECTION_OF = {kind: section for section, kind in KIND_OF.items()}
BY_DEFAULT = "the default: dim 0 of a batch is `batch`"
BY_MODEL = "the model's own annotation"


def seeds_of(probe: Probe, seeds: Seeds, annotations: AxesByPath) -> list[Seed]:
    """All that is given, the user's seeds first.

    After them "batch" on dim 0 of every array of the batch that has no seed, and the model's own
    annotations where they are to be translated.
    """
    given = [_seed(seed) for seed in seeds.paths]
    given += [
        Seed(INPUTS, path, (BATCH, *[None] * (len(shape.shape) - 1)), BY_DEFAULT)
        for path, shape in leaves_by_path(probe.batch)
        if shape.shape and not any(seed.pattern.matches(path) for seed in seeds.of("batch"))
    ]
    if seeds.annotations == "translate":
        given += list(_translated(annotations, seeds))
    return given


def annotation_seeds(annotations: AxesByPath) -> list[Seed]:
    """The model's own annotations as they are, to be held against the computation."""
    return [Seed(PARAMS, path, names, BY_MODEL) for path, names in annotations.items() if names]


def axes_of(inference: Inference, kind: str, confirmed: frozenset[str]) -> AxesByPath:
    """The names that a program may act upon, by path: sure ones, and those that the user has confirmed.

    None for an array of which nothing is known.
    """
    return {path: _names(array, confirmed) for path, array in inference.of_kind(kind).items()}


def withheld_dims(inference: Inference, confirmed: frozenset[str]) -> tuple[Withheld, ...]:
    """Every parameter dim whose name is not acted upon."""
    return tuple(
        Withheld(array, dim, _usable(array, confirmed))
        for array, dim in inference.unsure
        if array.dims[dim].name not in confirmed
    )


def findings_of(inference: Inference, seeds: Seeds) -> Iterator[Diagnostic]:
    """What is wrong with what the user gave: AXR303, AXR321 and AXR322, each with every origin."""
    origins = {str(seed.origin): seed.origin for seed in seeds.paths}
    for unused in inference.unused_seeds:
        paths = inference.of_kind(unused.seed.kind)
        yield _unused(unused, origins, paths)
    for contradiction in inference.contradictions:
        yield contradicted(contradiction, origins)
    named = {dim.name for array in inference.arrays for dim in array.dims}
    for name, origin in seeds.confirmed:
        if name not in named:
            why = f"no dim is named `{name}`, so there is nothing to confirm"
            fix = did_you_mean(name, [str(known) for known in named if known])
            yield catalog.SEED_MATCHES_NOTHING.at(origin, why=why, fix=fix)


def contradicted(contradiction: Contradiction, origins: dict[str, Origin]) -> Diagnostic:
    """A contradiction as a finding: the likeliest culprit as its subject, the others in its reason."""
    culprit, *others = contradiction.suspects
    code = catalog.RANK_MISMATCH if contradiction.kind == "rank" else catalog.AXIS_CONTRADICTION
    where = " ".join(part for part in (contradiction.primitive, contradiction.source) if part)
    why = contradiction.why + (f"; met in {where}" if where else "")
    if others:
        why += f"; or else {', '.join(map(_described, others[:2]))}"
    origin = origins.get(culprit.origin)
    fix = "correct one of the names, or leave that dim to inference with `_`"
    return code.at(origin, subject=_described(culprit), why=why, fix=fix)


def _seed(seed: PathSeed) -> Seed:
    return Seed(KIND_OF[seed.section], seed.pattern.glob, seed.names, str(seed.origin))


def _translated(annotations: AxesByPath, seeds: Seeds) -> Iterator[Seed]:
    translation = dict(seeds.translation)
    for path, names in annotations.items():
        own = [translation.get(name, "_" if translation else name) if name else "_" for name in names or ()]
        axes = tuple(None if name == "_" else LogicalAxis(name) for name in own)
        if any(axes) and not any(seed.pattern.matches(path) for seed in seeds.of("params")):
            yield Seed(PARAMS, path, axes, BY_MODEL)


def _names(array: NamedArray, confirmed: frozenset[str]) -> AxisNames | None:
    names = _usable(array, confirmed)
    return names if any(names) or not names else None


def _usable(array: NamedArray, confirmed: frozenset[str]) -> AxisNames:
    return tuple(dim.name if dim.is_sure or dim.name in confirmed else None for dim in array.dims)


def _unused(unused: UnusedSeed, origins: dict[str, Origin], paths: Iterable[str]) -> Diagnostic:
    seed = unused.seed
    section = SECTION_OF.get(seed.kind, seed.kind)
    why = f"no array of [{section}] has a path that `{seed.pattern}` matches"
    fix = did_you_mean(seed.pattern, unused.nearest or paths)
    return catalog.SEED_MATCHES_NOTHING.at(origins.get(seed.origin), subject=seed.pattern, why=why, fix=fix)


def _described(suspect: Suspect) -> str:
    dim = "" if suspect.dim is None else f"[{suspect.dim}]"
    named = f" named `{suspect.name}`" if suspect.name else ""
    by = f" ({suspect.origin})" if suspect.origin else ""
    return f"{suspect.place}{dim}{named}{by}"
