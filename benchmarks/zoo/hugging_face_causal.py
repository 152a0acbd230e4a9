"""Hugging Face's causal language models in linen: no metadata, layers in Python loops."""

from importlib import import_module
from typing import Any

import jax.numpy as jnp

from benchmarks.zoo.case import (
    BATCH,
    EMBED,
    HEAD_DIM,
    HEADS,
    KV_HEADS,
    LAYERS,
    MLP,
    POSITIONS,
    SEQ,
    VOCAB,
    Case,
    made,
    next_token,
    positions,
    tokens,
)

TOKENS = {"inputs": "batch seq"}
SPLIT = "batch seq heads head_dim"
LOGITS = {".:logits": "batch seq vocab"}
NORMS = {"**/scale": "embed", "**/bias": "embed", "**/weight": "embed"}


def module(family: str, name: str, config: str, **sizes: Any) -> Any:
    """The linen module `name` of a family, in the size that its config says."""
    made_config = getattr(import_module(f"transformers.models.{family}.configuration_{family}"), config)
    found = getattr(import_module(f"transformers.models.{family}.modeling_flax_{family}"), name)
    return found(made_config(**sizes))


def loss(model: Any, batch: Any) -> Any:
    """Next-token loss of a model that takes ids, a mask and positions."""
    ids = batch["inputs"]
    return next_token(model(ids, jnp.ones_like(ids), positions(ids)).logits, ids)


def loss_of_mask(model: Any, batch: Any) -> Any:
    """The same for a model that works its positions out of the mask."""
    ids = batch["inputs"]
    return next_token(model(ids, jnp.ones_like(ids)).logits, ids)


def _case(name: str, build: Any, truth: dict[str, str], seeds: tuple[str, ...], **more: Any) -> Case:
    make = made(build, more.pop("loss", loss), {"inputs": tokens(BATCH, SEQ)})
    boundaries = LOGITS | more.pop("boundaries", {})
    return Case(name, "transformers", make, TOKENS, truth, seeds, boundaries, is_token_lm=True)


LLAMA_SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": EMBED,
    "intermediate_size": MLP,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "max_position_embeddings": POSITIONS,
}
LLAMA_TRUTH = {
    "model/embed_tokens/embedding": "vocab embed",
    "**/q_proj/kernel": "embed heads",
    "**/k_proj/kernel": "embed kv_heads",
    "**/v_proj/kernel": "embed kv_heads",
    "**/o_proj/kernel": "heads embed",
    "**/gate_proj/kernel": "embed mlp",
    "**/up_proj/kernel": "embed mlp",
    "**/down_proj/kernel": "mlp embed",
    "lm_head/kernel": "embed vocab",
    **NORMS,
}
LLAMA_SEEDS = ("model/embed_tokens/*", "model/layers/0/**")
LLAMA_SPLIT = {
    "model/layers/0/self_attn._split_heads": SPLIT,
    "model/layers/0/self_attn._split_heads#1": "batch seq kv_heads head_dim",
}

GPT_TRUTH = {
    "transformer/wte/embedding": "vocab embed",
    "transformer/wpe/embedding": "position embed",
    "**/mlp/c_fc/bias": "mlp",
    "**/mlp/fc_in/bias": "mlp",
    "lm_head/kernel": "embed vocab",
    "lm_head/bias": "vocab",
}
GPT_SEEDS = ("transformer/w*/embedding", "transformer/h/0/**")
PROJECTIONS = {
    "**/q_proj/kernel": "embed heads",
    "**/k_proj/kernel": "embed heads",
    "**/v_proj/kernel": "embed heads",
    "**/q_proj/bias": "heads",
    "**/k_proj/bias": "heads",
    "**/v_proj/bias": "heads",
    "**/out_proj/kernel": "heads embed",
}
OPT_MLP = {"**/fc1/kernel": "embed mlp", "**/fc1/bias": "mlp", "**/fc2/kernel": "mlp embed"}

CAUSAL = (
    _case(
        "hf_gpt2",
        lambda: module(
            "gpt2",
            "FlaxGPT2LMHeadModule",
            "GPT2Config",
            vocab_size=VOCAB,
            n_positions=POSITIONS,
            n_embd=EMBED,
            n_inner=MLP,
            n_layer=LAYERS,
            n_head=HEADS,
        ),
        # FlaxConv1D keeps its kernels (out, in); query, key and value are one projection.
        GPT_TRUTH
        | {
            "**/c_attn/kernel": "qkv embed",
            "**/c_attn/bias": "qkv",
            "**/attn/c_proj/kernel": "embed heads",
            "**/c_fc/kernel": "mlp embed",
            "**/mlp/c_proj/kernel": "embed mlp",
        }
        | NORMS,
        GPT_SEEDS,
        boundaries={f"transformer/h/0/attn._split_heads{k}": SPLIT for k in ("", "#1", "#2")},
    ),
    _case(
        "hf_llama",
        lambda: module("llama", "FlaxLlamaForCausalLMModule", "LlamaConfig", **LLAMA_SIZES),
        LLAMA_TRUTH,
        LLAMA_SEEDS,
        boundaries=LLAMA_SPLIT,
    ),
    _case(
        "hf_mistral",
        lambda: module("mistral", "FlaxMistralForCausalLMModule", "MistralConfig", **LLAMA_SIZES),
        LLAMA_TRUTH,
        LLAMA_SEEDS,
        boundaries=LLAMA_SPLIT,
    ),
    _case(
        "hf_gemma",
        lambda: module(
            "gemma",
            "FlaxGemmaForCausalLMModule",
            "GemmaConfig",
            **LLAMA_SIZES,
            head_dim=HEAD_DIM,
            hidden_activation="gelu_pytorch_tanh",
        ),
        LLAMA_TRUTH,
        LLAMA_SEEDS,
        boundaries=LLAMA_SPLIT,
    ),
    _case(
        "hf_opt",
        lambda: module(
            "opt",
            "FlaxOPTForCausalLMModule",
            "OPTConfig",
            vocab_size=VOCAB,
            hidden_size=EMBED,
            word_embed_proj_dim=EMBED,
            ffn_dim=MLP,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            max_position_embeddings=POSITIONS,
        ),
        {"**/embed_tokens/embedding": "vocab embed", "**/embed_positions/embedding": "position embed"}
        | PROJECTIONS
        | OPT_MLP
        | NORMS,
        ("**/embedding", "model/decoder/layers/0/**"),
        boundaries={"model/decoder/layers/0/self_attn._split_heads": SPLIT},
    ),
    _case(
        "hf_gpt_neo",
        lambda: module(
            "gpt_neo",
            "FlaxGPTNeoForCausalLMModule",
            "GPTNeoConfig",
            vocab_size=VOCAB,
            hidden_size=EMBED,
            intermediate_size=MLP,
            num_layers=LAYERS,
            num_heads=HEADS,
            max_position_embeddings=POSITIONS,
            attention_types=[[["global", "local"], 1]],
        ),
        GPT_TRUTH
        | PROJECTIONS
        | {"**/c_fc/kernel": "embed mlp", "**/mlp/c_proj/kernel": "mlp embed"}
        | NORMS,
        GPT_SEEDS,
        boundaries={"transformer/h/0/attn/attention._split_heads": SPLIT},
    ),
    _case(
        "hf_gptj",
        lambda: module(
            "gptj",
            "FlaxGPTJForCausalLMModule",
            "GPTJConfig",
            vocab_size=VOCAB,
            n_embd=EMBED,
            n_inner=MLP,
            n_layer=LAYERS,
            n_head=HEADS,
            n_positions=POSITIONS,
            rotary_dim=HEAD_DIM,
        ),
        GPT_TRUTH | PROJECTIONS | {"**/fc_in/kernel": "embed mlp", "**/fc_out/kernel": "mlp embed"} | NORMS,
        GPT_SEEDS,
        boundaries={"transformer/h/0/attn._split_heads": SPLIT},
    ),
    _case(
        "hf_bloom",
        lambda: module(
            "bloom",
            "FlaxBloomForCausalLMModule",
            "BloomConfig",
            vocab_size=VOCAB,
            hidden_size=EMBED,
            n_layer=LAYERS,
            n_head=HEADS,
        ),
        # Query, key and value are interleaved within each head, in one projection.
        {
            "transformer/word_embeddings/embedding": "vocab embed",
            "**/query_key_value/kernel": "embed qkv",
            "**/query_key_value/bias": "qkv",
            "**/self_attention/dense/kernel": "heads embed",
            "**/dense_h_to_4h/kernel": "embed mlp",
            "**/dense_h_to_4h/bias": "mlp",
            "**/dense_4h_to_h/kernel": "mlp embed",
        }
        | NORMS,
        ("**/embedding", "transformer/h/0/**"),
        loss=loss_of_mask,
        boundaries={"transformer/h/0/self_attention._merge_heads": "batch seq heads"},
    ),
    _case(
        "hf_xglm",
        lambda: module(
            "xglm",
            "FlaxXGLMForCausalLMModule",
            "XGLMConfig",
            vocab_size=VOCAB,
            d_model=EMBED,
            ffn_dim=MLP,
            num_layers=LAYERS,
            attention_heads=HEADS,
            max_position_embeddings=POSITIONS,
        ),
        {"model/embed_tokens/embedding": "vocab embed"} | PROJECTIONS | OPT_MLP | NORMS,
        ("**/embedding", "model/layers/0/**"),
        boundaries={"model/layers/0/self_attn._split_heads": SPLIT},
    ),
)
