"""Meshes by name and size: what is read, what is refused, and what fills the devices."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.diagnostics import AxisRulesError
from axisrules.mesh import MeshSpec, parse_mesh

CASES = Path(__file__).parents[1] / "cases" / "bad_meshes.toml"


def cases() -> list[pytest.param]:
    found = tomllib.loads(CASES.read_text(encoding="utf-8"))["case"]
    return [pytest.param(c["mesh"], c.get("devices"), c["codes"], id=c["name"]) for c in found]


def codes(error: AxisRulesError) -> list[str]:
    return sorted(d.code for d in error.diagnostics)


@pytest.mark.parametrize(("mesh", "devices", "wanted"), cases())
def test_bad_text(mesh: str, devices: int | None, wanted: list[str]) -> None:
    with pytest.raises(AxisRulesError) as caught:
        parse_mesh(mesh) if devices is None else parse_mesh(mesh).fill(devices)
    assert codes(caught.value) == wanted
    assert all(line.isprintable() for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    "size",
    [
        "2",
        2.0,
        True,
        False,
        0,
        -3,
        None,
        float("nan"),
        [2],
        2 + 0j,
        b"2",
        pytest.param(-(10**5000), id="long"),
    ],
)
def test_sizes_that_are_none(size: object) -> None:
    with pytest.raises(AxisRulesError) as caught:
        parse_mesh({"data": size, "tensor": 2})  # type: ignore[dict-item]
    assert codes(caught.value) == ["AXR201"]


@pytest.mark.parametrize(
    "name", ["", "a b", "a-b", "1a", "a.b", "ä", "a\n", None, 3, ("data",), b"data", "a" * 200]
)
def test_names_that_are_none(name: object) -> None:
    with pytest.raises(AxisRulesError) as caught:
        parse_mesh({name: 2})  # type: ignore[dict-item]
    assert codes(caught.value) == ["AXR202"]


@pytest.mark.parametrize("source", [None, 8, 2.0, [("data", 2)], ("data", 2), b"data=2", {"data"}])
def test_what_is_no_mesh(source: object) -> None:
    with pytest.raises(AxisRulesError) as caught:
        parse_mesh(source)  # type: ignore[arg-type]
    assert codes(caught.value) == ["AXR209"]


def test_a_type_of_axes_that_is_none() -> None:
    with pytest.raises(AxisRulesError) as caught:
        parse_mesh("data=2", axis_type="manual")  # type: ignore[arg-type]
    assert codes(caught.value) == ["AXR209"]


def test_text_and_mappings_say_the_same() -> None:
    assert parse_mesh("data=2,tensor=4") == parse_mesh({"data": 2, "tensor": 4})
    assert parse_mesh(" data = 2 , tensor= 4 ") == parse_mesh("data=2,tensor=4")
    assert parse_mesh(parse_mesh("data=2")) == parse_mesh("data=2")
    assert parse_mesh("data=2").axis_type == "auto"
    assert parse_mesh("data=2", axis_type="explicit").axis_type == "explicit"


def test_a_wildcard_takes_what_is_left() -> None:
    assert parse_mesh("data=2,fsdp=-1,tensor=4").fill(16).shape == {"data": 2, "fsdp": 2, "tensor": 4}
    assert parse_mesh("data=-1").fill(1).shape == {"data": 1}
    assert parse_mesh("data=2").fill(2) == parse_mesh("data=2")


def test_slices_share_a_mesh_axis() -> None:
    spec = parse_mesh("data=-1,tensor=4,slices:data=2").fill(16)
    assert spec.shape == {"data": 4, "tensor": 4}
    assert spec.slices == (("data", 2),)
    assert spec.slice_count == 2
    assert str(spec) == "data=4,tensor=4,slices:data=2"


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
sizes = st.dictionaries(names, st.integers(1, 6), min_size=1, max_size=5)


@given(sizes)
def test_a_mesh_as_text_is_read_as_the_same_mesh(sizes: dict[str, int]) -> None:
    spec = parse_mesh(sizes)
    assert parse_mesh(str(spec)) == spec
    assert list(spec.shape.items()) == list(sizes.items())
    assert spec.fill(spec.device_count) == spec


@given(sizes, st.integers(0, 5), st.integers(1, 600))
def test_a_filled_mesh_has_a_place_for_every_device(sizes: dict[str, int], which: int, devices: int) -> None:
    names = list(sizes)
    sizes[names[which % len(names)]] = -1
    spec = parse_mesh(sizes)
    known = -spec.device_count
    if devices % known:
        with pytest.raises(AxisRulesError) as caught:
            spec.fill(devices)
        assert codes(caught.value) == ["AXR205"]
    else:
        assert spec.fill(devices).device_count == devices
        assert spec.fill(devices).shape == spec.shape | {names[which % len(names)]: devices // known}


def test_a_mesh_is_a_value() -> None:
    assert {parse_mesh("data=2"), parse_mesh({"data": 2})} == {MeshSpec((("data", 2),))}
