"""`package.module:factory`, good and bad, in modules that each test writes."""

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from flax import linen as nn
from flax import nnx

from axisrules.adapters import load_factory
from axisrules.diagnostics import AxisRulesError, Diagnostic

MODULE = """
    import functools
    import jax
    from flax import linen as nn
    from flax import nnx

    class Small(nnx.Module):
        def __init__(self, rngs):
            self.linear = nnx.Linear(2, 2, rngs=rngs)

    class Keyword(nnx.Module):
        def __init__(self, features=2, *, rngs):
            self.linear = nnx.Linear(features, 2, rngs=rngs)

    class Configured(nnx.Module):
        def __init__(self, config, rngs):
            self.linear = nnx.Linear(config, 2, rngs=rngs)

    class Tiny(nn.Module):
        width: int = 2

    class Wide(nn.Module):
        width: int

    def loss(model, batch):
        return 0.0

    instance = nn.Dense(3)
    configured = functools.partial(Configured, 2)
    anonymous = lambda r: Small(r)
    def linen(): return nn.Dense(3)
    def constructor(): return Small
    def triple(): return nn.Dense(3), loss, jax.ShapeDtypeStruct((2, 2), "float32")
    def without_loss(): return nn.Dense(3), None, None

    number = 3
    built = Small(nnx.Rngs(0))
    def nothing(): return None
    def pair(): return nn.Dense(3), loss
    def bad_loss(): return nn.Dense(3), "loss", None
    def needs(config): return nn.Dense(config)
    def needs_two(config, seed): return nn.Dense(config)
    def gives_built(): return Small(nnx.Rngs(0))
    def raises():
        raise RuntimeError("no weights today")
    def exits():
        raise SystemExit(3)
    class inner:
        model = nn.Dense(3)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that is not yet on the path, as for a command from a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    for name in [name for name in sys.modules if name.startswith("factory_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    write(tmp_path / "factory_models.py", MODULE)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")


def refused(spec: Any) -> tuple[Diagnostic, AxisRulesError]:
    with pytest.raises(AxisRulesError) as caught:
        load_factory(spec)
    (found,) = caught.value.diagnostics
    assert found.code == "AXR309"
    return found, caught.value


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["instance", "linen", "Tiny", "inner.model", "without_loss"])
def test_linen_modules(name: str) -> None:
    model, loss, batch = load_factory(f"factory_models:{name}")
    assert isinstance(model, nn.Module)
    assert (loss, batch) == (None, None)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["Small", "Keyword", "configured", "anonymous", "constructor"])
def test_nnx_constructors(name: str) -> None:
    model, loss, batch = load_factory(f"factory_models:{name}")
    assert (loss, batch) == (None, None)
    assert not isinstance(model, nn.Module | nnx.Module)


@pytest.mark.usefixtures("folder")
def test_a_triple_brings_its_loss_and_batch() -> None:
    model, loss, batch = load_factory("factory_models:triple")
    assert isinstance(model, nn.Dense)
    assert callable(loss)
    assert batch.shape == (2, 2)


def test_a_module_in_a_package_of_the_working_folder(folder: Path) -> None:
    write(folder / "factory_package" / "models.py", "from flax import linen as nn\nmodel = nn.Dense(2)")
    assert isinstance(load_factory("factory_package.models:model")[0], nn.Dense)


@pytest.mark.parametrize("spec", ["", ":", "module", "module:", ":name", None, 3])
def test_a_spec_of_another_form_is_refused(spec: Any) -> None:
    assert "package.module:factory" in refused(spec)[0].why


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("number", "int"),
        ("built", "arrays already in memory"),
        ("gives_built", "arrays already in memory"),
        ("nothing", "NoneType"),
        ("pair", "tuple"),
        ("bad_loss", "loss is of type str"),
        ("needs_two", "(config, seed)"),
        ("Configured", "(config, rngs)"),
        ("Wide", "class of linen modules"),
    ],
)
def test_what_is_no_model_is_refused_and_named(name: str, words: str) -> None:
    found, _ = refused(f"factory_models:{name}")
    assert words in found.why
    assert found.fix
    assert found.subject == f"factory_models:{name}"


@pytest.mark.usefixtures("folder")
def test_a_misspelt_attribute_gets_a_suggestion() -> None:
    found, _ = refused("factory_models:instanse")
    assert "`instance`" in found.fix


@pytest.mark.parametrize(
    "module", ["factory_missing", "factory_missing.models", "factory_models.deeper", "..x", "a b"]
)
def test_a_missing_module_is_named_with_the_working_folder(folder: Path, module: str) -> None:
    refused(f"{module}:model")
    assert str(folder) in refused("factory_missing:model")[0].fix


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "error", "line"),
    [
        ("raises", RuntimeError, 'raise RuntimeError("no weights today")'),
        ("exits", SystemExit, "raise SystemExit(3)"),
    ],
)
def test_a_factorys_own_exception_is_chained_and_shown_with_its_line(
    name: str, error: type, line: str
) -> None:
    found, raised = refused(f"factory_models:{name}")
    assert isinstance(raised.__cause__, error)
    assert found.origin is not None
    assert Path(found.origin.file).name == "factory_models.py"
    assert found.origin.text == line
    assert error.__name__ in found.why


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x = 1 / 0", ZeroDivisionError),
        ("import factory_not_there", ModuleNotFoundError),
        ("def (", SyntaxError),
        ("raise SystemExit", SystemExit),
    ],
)
def test_a_module_that_fails_to_import_is_shown_with_its_line(folder: Path, text: str, error: type) -> None:
    write(folder / "factory_broken.py", text)
    found, raised = refused("factory_broken:model")
    assert isinstance(raised.__cause__, error)
    assert error is SyntaxError or (
        found.origin is not None and found.origin.file.endswith("factory_broken.py")
    )
