"""Every candidate of a pair's space compiled, in a journal that an interrupted run goes on with."""

from collections.abc import Sequence

from axisrules.evidence import Compiling
from axisrules.search import Candidate, Journal, Scored, Space, journal_key, score
from axisrules.targets import Mode
from benchmarks.report import RESULTS
from benchmarks.search_pairs import Pair

BATCH = 8


def journal_of(pair: Pair, space: Space, mode: Mode) -> Journal:
    """The pair's journal beside the results."""
    path = RESULTS / "search" / f"{pair.name.replace(' ', '_').replace(',', '')}.{mode}.jsonl"
    return Journal(path, journal_key(space, mode))


def enumerate_pair(
    pair: Pair,
    space: Space,
    mode: Mode = "fast",
    wanted: Sequence[Candidate] | None = None,
    workers: int | None = None,
) -> dict[Candidate, Scored]:
    """The score of every candidate of the space, or of those `wanted`, each compiled at most once."""
    journal = journal_of(pair, space, mode)
    known, problem = journal.read()
    if problem or not journal.path.exists():
        journal.start()
    found = {one.candidate: one for one in known}
    asked = space.candidates if wanted is None else wanted
    left = [candidate for candidate in asked if candidate not in found]
    for at in range(0, len(left), BATCH):
        for one in score(
            space, left[at : at + BATCH], Compiling(mode=mode, uses_cache=False, workers=workers)
        ):
            journal.add(one)
            found[one.candidate] = one
        print(f"{pair.name}, {mode}: {min(at + BATCH, len(left))} of {len(left)}", flush=True)
    return {candidate: found[candidate] for candidate in asked}
