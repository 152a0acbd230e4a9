"""Models in nnx and in other styles of linen: tunix, vitax, gemma, recurrentgemma, the built-in decoders."""

from typing import Any

import jax.numpy as jnp
from flax import nnx

from axisrules.models import DecoderConfig, linen_decoder, nnx_decoder
from benchmarks.zoo.case import (
    BATCH,
    CHANNELS,
    CLASSES,
    EMBED,
    HEAD_DIM,
    HEADS,
    IMAGE,
    KV_HEADS,
    LAYERS,
    MLP,
    PATCH,
    SEQ,
    VOCAB,
    Case,
    cross_entropy,
    floats,
    made,
    next_token,
    positions,
    tokens,
)

TOKENS = {"inputs": "batch seq"}
IMAGES = {"pixels": "batch height width channels", "labels": "batch"}
DECODER = DecoderConfig(
    vocab=VOCAB, embed=EMBED, heads=HEADS, kv_heads=KV_HEADS, head_dim=HEAD_DIM, mlp=MLP, layers=LAYERS
)


def tunix_loss(model: Any, batch: Any) -> Any:
    """Next-token loss of a decoder that takes its causal mask."""
    ids = batch["inputs"]
    mask = jnp.tril(jnp.ones((ids.shape[0], ids.shape[1], ids.shape[1]), bool))
    return next_token(model(ids, positions(ids), None, mask)[0], ids)


def griffin_loss(model: Any, batch: Any) -> Any:
    """Next-token loss of a recurrent model that takes positions, without its caches."""
    ids = batch["inputs"]
    return next_token(model(ids, positions(ids), return_cache=False)[0], ids)


def gemma_loss(model: Any, batch: Any) -> Any:
    """Next-token loss of a model that takes tokens alone and gives more than logits."""
    return next_token(model(batch["inputs"]).logits, batch["inputs"])


def decoder_loss(model: Any, batch: Any) -> Any:
    """Next-token loss of a model that takes tokens alone."""
    return next_token(model(batch["inputs"]), batch["inputs"])


def image_loss(model: Any, batch: Any) -> Any:
    """Classification of images."""
    return cross_entropy(model(batch["pixels"]), batch["labels"])


def llama3(rngs: nnx.Rngs) -> Any:
    """The tunix form of Llama 3, whose variables name mesh axes."""
    from tunix.models.llama3.model import Llama3, ModelConfig  # noqa: PLC0415 - it may be absent

    config = ModelConfig(
        num_layers=LAYERS,
        vocab_size=VOCAB,
        embed_dim=EMBED,
        hidden_dim=MLP,
        num_heads=HEADS,
        head_dim=HEAD_DIM,
        num_kv_heads=KV_HEADS,
        rope_theta=10_000,
        norm_eps=1e-5,
    )
    return Llama3(config, rngs=rngs)


def qwen3(rngs: nnx.Rngs) -> Any:
    """The tunix form of Qwen 3, which normalises queries and keys within each head."""
    from tunix.models.qwen3.model import ModelConfig, Qwen3  # noqa: PLC0415 - it may be absent

    config = ModelConfig(
        num_layers=LAYERS,
        vocab_size=VOCAB,
        embed_dim=EMBED,
        hidden_dim=MLP,
        num_heads=HEADS,
        head_dim=HEAD_DIM,
        num_kv_heads=KV_HEADS,
        rope_theta=10_000,
        norm_eps=1e-5,
    )
    return Qwen3(config, rngs=rngs)


def vision_transformer(rngs: nnx.Rngs) -> Any:
    """The vision transformer of vitax, in nnx."""
    from vitax import VisionTransformer  # noqa: PLC0415 - it may be absent

    return VisionTransformer(
        num_classes=CLASSES,
        in_channels=CHANNELS,
        img_size=IMAGE,
        patch_size=PATCH,
        num_layers=LAYERS,
        num_heads=HEADS,
        mlp_dim=MLP,
        hidden_size=EMBED,
        dropout_rate=0.0,
        rngs=rngs,
    )


def griffin() -> Any:
    """Griffin of recurrentgemma: gated recurrences between local attention, each block under remat."""
    from recurrentgemma import common, jax  # noqa: PLC0415 - it may be absent

    recurrent, attention = common.TemporalBlockType.RECURRENT, common.TemporalBlockType.ATTENTION
    return jax.Griffin(
        common.GriffinConfig(
            vocab_size=VOCAB,
            width=EMBED,
            mlp_expanded_width=MLP,
            num_heads=HEADS,
            block_types=(recurrent, attention, recurrent, attention),
            embeddings_scale_by_sqrt_dim=True,
            attention_window_size=SEQ,
            logits_soft_cap=30.0,
            lru_width=48,
            scan_type=common.ScanType.LINEAR_NATIVE,
        )
    )


def gemma3() -> Any:
    """Gemma 3 in its authors' form: einsums of (heads, embed, head_dim), all of it under `nn.jit`."""
    from gemma.gm.nn import AttentionType, Transformer  # noqa: PLC0415 - it may be absent
    from gemma.gm.nn.config import TransformerConfig  # noqa: PLC0415

    config = TransformerConfig(
        num_embed=VOCAB,
        embed_dim=EMBED,
        hidden_dim=MLP,
        num_heads=HEADS,
        head_dim=HEAD_DIM,
        num_kv_heads=KV_HEADS,
        final_logit_softcap=30.0,
        use_post_attn_norm=True,
        use_post_ffw_norm=True,
        attention_types=(AttentionType.LOCAL_SLIDING, AttentionType.GLOBAL),
        use_qk_norm=True,
        sliding_window_size=SEQ // 2,
    )
    return Transformer(config=config, dtype=jnp.float32, tokens="tokens")


LLAMA3_TRUTH = {
    "embedder/input_embedding": "vocab embed",
    "**/q_proj/w": "embed heads head_dim",
    "**/k_proj/w": "embed kv_heads head_dim",
    "**/v_proj/w": "embed kv_heads head_dim",
    "**/o_proj/w": "heads head_dim embed",
    "**/*_proj/kernel": "embed mlp",
    "lm_head/w": "embed vocab",
    "**/q_norm/w": "head_dim",
    "**/k_norm/w": "head_dim",
    "**/w": "embed",
}
DECODER_TRUTH = {
    "embedding": "vocab embed",
    "head": "embed vocab",
    "**/query": "layers embed heads head_dim",
    "**/key": "layers embed kv_heads head_dim",
    "**/value": "layers embed kv_heads head_dim",
    "**/out": "layers heads head_dim embed",
    "**/up": "layers embed mlp",
    "**/gate": "layers embed mlp",
    "**/down": "layers mlp embed",
    "final_norm/scale": "embed",
    "**/scale": "layers embed",
}

OWN_STYLE = (
    Case(
        "tunix_llama3",
        "tunix metrax",
        made(lambda: llama3, tunix_loss, {"inputs": tokens(BATCH, SEQ)}),
        TOKENS,
        {"**/down_proj/kernel": "mlp embed"} | LLAMA3_TRUTH,
        ("embedder/*", "layers/0/**"),
        {".:0": "batch seq vocab"},
        is_token_lm=True,
    ),
    Case(
        "tunix_qwen3",
        "tunix metrax",
        made(lambda: qwen3, tunix_loss, {"inputs": tokens(BATCH, SEQ)}),
        TOKENS,
        {"**/down_proj/kernel": "mlp embed"} | LLAMA3_TRUTH,
        ("embedder/*", "layers/0/**"),
        {".:0": "batch seq vocab"},
        is_token_lm=True,
    ),
    Case(
        "vitax_vit",
        "vitax",
        made(
            lambda: vision_transformer,
            image_loss,
            {"pixels": floats(BATCH, IMAGE, IMAGE, CHANNELS), "labels": tokens(BATCH) % CLASSES},
        ),
        IMAGES,
        {
            "patch_embeddings/kernel": "patch_height patch_width channels embed",
            "cls_token": "_ _ embed",
            "position_embeddings": "_ patches embed",
            "**/attn/out/kernel": "heads head_dim embed",
            "**/attn/out/bias": "embed",
            "**/attn/*/kernel": "embed heads head_dim",
            "**/attn/*/bias": "heads head_dim",
            "**/mlp/layers/0/kernel": "embed mlp",
            "**/mlp/layers/0/bias": "mlp",
            "**/mlp/layers/3/kernel": "mlp embed",
            "classifier/kernel": "embed classes",
            "classifier/bias": "classes",
            "**/scale": "embed",
            "**/bias": "embed",
        },
        ("patch_embeddings/*", "cls_token", "position_embeddings", "encoder/layers/0/**"),
        {".": "batch classes"},
    ),
    Case(
        "recurrentgemma",
        "recurrentgemma",
        made(griffin, griffin_loss, {"inputs": tokens(BATCH, SEQ)}),
        TOKENS,
        {
            "embedder/input_embedding": "vocab embed",
            "**/ffw_up/w": "gates embed mlp",
            "**/ffw_up/b": "gates _ _ mlp",
            "**/ffw_down/kernel": "mlp embed",
            "**/conv_1d/w": "taps lru",
            "**/conv_1d/b": "lru",
            "**/linear_out/kernel": "lru embed",
            "**/linear_out/bias": "embed",
            "**/linear_*/kernel": "embed lru",
            "**/linear_*/bias": "lru",
            "**/*_gate/w": "lru_blocks lru_part lru_part",
            "**/*_gate/b": "lru_blocks lru_part",
            "**/a_param": "lru",
            "**/proj_q/kernel": "embed heads",
            "**/proj_k/kernel": "embed head_dim",
            "**/proj_v/kernel": "embed head_dim",
            "**/proj_final/kernel": "heads embed",
            "**/scale": "embed",
            "**/bias": "embed",
        },
        ("embedder/*", "blocks.0/**", "blocks.1/**"),
        {".:0": "batch seq vocab"},
        is_token_lm=True,
    ),
    Case(
        "gemma3",
        "gemma kauldron tensorflow",
        made(gemma3, gemma_loss, {"inputs": tokens(BATCH, SEQ)}),
        TOKENS,
        {
            "embedder/input_embedding": "vocab embed",
            "**/q_einsum/w": "heads embed head_dim",
            "**/kv_einsum/w": "key_value kv_heads embed head_dim",
            "**/attn_vec_einsum/w": "heads head_dim embed",
            "**/_query_norm/scale": "head_dim",
            "**/_key_norm/scale": "head_dim",
            "**/gating_einsum": "gates embed mlp",
            "**/linear": "mlp embed",
            "**/scale": "embed",
        },
        ("embedder/*", "layer_0/**"),
        {".:logits": "batch seq vocab"},
        is_token_lm=True,
    ),
    Case(
        "built_in_linen",
        "axisrules",
        made(lambda: linen_decoder(DECODER), decoder_loss, {"inputs": tokens(BATCH, SEQ)}),
        TOKENS,
        DECODER_TRUTH,
        ("embedding", "layers/attention/*", "layers/mlp/*"),
        {".": "batch seq vocab"},
        is_token_lm=True,
    ),
    Case(
        "built_in_nnx",
        "axisrules",
        made(lambda: nnx_decoder(DECODER), decoder_loss, {"inputs": tokens(BATCH, SEQ)}),
        TOKENS,
        DECODER_TRUTH,
        ("embedding", "layers/attention/*", "layers/mlp/*"),
        {".": "batch seq vocab"},
        is_token_lm=True,
    ),
)
