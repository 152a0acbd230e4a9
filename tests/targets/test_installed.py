"""Versions that fit each other: by JAX's own metadata, judged by the packaging library's rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from axisrules.targets import compiler_problem, examine, installed_versions
from axisrules.targets.installed import Requirement, package_problem, requirements

VERSION = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
CLAUSE = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["==", "!=", "<=", ">=", "<", ">"]), VERSION),
    st.builds("{}{}.*".format, st.sampled_from(["==", "!="]), VERSION),
    st.builds("~={}.{}".format, st.integers(0, 12), VERSION),
)


@given(version=VERSION, clauses=st.lists(CLAUSE, max_size=3))
def test_specifiers_mean_what_packaging_says(version, clauses):
    specifier = ",".join(clauses)
    assert Requirement("any", specifier).accepts(version) == SpecifierSet(specifier).contains(version)


@pytest.mark.parametrize("platform", ["tpu", "gpu"])
def test_this_installation_is_complete(platform):
    assert compiler_problem(platform, installed_versions()) is None


def test_jax_names_the_libtpu_that_fits():
    (wanted,) = requirements("tpu", installed_versions())
    assert wanted.package == "libtpu"
    assert wanted.specifier.startswith("==0.0.")


@pytest.mark.parametrize(
    ("platform", "removed", "extra"),
    [
        ("tpu", "libtpu", "axisrules[tpu]"),
        ("tpu", "flatbuffers", "axisrules[tpu]"),
        ("gpu", "jax-cuda12-plugin", "axisrules[gpu-aot]"),
        ("gpu", "jax-cuda12-pjrt", "axisrules[gpu-aot]"),
    ],
)
def test_what_is_missing_is_named_with_the_command(platform, removed, extra):
    versions = {name: version for name, version in installed_versions().items() if name != removed}
    problem = compiler_problem(platform, versions)
    assert problem.code == "AXR803"
    assert removed in problem.why
    assert problem.fix == f"pip install '{extra}'"


@pytest.mark.parametrize(("platform", "changed"), [("tpu", "libtpu"), ("gpu", "jax-cuda12-plugin")])
def test_a_version_that_does_not_fit_is_named_with_both(platform, changed):
    problem = compiler_problem(platform, installed_versions() | {changed: "0.0.1"})
    assert problem.code == "AXR804"
    assert "0.0.1 is installed" in problem.why


def test_cuda_13_is_as_good_as_cuda_12():
    versions = installed_versions()
    moved = {name.replace("cuda12", "cuda13"): version for name, version in versions.items()}
    assert compiler_problem("gpu", moved) is None


def test_a_jaxlib_of_another_time_is_named():
    assert package_problem(installed_versions()) is None
    problem = package_problem(installed_versions() | {"jaxlib": "0.4.1"})
    assert problem.code == "AXR804"
    assert "jaxlib" in problem.why


def test_an_examination_tells_each_platform():
    found = examine()
    assert [platform for platform, _ in found.problems] == ["local", "tpu", "gpu"]
    assert found.is_ready
    assert dict(found.versions) == installed_versions()
    assert all(value for _, value in found.facts)
