"""What is installed, what can be compiled for with it, and the one command that mends the rest."""

import os
import platform
from dataclasses import dataclass
from typing import Literal

from axisrules.diagnostics import Diagnostic, catalog
from axisrules.targets.installed import compiler_problem, installed_versions, package_problem

Examined = Literal["local", "tpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Examination:
    """An installation: facts of the machine, versions by package, and per platform what keeps it from work.

    A platform is `local`, `tpu` or `gpu`; its problem's `fix` is the command that mends it, and None says
    that one can compile for it here.
    """

    facts: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    problems: tuple[tuple[Examined, Diagnostic | None], ...]

    @property
    def is_ready(self) -> bool:
        """Whether one can compile for every platform."""
        return all(problem is None for _, problem in self.problems)


def examine() -> Examination:
    """This installation, by the packages' own metadata; starts no compiler and imports no JAX."""
    versions = installed_versions()
    return Examination(
        facts=(
            ("Python", platform.python_version()),
            ("system", f"{platform.system()} {platform.machine()}"),
            ("processors", str(os.cpu_count() or 1)),
        ),
        versions=tuple(versions.items()),
        problems=(
            ("local", package_problem(versions)),
            ("tpu", _offered(compiler_problem("tpu", versions))),
            ("gpu", _offered(compiler_problem("gpu", versions))),
        ),
    )


def _offered(problem: Diagnostic | None) -> Diagnostic | None:
    """The problem as it is, or that no compiler is offered for this system, where that is the reason."""
    if problem is None or problem.code != catalog.NO_COMPILER.code or platform.system() == "Linux":
        return problem
    why = f"{problem.why}, and offered for Linux only"
    return catalog.NO_COMPILER.at(
        subject=problem.subject, why=why, fix="run it on Linux, in a container for one"
    )
