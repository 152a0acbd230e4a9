"""What every benchmark prints and stores: machine, versions, date, and figures with their limits."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measured number; a limit, where there is one, is what the project promises of it."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the number is within its limits."""
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    def __str__(self) -> str:
        shown = f"{self.value:,.0f}" if float(self.value).is_integer() else f"{self.value:,.4g}"
        limits = [
            f"{word} {limit:g}"
            for word, limit in (("at most", self.at_most), ("at least", self.at_least))
            if limit is not None
        ]
        verdict = f"  ({', '.join(limits)}: {'kept' if self.is_kept else 'MISSED'})" if limits else ""
        return f"  {self.name:<58} {shown:>12} {self.unit:<8}{verdict}".rstrip()


def publish(title: str, figures: Sequence[Figure]) -> int:
    """Print the figures, write them to results/TITLE.json, and give the exit code: 1 if a limit is missed."""
    known = facts()
    print(title)
    print(f"  {known['machine']}; {known['versions']}; {known['date']}")
    for figure in figures:
        print(figure)
    RESULTS.mkdir(exist_ok=True)
    stored = {
        "title": title,
        **known,
        "figures": [asdict(figure) | {"kept": figure.is_kept} for figure in figures],
    }
    (RESULTS / f"{title}.json").write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    return int(not all(figure.is_kept for figure in figures))


def facts() -> dict[str, str]:
    """The machine, the versions and the date."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("jax", "flax", "optax", "numpy"))
    return {
        "machine": f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores",
        "versions": f"Python {platform.python_version()}, {packages}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _processor() -> str:
    """The processor's name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unnamed processor"
