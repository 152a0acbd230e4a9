import jax
import numpy as np
import optax
import pytest
from jax.experimental import io_callback

from axisrules import AxisRulesError, load_rules, make_partitioner, parse_mesh, wrap
from axisrules.adapters import seed_for
from axisrules.resolve import survey
from tests.adapters.plain_models import FORMS, SEEDS, TOKENS, function, linen, loss, nnx_model, truth

MODELS = [(linen, form) for form in FORMS] + [(nnx_model, form) for form in FORMS]
IDS = [f"{'linen' if make is linen else 'nnx'}-{form}" for make, form in MODELS]


def wrapped(make, form="loop", seeds=SEEDS, optimizer=None):
    return wrap(make(form), loss, TOKENS, seeds=seeds, optimizer=optimizer)


@pytest.mark.parametrize(("make", "form"), MODELS, ids=IDS)
def test_every_parameter_gets_the_names_that_its_author_would_give(make, form):
    axes = wrapped(make, form).program.param_axes
    assert axes == {path: truth(path) for path in axes}


@pytest.mark.parametrize(("make", "form"), MODELS, ids=IDS)
def test_boundaries_are_constrained_under_every_transformation(make, form):
    named = {leaf.path: leaf.logical_axes for leaf in wrapped(make, form).program.activations}
    assert named["."] == ("batch", "seq", "vocab")
    assert named["table"] == ("batch", "seq", "embed")
    ups = [axes for path, axes in named.items() if path.endswith("up")]
    assert ups
    assert set(ups) == {("batch", "seq", "mlp")}


def gradient(call, params, rest):
    return jax.jit(jax.value_and_grad(lambda params: call(params, rest)))(params)


@pytest.mark.parametrize(("make", "form"), MODELS, ids=IDS)
@pytest.mark.slow
def test_training_is_that_of_the_bare_model(make, form):
    model = wrapped(make, form, optimizer=optax.sgd(1.0))
    partitioner = make_partitioner(model.program, "fsdp_tp", "fsdp=2,tensor=4")
    state = partitioner.init(jax.random.key(0))
    before = jax.tree.map(np.asarray, state.params)
    bare = model.probe.reading
    value, grads = gradient(lambda p, rest: loss(bare.bind(p, rest, None), TOKENS), before, state.rest)
    after, metrics = partitioner.train_step()(state, partitioner.place(TOKENS))
    assert np.allclose(metrics["loss"], value, rtol=1e-6)
    stepped = jax.tree.map(lambda param, grad: param - grad, before, grads)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6), after.params, stepped)


def test_parameters_are_cut_as_their_names_say():
    partitioner = make_partitioner(wrapped(linen).program, "fsdp_tp", "fsdp=2,tensor=4")
    up = partitioner.init(jax.random.key(0)).params["layers_0"]["up"]["kernel"]
    assert up.sharding.spec == jax.sharding.PartitionSpec("fsdp", "tensor")


@pytest.mark.parametrize(("make", "form"), [(linen, "jit"), (nnx_model, "jit")], ids=["linen", "nnx"])
def test_two_tables_in_one_process_never_mix(make, form):
    """`nn.jit` and `nnx.jit` keep what they traced; each table still gets its own constraints."""
    program = wrapped(make, form).program
    texts = []
    for table, mesh in [("dp", "data=8"), ("tp", "data=2,tensor=4"), ("dp", "data=8")]:
        partitioner = make_partitioner(program, table, mesh)
        state, batch = partitioner.init(jax.random.key(0)), partitioner.place(TOKENS)
        texts.append(partitioner.eval_step().lower(state, batch).as_text())
    counts = [text.count("sharding_constraint") for text in texts]
    assert counts[0] == counts[1] > 0
    assert texts[0] == texts[2]
    assert '"tensor"' not in texts[0]
    assert '"tensor"' in texts[1]


def test_two_sets_of_seeds_in_one_process_never_mix():
    """The same module, table and mesh: only the names differ."""
    fewer = {"batch": {"inputs": "batch seq"}}
    counts = []
    for seeds in (SEEDS, fewer, SEEDS):
        partitioner = make_partitioner(wrapped(linen, "jit", seeds).program, "tp", "data=2,tensor=4")
        state = partitioner.init(jax.random.key(0))
        text = partitioner.eval_step().lower(state, partitioner.place(TOKENS)).as_text()
        lines = [line for line in text.splitlines() if "sharding_constraint" in line]
        counts.append(sum('"tensor"' in line for line in lines))
    assert counts[0] == counts[2]
    assert counts[1] < counts[0]


def test_a_plain_function_of_a_pytree():
    seeds = {"batch": {"inputs": "batch seq"}, "params": {"up": "embed mlp", "table": "vocab embed"}}
    model = wrap(function(), loss, TOKENS, seeds=seeds, optimizer=optax.adam(1e-3))
    assert model.program.param_axes["down"] == ("mlp", "embed")
    partitioner = make_partitioner(model.program, "fsdp", "fsdp=8")
    state = partitioner.init(jax.random.key(0))
    step, losses = partitioner.train_step(), []
    for _ in range(3):
        state, metrics = step(state, partitioner.place(TOKENS))
        losses.append(float(metrics["loss"]))
    assert losses == sorted(losses, reverse=True)


def test_without_seeds_the_first_dim_of_a_batch_is_the_batch():
    model = wrapped(linen, seeds=None)
    assert model.program.batch_axes == {"inputs": ("batch", None)}


def test_guessed_names_shard_nothing_until_they_are_confirmed():
    inputs = {"batch": {"inputs": "batch seq"}}
    guessed = wrapped(linen, seeds=inputs)
    assert {dim.source for dim in guessed.withheld} == {"role"}
    assert guessed.program.param_axes["table/embedding"] is None
    assert {found.code for found in guessed.findings} == {"AXR323"}
    confirmed = wrapped(linen, seeds=inputs | {"confirm": ["vocab", "embed", "mlp"]})
    assert confirmed.withheld == ()
    assert confirmed.program.param_axes["table/embedding"] == ("vocab", "embed")


def test_a_withheld_dim_tells_what_it_costs():
    model = wrapped(linen, seeds={"batch": {"inputs": "batch seq"}})
    held = next(dim for dim in model.withheld if (dim.path, dim.dim) == ("table/embedding", 0))
    assert held.bytes == 64 * 32 * 4
    assert held.cost(load_rules("tp"), parse_mesh("data=2,tensor=4")) == held.bytes * 3 // 4
    assert held.cost(load_rules("dp"), parse_mesh("data=8")) == 0


def test_what_a_name_costs_under_a_table_is_what_confirming_it_saves():
    """Judged by the plans of the two programs."""
    inputs = {"batch": {"inputs": "batch seq"}}
    model, rules, mesh = wrapped(linen, seeds=inputs), load_rules("fsdp_tp"), parse_mesh("fsdp=2,tensor=4")
    before = plan_bytes(model, rules, mesh)
    for finding in model.withheld_costs(rules, mesh):
        name = finding.why.split("`")[1]
        after = plan_bytes(wrapped(linen, seeds=inputs | {"confirm": [name]}), rules, mesh)
        said = sum(dim.cost(rules, mesh) for dim in model.withheld if dim.name == name)
        assert said == before - after > 0
    assert len(model.withheld_costs(rules, mesh)) == 3
    assert model.withheld_costs(load_rules("dp"), parse_mesh("data=8")) == ()


def test_a_name_confirmed_counts_in_the_cost_of_another():
    rules, mesh = load_rules("fsdp_tp"), parse_mesh("fsdp=2,tensor=4")
    model = wrapped(linen, seeds={"batch": {"inputs": "batch seq"}, "confirm": ["embed"]})
    held = next(dim for dim in model.withheld if (dim.path, dim.dim) == ("table/embedding", 0))
    assert held.held(rules, mesh) == held.bytes // 2
    assert held.cost(rules, mesh) == held.bytes // 2 - held.bytes // 8


def test_layers_that_are_alike_are_listed_once():
    model = wrapped(linen, seeds={"batch": {"inputs": "batch seq"}})
    reasons = [found.why for found in model.findings if "`mlp`" in found.why]
    assert len(reasons) == 1
    assert "layers_*/up/kernel[1] (16,384 bytes each, 2 alike)" in reasons[0]


def plan_bytes(model, rules, mesh):
    return survey(model.program.leaves, rules, mesh).bytes_per_device("params")


def test_further_seeds_do_not_trace_again():
    model = wrapped(linen, seeds={"batch": {"inputs": "batch seq"}})
    settled = model.reseeded(seed_for(model, "layers_0/up/kernel", 1, "mlp"))
    assert settled.probe is model.probe
    assert len(settled.unsettled) < len(model.unsettled)
    assert settled.inference.array("params", "layers_1/down/kernel").dims[0].source == "strong"


@pytest.mark.parametrize(
    ("seeds", "code"),
    [
        ({"params": {"embedding": "vocab embed"}}, "AXR321"),
        ({"params": {"**/embedding": "vocab"}}, "AXR303"),
        ({"params": {"**/embedding": "vocab embed", "layers_0/up/kernel": "mlp embed"}}, "AXR322"),
        ({"confirm": ["nothing"]}, "AXR321"),
        ({"pramas": {}}, "AXR320"),
        ({"activations": {"layers_9/up": "batch seq mlp"}}, "AXR321"),
        (7, "AXR320"),
        ("missing.toml", "AXR101"),
    ],
)
def test_seeds_that_cannot_be(seeds, code):
    with pytest.raises(AxisRulesError) as raised:
        wrapped(linen, seeds=seeds)
    assert code in [found.code for found in raised.value.diagnostics]


def test_a_contradiction_names_both_origins(tmp_path):
    path = tmp_path / "axes.toml"
    path.write_text('[params]\n"table/embedding" = "vocab embed"\n"layers_0/up/kernel" = "mlp embed"\n')
    with pytest.raises(AxisRulesError) as raised:
        wrapped(linen, seeds=path)
    assert f"{path}:2" in str(raised.value)
    assert f"{path}:3" in str(raised.value)


@pytest.mark.parametrize(
    "model",
    [3, (1, 2), lambda rngs: rngs, lambda: 3, np.zeros(3)],
)
def test_what_is_no_model(model):
    with pytest.raises(AxisRulesError) as raised:
        wrap(model, loss, TOKENS)
    assert [found.code for found in raised.value.diagnostics] == ["AXR309"]


def test_a_model_whose_trace_needs_concrete_values():
    def apply(params, tokens):
        return params["w"] if tokens.sum() > 0 else -params["w"]

    with pytest.raises(AxisRulesError) as raised:
        wrap((lambda key: {"w": jax.random.normal(key, (8, 8))}, apply), loss, TOKENS)
    assert [found.code for found in raised.value.diagnostics] == ["AXR311"]


def test_side_effects_and_callbacks_are_told_and_do_not_break():
    def apply(params, tokens):
        jax.debug.print("tokens {}", tokens.sum())
        shape = jax.ShapeDtypeStruct((16, 4, 32), np.float32)
        x = jax.pure_callback(lambda _: np.zeros((16, 4, 32), np.float32), shape, tokens)
        return x @ params["up"]

    model = wrap((lambda key: {"up": jax.random.normal(key, (32, 64))}, apply), loss, TOKENS)
    assert {"pure_callback", "debug_print"} == {found.primitive for found in model.inference.opaque}
    assert "AXR326" not in {found.code for found in model.findings}


def test_side_effects_that_keep_an_order_are_warned_of_at_their_line():
    def apply(params, tokens):
        jax.debug.callback(lambda _: None, tokens, ordered=True)
        return params["w"] * 2.0

    model = wrap((lambda key: {"w": jax.random.normal(key, (8, 8))}, apply), loss, TOKENS)
    found = next(finding for finding in model.findings if finding.code == "AXR326")
    assert (found.origin.file, found.severity) == (__file__, "warning")


def test_a_callback_in_the_way_of_the_gradient_is_told_at_its_line():
    def apply(params, tokens):
        del tokens
        io_callback(lambda _: None, None, params["w"])
        return params["w"] * 2.0

    with pytest.raises(AxisRulesError) as raised:
        wrap((lambda key: {"w": jax.random.normal(key, (8, 8))}, apply), loss, TOKENS)
    (found,) = raised.value.diagnostics
    assert (found.code, found.origin.file) == ("AXR311", __file__)
    assert found.subject == "the loss's gradient"


def test_without_a_plan_a_wrapped_model_says_so():
    model = wrapped(linen)
    params, rest = model.program.init(jax.random.key(0))
    with pytest.raises(AxisRulesError) as raised:
        loss(model.program.bind(params, rest, None), TOKENS)
    assert [found.code for found in raised.value.diagnostics] == ["AXR501"]
