"""Which compilers are installed, and whether they fit the JAX beside them: by metadata, importing none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata

from axisrules.diagnostics import Diagnostic, catalog
from axisrules.mesh import ChipPlatform

EXTRAS: dict[ChipPlatform, str] = {"tpu": "tpu", "gpu": "gpu-aot"}
# Of CUDA 12's and CUDA 13's packages one pair is enough, and one that is there is not asked to change.
CUDA = ("12", "13")
NEEDED_BY_EXPORT = "flatbuffers"
SHOWN = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "numpy",
    "flatbuffers",
    "libtpu",
    *(f"jax-cuda{major}-{part}" for major in CUDA for part in ("plugin", "pjrt")),
)

_CLAUSE = re.compile(r"(==|<=|>=|<|>|!=|~=)\s*([0-9][\w.*+!-]*)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """What JAX asks of a package: `specifier` as its metadata has it, as in `==0.0.42.*`."""

    package: str
    specifier: str

    def accepts(self, version: str) -> bool:
        """Whether `version` is one that JAX asks for.

        >>> Requirement("libtpu", "==0.0.42.*").accepts("0.0.42.1")
        True
        >>> Requirement("libtpu", "==0.0.42.*").accepts("0.0.50.1")
        False
        """
        return all(_holds(version, sign, bound) for sign, bound in _CLAUSE.findall(self.specifier))


def installed_versions() -> dict[str, str]:
    """The version of every package that matters here, of those that are installed."""
    found = {}
    for name in SHOWN:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def compiler_versions(platform: ChipPlatform, versions: Mapping[str, str]) -> dict[str, str]:
    """Of `versions`, those that decide what a compile for `platform` gives."""
    names = {"jax", "jaxlib"} | {requirement.package for requirement in requirements(platform, versions)}
    return {name: version for name, version in versions.items() if name in names}


def requirements(platform: ChipPlatform, versions: Mapping[str, str]) -> tuple[Requirement, ...]:
    """The packages that compiling for `platform` needs besides JAX, with what JAX's extra asks of each."""
    if platform == "tpu":
        return (_asked("jax", "libtpu", "tpu"),)
    major = next((m for m in CUDA if f"jax-cuda{m}-pjrt" in versions), CUDA[0])
    plugin = _asked("jax", f"jax-cuda{major}-plugin", f"cuda{major}-local")
    return (plugin, Requirement(f"jax-cuda{major}-pjrt", plugin.specifier))


def compiler_problem(platform: ChipPlatform, versions: Mapping[str, str]) -> Diagnostic | None:
    """What keeps this installation from compiling for `platform`: AXR803, AXR804, or nothing.

    `versions` are the installed packages, as `installed_versions` gives them.
    """
    needed = requirements(platform, versions)
    extra = EXTRAS[platform]
    missing = [r.package for r in needed if r.package not in versions]
    missing += [] if NEEDED_BY_EXPORT in versions else [NEEDED_BY_EXPORT]
    fix = f"pip install 'axisrules[{extra}]'"
    if missing:
        why = f"{', '.join(f'`{name}`' for name in missing)} not installed"
        return catalog.NO_COMPILER.at(subject=platform, why=why, fix=fix)
    return _misfit(platform, [("jax", requirement) for requirement in needed], versions, fix)


def package_problem(versions: Mapping[str, str]) -> Diagnostic | None:
    """AXR804 where JAX, jaxlib, Flax and optax are of versions that do not go together; else nothing."""
    pairs = [("jax", "jaxlib"), ("flax", "jax"), ("flax", "optax"), ("optax", "jax")]
    asked = [(asking, _asked(asking, package, "")) for asking, package in pairs if package in versions]
    return _misfit("local", asked, versions, "pip install --upgrade jax jaxlib flax optax")


def _misfit(
    subject: str, asked: Sequence[tuple[str, Requirement]], versions: Mapping[str, str], fix: str
) -> Diagnostic | None:
    why = [
        f"{asking} {versions.get(asking, '')} asks for {wanted.package}{wanted.specifier}, and"
        f" {versions[wanted.package]} is installed"
        for asking, wanted in asked
        if not wanted.accepts(versions[wanted.package])
    ]
    return catalog.VERSION_MISFIT.at(subject=subject, why="; ".join(why), fix=fix) if why else None


@cache
def _asked(asking: str, package: str, extra: str) -> Requirement:
    """What the installed `asking`, or its `extra`, asks of `package`; no bounds where it says nothing."""
    try:
        lines = metadata.requires(asking) or []
    except metadata.PackageNotFoundError:
        lines = []
    for line in lines:
        wanted, _, marker = line.partition(";")
        name = re.split(r"[\s\[<>=!~(]", wanted.strip(), maxsplit=1)[0]
        extras = re.findall(r"""extra\s*==\s*["']([^"']*)["']""", marker)
        if name == package and extras == ([extra] if extra else []):
            return Requirement(package, ",".join(sign + bound for sign, bound in _CLAUSE.findall(wanted)))
    return Requirement(package, "")


def _holds(version: str, sign: str, bound: str) -> bool:
    if bound.endswith(".*"):
        is_within = _numbers(version)[: bound.count(".")] == _numbers(bound[:-2])
        return is_within if sign == "==" else not is_within
    ours, theirs = _numbers(version), _numbers(bound)
    length = max(len(ours), len(theirs))
    ours, theirs = (numbers + (0,) * (length - len(numbers)) for numbers in (ours, theirs))
    return {
        "==": ours == theirs,
        "!=": ours != theirs,
        "<=": ours <= theirs,
        ">=": ours >= theirs,
        "<": ours < theirs,
        ">": ours > theirs,
        "~=": ours >= theirs and ours[: bound.count(".")] == theirs[: bound.count(".")],
    }[sign]


def _numbers(version: str) -> tuple[int, ...]:
    """The release of a version: (0, 0, 42, 1)."""
    release = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return tuple(int(part) for part in release[0].split(".")) if release else ()
