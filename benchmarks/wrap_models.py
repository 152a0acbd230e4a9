"""What inference knows of published models: from a few seeds, from inputs alone, and of wrong annotations.

python -m benchmarks.wrap_models [NAME ...]
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from axisrules import wrap
from axisrules.adapters import Wrapped
from axisrules.axes import AxisNames, LogicalAxis
from axisrules.infer import Inference, NamedArray, Seed, name_axes
from benchmarks.report import Figure, publish
from benchmarks.zoo import Case, chosen_cases

TRUTH = "the truth"
SUSPECTS = 3


@dataclass(frozen=True)
class Score:
    """Parameters fully right, of how many, and dims that are wrong: all of them, and those acted upon."""

    right: int
    total: int
    wrong: int
    acted_upon: int

    @property
    def share(self) -> float:
        """The part of the parameters that is fully right."""
        return self.right / max(1, self.total)


def score(case: Case, inference: Inference, *, with_seeds: bool) -> Score:
    """The parameters of one model against its truth; with seeds, only those that were not given."""
    right = total = wrong = acted_upon = 0
    for path, array in inference.of_kind("params").items():
        truth = case.axes(path)
        if not truth or (with_seeds and case.is_seed(path)):
            continue
        total += 1
        right += is_right(array.names, truth)
        wrong += sum(1 for _ in wrong_dims(array.names, truth))
        acted_upon += sum(1 for _ in wrong_dims(array.sure_names, truth))
    return Score(right, total, wrong, acted_upon)


def is_right(found: AxisNames, truth: AxisNames) -> bool:
    """Whether every dim has its name; one that an earlier dim has already may stay without."""
    pairs = enumerate(zip(found, truth, strict=True))
    return all(name == true or (name is None and true in truth[:dim]) for dim, (name, true) in pairs)


def wrong_dims(found: AxisNames, truth: AxisNames) -> Iterator[int]:
    """The dims that have another axis's name."""
    for dim, (name, true) in enumerate(zip(found, truth, strict=True)):
        if name is not None and name != true:
            yield dim


def named_share(inference: Inference) -> float:
    """The part of the activations' dims that has a name; a dim of size 1 has nothing to name."""
    arrays = inference.of_kind("boundaries").values()
    dims = [dim.name is not None for array in arrays for dim in _sized(array)]
    return sum(dims) / max(1, len(dims))


def _sized(array: NamedArray) -> list[Any]:
    return [dim for dim, size in zip(array.dims, array.shape, strict=True) if size != 1]


@dataclass(frozen=True)
class Mutations:
    """How many wrong annotations were tried, caught, and caught with the culprit among the first three."""

    tried: int
    caught: int
    named: int
    false_alarms: int


def mutations(case: Case, wrapped: Wrapped) -> Mutations:
    """Every annotated parameter with one dim renamed, the others as they are."""
    axes = {path: case.axes(path) for path in wrapped.program.param_axes}
    seeds = [Seed("params", path, names, TRUTH) for path, names in axes.items() if names]
    inputs = [Seed("inputs", path, tuple(_spelt(names)), TRUTH) for path, names in case.batch.items()]
    alarms = len(name_axes(wrapped.probe.graph, seeds + inputs).contradictions)
    tried = caught = named = 0
    for place, seed in enumerate(seeds):
        for mutant in mutants(seed, case):
            found = name_axes(wrapped.probe.graph, [*seeds[:place], mutant, *seeds[place + 1 :], *inputs])
            suspects = [
                suspect.place.path
                for contradiction in found.contradictions
                for suspect in contradiction.suspects[:SUSPECTS]
            ][:SUSPECTS]
            tried += 1
            caught += bool(found.contradictions)
            named += seed.pattern in suspects
    return Mutations(tried, caught, named, alarms)


def mutants(seed: Seed, case: Case) -> Iterator[Seed]:
    """The seed with one of its dims under another axis's name; one mutant a seed, a dim in turn."""
    named = [dim for dim, name in enumerate(seed.names) if name is not None]
    others = [name for name in case.names if name not in seed.names]
    if named and others:
        turn = len(seed.pattern)
        dim, other = named[turn % len(named)], others[turn % len(others)]
        names = (*seed.names[:dim], LogicalAxis(other), *seed.names[dim + 1 :])
        yield Seed(seed.kind, seed.pattern, names, "the mutant")


def _spelt(names: str) -> list[LogicalAxis | None]:
    return [None if name == "_" else LogicalAxis(name) for name in names.split()]


def one_model(case: Case) -> tuple[list[Figure], dict[str, Any]]:
    """The figures of one model, and what the totals are made of."""
    model, loss, batch = case.make()
    alone = wrap(model, loss, batch, seeds={"batch": dict(case.batch)})
    paths = alone.program.param_axes
    untold = [path for path in paths if case.axes(path) is None]
    assert not untold, f"{case.name}: no truth for {untold}"
    seeded = wrap(model, loss, batch, seeds=case.seeds_for(paths)).inference
    found = {
        "seeded": score(case, seeded, with_seeds=True),
        "alone": score(case, alone.inference, with_seeds=False),
        "activations": named_share(seeded),
        "mutations": mutations(case, alone),
        "is_token_lm": case.is_token_lm,
    }
    few, none, wrong = found["seeded"], found["alone"], found["mutations"]
    return [
        Figure(f"{case.name}: other parameters right, from seeds", few.share, f"of {few.total}"),
        Figure(f"{case.name}: wrong dims, from seeds", few.wrong),
        Figure(f"{case.name}: activation dims named", found["activations"], at_least=0.75),
        Figure(f"{case.name}: parameters right, from inputs alone", none.share, f"of {none.total}"),
        Figure(f"{case.name}: wrong dims acted upon, from inputs alone", none.acted_upon, at_most=0),
        Figure(
            f"{case.name}: mutants caught and named", wrong.named / max(1, wrong.tried), f"of {wrong.tried}"
        ),
        Figure(f"{case.name}: false alarms", wrong.false_alarms, at_most=0),
    ], found


def measure(names: list[str]) -> list[Figure]:
    """All models whose packages are installed, or those named."""
    chosen = chosen_cases(names)
    figures, found = [], []
    for case in chosen:
        own, parts = one_model(case)
        print(*own, sep="\n", flush=True)
        figures += own
        found.append(parts)
    seeded = [parts["seeded"] for parts in found]
    alone = [parts["alone"] for parts in found if parts["is_token_lm"]]
    mutants_of = [parts["mutations"] for parts in found]
    shares = [parts["activations"] for parts in found]
    tried = max(1, sum(m.tried for m in mutants_of))
    is_complete = not names and any(case.is_published for case in chosen)
    totals = [
        Figure("models", len(chosen), at_least=14 if is_complete else None),
        Figure("other parameters right, from seeds", _share(seeded), f"of {_total(seeded)}", at_least=0.97),
        Figure("wrong dims, from seeds", sum(score.wrong for score in seeded), at_most=0),
        Figure("activation dims named, on average", sum(shares) / len(shares), at_least=0.95),
        Figure("activation dims named, at least", min(shares), at_least=0.75),
        Figure("token models' parameters right, from inputs alone", _share(alone), at_least=0.90),
        Figure("mutants caught", sum(m.caught for m in mutants_of) / tried, f"of {tried}"),
        Figure(
            "mutants caught, culprit in the first three",
            sum(m.named for m in mutants_of) / tried,
            at_least=0.95,
        ),
        Figure("false alarms", sum(m.false_alarms for m in mutants_of), at_most=0),
    ]
    return [*totals, *figures]


def _share(scores: list[Score]) -> float:
    return sum(score.right for score in scores) / max(1, _total(scores))


def _total(scores: list[Score]) -> int:
    return sum(score.total for score in scores)


if __name__ == "__main__":
    sys.exit(publish("wrap_models", measure(sys.argv[1:])))
