"""Names and stacks of operations, as real models leave them."""

import jax
import jax.numpy as jnp
import pytest

from axisrules.analysis import SourceLine, read_module
from axisrules.analysis.frames import (
    direction_of,
    module_classes,
    module_path,
    names_of_operands,
    scopes_of,
    user_line,
)

PREFIX = "jit(call)/call_exported/jit(flat)/jit(traced)/"
SCOPE = "axr(activation;batch,seq,embed;model.py:40)"


@pytest.mark.parametrize(
    ("op_name", "path"),
    [
        ("jvp(Decoder)/while/body/closed_call/layers/attention/attention.project/bse,ehd->bshd/dot_general",
         "Decoder/layers/attention"),
        ("transpose(jvp(Decoder))/while/body/eval_jaxpr/layers/mlp/dot_general", "Decoder/layers/mlp"),
        ("transpose(jvp(Decoder))/rematted_computation/checkpoint/mlp/mul", "Decoder/mlp"),
        ("jvp(Decoder)/jit(_one_hot)/eq", "Decoder"),
        ("jvp(jit(_one_hot))/eq", ""),
        ("jvp()/reduce_sum", ""),
        (f"jvp(Decoder)/layers/{SCOPE}/sharding_constraint", "Decoder/layers"),
        ("Decoder/cond/branch_1_fun/head/mul", "Decoder/head"),
        ("mul", ""),
    ],
)  # fmt: skip
def test_the_path_is_of_modules_alone(op_name: str, path: str) -> None:
    assert module_path(PREFIX + op_name) == path


def test_scopes_survive_any_transformation() -> None:
    assert scopes_of(f"{PREFIX}transpose(jvp({SCOPE}))/Net/{SCOPE}/sharding_constraint") == (SCOPE, SCOPE)
    assert scopes_of(f"{PREFIX}jvp(Net)/mul") == ()


def test_directions() -> None:
    optax = (
        SourceLine("/venv/lib/site-packages/optax/_src/update.py", 3, "apply"),
        SourceLine("a.py", 1, "f"),
    )
    assert direction_of(f"{PREFIX}jvp(Net)/mul", ()) == "forward"
    assert direction_of(f"{PREFIX}transpose(jvp(Net))/mul", optax) == "backward"
    assert direction_of(f"{PREFIX}jvp(Net)/rematted_computation/mul", ()) == "backward"
    assert direction_of(f"{PREFIX}mul", optax) == "update"
    assert direction_of("", ()) == "forward"


def test_merged_names_are_taken_apart() -> None:
    merged = "jit(f)/layers/(norm/mul:mlp/dot_general:attention/(q:k)/dot_general)"
    assert names_of_operands(merged) == (
        "jit(f)/layers/norm/mul",
        "jit(f)/layers/mlp/dot_general",
        "jit(f)/layers/attention/q/dot_general",
        "jit(f)/layers/attention/k/dot_general",
    )
    assert names_of_operands(f"jit(f)/({SCOPE}/mul:b/add)") == (f"jit(f)/{SCOPE}/mul", "jit(f)/b/add")
    assert names_of_operands("jit(f)/mul;transpose(jvp())/broadcast") == ("jit(f)/mul",)
    assert names_of_operands("") == ()


@pytest.mark.parametrize(
    ("file", "is_user"),
    [
        ("/src/train/model.py", True),
        ("/src/axisrules/examples/train.py", True),
        ("/venv/lib/python3.11/site-packages/axisrules/models/layers.py", True),
        ("/venv/lib/python3.11/site-packages/somebody/flax_model.py", True),
        ("/venv/lib/python3.11/site-packages/axisrules/partition/step.py", False),
        ("/src/axisrules/adapters/activations.py", False),
        ("/venv/lib/python3.11/site-packages/flax/linen/module.py", False),
        ("/src/flax/flax/nnx/module.py", False),
        ("/venv/lib/python3.11/site-packages/jax/_src/numpy/lax_numpy.py", False),
        ("C:\\venv\\Lib\\site-packages\\optax\\_src\\update.py", False),
        ("<frozen runpy>", False),
    ],
)
def test_libraries_are_not_the_user(file: str, is_user: bool) -> None:
    line = SourceLine(file, 7, "f")
    assert user_line([line]) == (line if is_user else None)


def test_the_innermost_line_of_the_user_wins() -> None:
    library = SourceLine("/venv/lib/site-packages/flax/linen/linear.py", 1, "Dense")
    inner, outer = SourceLine("model.py", 2, "block"), SourceLine("train.py", 3, "main")
    assert user_line([library, inner, outer]) == inner


def test_classes_stand_in_for_names_that_no_library_gave() -> None:
    stack = [
        SourceLine("model.py", 9, "Attention.project"),
        SourceLine("model.py", 8, "Attention.__call__"),
        SourceLine("/venv/lib/site-packages/flax/nnx/module.py", 7, "Module.__call__"),
        SourceLine("model.py", 6, "Block.__call__"),
        SourceLine("model.py", 5, "make.<locals>.Inner.__call__"),
        SourceLine("train.py", 4, "Trainer.step"),
    ]
    assert module_classes(stack) == "Block/Attention"
    assert module_classes(()) == ""


def test_what_jax_writes_today_is_understood() -> None:
    def loss(x: jax.Array) -> jax.Array:
        with jax.named_scope("Net"), jax.named_scope("mlp"):
            return jnp.sort(x @ x).sum()

    text = jax.jit(jax.grad(loss)).lower(jnp.ones((64, 64))).compile().as_text()
    named = [one for _, one in read_module(text).instructions() if "dot_general" in one.op_name]
    found = {(module_path(one.op_name), direction_of(one.op_name, ())) for one in named}
    assert ("Net/mlp", "backward") in found
