"""Splits of layers over stages, before and after balancing."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from axisrules.schedules import Split


@dataclass(frozen=True)
class BalanceTable:
    """Named splits of the same layers; costs are in `unit`. `proposed` names the one to take."""

    splits: tuple[tuple[str, Split], ...]
    unit: str
    proposed: str

    def __rich__(self) -> Group:
        """A row for each split, and below them the line for a rule table."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
        for head in ("split", "layers per stage", f"cost per stage, in {self.unit}"):
            table.add_column(head, no_wrap=True)
        table.add_column("imbalance", justify="right", no_wrap=True)
        for name, split in self.splits:
            counts, costs = map(str, split.counts), (f"{cost:.3g}" for cost in split.costs)
            table.add_row(name, " ".join(counts), " ".join(costs), f"{split.imbalance:.1%}")
        chosen = dict(self.splits)[self.proposed]
        return Group(table, Text(), Text(f"split = {list(chosen.counts)}  # {self.proposed}"))

    def to_json(self) -> dict[str, Any]:
        """A row for each split."""
        rows = [
            {"name": name, **asdict(split), "bottleneck": split.bottleneck, "imbalance": split.imbalance}
            for name, split in self.splits
        ]
        return {"unit": self.unit, "proposed": self.proposed, "splits": rows}
