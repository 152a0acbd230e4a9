"""Splits of layers over stages, before and after balancing."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from axisrules.schedules import PartCosts, Split


@dataclass(frozen=True)
class BalanceTable:
    """Named splits of the same layers on `stages` devices; costs are in `unit`.

    `proposed` names the one to take.
    """

    splits: tuple[tuple[str, Split], ...]
    parts: PartCosts
    unit: str
    proposed: str
    stages: int

    def __rich__(self) -> Group:
        """What the parts cost, a row for each split, and the line for a rule table."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
        for head in ("split", "layers per stage", f"cost per stage, in {self.unit}"):
            table.add_column(head, no_wrap=True)
        table.add_column("imbalance", justify="right", no_wrap=True)
        for name, split in self.splits:
            counts, costs = map(str, split.counts), (f"{cost:.3g}" for cost in split.costs)
            table.add_row(name, " ".join(counts), " ".join(costs), f"{split.imbalance:.1%}")
        chosen = dict(self.splits)[self.proposed]
        line = f"split = {list(chosen.counts)}  # {self.proposed}"
        return Group(Text(self.words, "dim"), Text(), table, Text(), Text(line))

    @property
    def words(self) -> str:
        """What the parts cost, and who works on the head."""
        costs = sorted(set(self.parts.layers))
        layer = f"{costs[0]:.3g}" if len(costs) == 1 else f"{costs[0]:.3g} to {costs[-1]:.3g}"
        first, last = f"first part {self.parts.first:.3g}", f"head {self.parts.last:.3g}"
        if self.parts.is_spread:
            share = self.parts.last / self.stages
            who = f"the head is spread, {share:.3g} for each of {self.stages} devices"
            who += "; each computes the first part" if self.parts.first else ""
        else:
            who = "the last stage has the head alone, and the first stage the first part"
        return f"in {self.unit}: layer {layer}, {first}, {last}; {who}"

    def to_json(self) -> dict[str, Any]:
        """The parts' costs, and a row for each split."""
        rows = [
            {"name": name, **asdict(split), "bottleneck": split.bottleneck, "imbalance": split.imbalance}
            for name, split in self.splits
        ]
        return {
            "unit": self.unit,
            "stages": self.stages,
            "parts": asdict(self.parts),
            "proposed": self.proposed,
            "split": list(dict(self.splits)[self.proposed].counts),
            "splits": rows,
        }
