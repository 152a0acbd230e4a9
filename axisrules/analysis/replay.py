"""A scheduled program replayed: one core works in order, transfers queue for links and overlap with the work.

Source of the model: docs/pages/cost_model.md, "The replay".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from axisrules.analysis.interconnect import Link

HBM: Link = "hbm"


@dataclass(frozen=True, slots=True)
class Work:
    """The core is busy for `seconds`, for `hbm_seconds` of which it keeps the memory busy too.

    `term` says what bounds it.
    """

    term: str
    seconds: float
    hbm_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """A transfer is put into the queues of its links, which it needs all at once for `seconds`."""

    name: str
    term: str
    seconds: float
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The core waits until the transfer of this name is through."""

    name: str


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop's body, `trips` times over. Transfers that a body starts, it also ends."""

    body: tuple["Step", ...]
    trips: int


@dataclass(frozen=True, slots=True)
class Branches:
    """One of several; the longest counts."""

    bodies: tuple[tuple["Step", ...], ...]


Step = Work | Start | Done | Loop | Branches


@dataclass(frozen=True)
class Replay:
    """How long a program takes.

    `exposed` is, by term, the time that the core works or waits: it sums to `seconds`. `busy` is, by
    term, the work itself, overlapped or not; `link_seconds` says how long each link is in use.
    """

    seconds: float = 0.0
    exposed: dict[str, float] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)
    link_seconds: dict[Link, float] = field(default_factory=dict)


def replay(steps: Sequence[Step]) -> Replay:
    """`steps` in order on an idle machine, to the end of the last transfer.

    A loop's body is replayed once and counts `trips` times.

    >>> replay([Start("a", "ICI", 3.0, ("ici:0+",)), Work("compute", 2.0), Done("a")]).exposed
    {'compute': 2.0, 'ICI': 1.0}
    """
    state = _State()
    for step in steps:
        state.take(step)
    for transfer in list(state.queue):
        state.wait_for(transfer)
    return Replay(state.seconds, state.exposed, state.busy, state.link_seconds)


@dataclass(slots=True, eq=False)
class _Transfer:
    name: str
    term: str
    links: frozenset[Link]
    left: float


@dataclass
class _State:
    """What the replay knows while it runs; `queue` holds unfinished transfers, oldest first."""

    seconds: float = 0.0
    exposed: dict[str, float] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)
    link_seconds: dict[Link, float] = field(default_factory=dict)
    queue: list[_Transfer] = field(default_factory=list)

    def take(self, step: Step) -> None:
        if isinstance(step, Work):
            self.work(step)
        elif isinstance(step, Start):
            self.queue.append(_Transfer(step.name, step.term, frozenset(step.links), step.seconds))
            _add(self.busy, step.term, step.seconds)
            for link in step.links:
                _add(self.link_seconds, link, step.seconds)
        elif isinstance(step, Done):
            for transfer in [waiting for waiting in self.queue if waiting.name == step.name]:
                self.wait_for(transfer)
        elif isinstance(step, Loop):
            self.repeat(replay(step.body), step.trips)
        else:
            self.repeat(max(map(replay, step.bodies), key=lambda body: body.seconds, default=Replay()), 1)

    def work(self, step: Work) -> None:
        self.seconds += step.seconds
        _add(self.exposed, step.term, step.seconds)
        _add(self.busy, step.term, step.seconds)
        _add(self.link_seconds, HBM, step.hbm_seconds)
        self.progress(step.seconds, {HBM: step.hbm_seconds})

    def repeat(self, body: Replay, trips: int) -> None:
        self.seconds += body.seconds * trips
        for mine, its in (
            (self.exposed, body.exposed),
            (self.busy, body.busy),
            (self.link_seconds, body.link_seconds),
        ):
            for key, seconds in its.items():
                _add(mine, key, seconds * trips)
        self.progress(body.seconds * trips, {k: s * trips for k, s in body.link_seconds.items()})

    def progress(self, seconds: float, taken: dict[Link, float]) -> None:
        """What queued transfers get done in `seconds`, on the time that `taken` leaves of each link."""
        free: dict[Link, float] = {}
        for transfer in self.queue:
            spare = [free.get(link, max(seconds - taken.get(link, 0.0), 0.0)) for link in transfer.links]
            moved = min([*spare, transfer.left])
            transfer.left -= moved
            free |= dict(zip(transfer.links, (left - moved for left in spare), strict=True))
        self.queue = [transfer for transfer in self.queue if transfer.left > 0.0]

    def wait_for(self, target: _Transfer) -> None:
        while target in self.queue:
            running: list[_Transfer] = []
            held: set[Link] = set()
            for transfer in self.queue:
                if not transfer.links & held:
                    running.append(transfer)
                held |= transfer.links
            step = min(transfer.left for transfer in running)
            blocking = next((t for t in running if t is target or t.links & target.links), running[0])
            self.seconds += step
            _add(self.exposed, blocking.term, step)
            for transfer in running:
                transfer.left -= step
            self.queue = [transfer for transfer in self.queue if transfer.left > 0.0]


def _add(totals: dict[str, float], key: str, seconds: float) -> None:
    totals[key] = totals.get(key, 0.0) + seconds
