"""Hugging Face's encoder-decoders, vision and sound in linen."""

from typing import Any

import jax.numpy as jnp

from benchmarks.zoo.case import (
    BATCH,
    CHANNELS,
    CLASSES,
    EMBED,
    HEADS,
    IMAGE,
    LAYERS,
    MLP,
    PATCH,
    POSITIONS,
    SEQ,
    SOURCE,
    VOCAB,
    Case,
    cross_entropy,
    floats,
    made,
    next_token,
    positions,
    tokens,
)
from benchmarks.zoo.hugging_face_causal import NORMS, OPT_MLP, PROJECTIONS, module
from benchmarks.zoo.hugging_face_masked import BERT_LAYER, BERT_SIZES, MASKED

IMAGES = {"pixels": "batch height width channels", "labels": "batch"}
# A decoder over tokens that reads what an encoder has made of something else.
PAIR = {"source": "batch source", "inputs": "batch seq"}


def image_loss(model: Any, batch: Any) -> Any:
    """Classification of images."""
    return cross_entropy(model(batch["pixels"]).logits, batch["labels"])


def bart_loss(model: Any, batch: Any) -> Any:
    """Next-token loss of a decoder that reads encoded tokens."""
    source, ids = batch["source"], batch["inputs"]
    masks = jnp.ones_like(source), jnp.ones_like(ids)
    places = positions(source), positions(ids)
    return next_token(model(source, masks[0], ids, masks[1], *places).logits, ids)


def t5_loss(model: Any, batch: Any) -> Any:
    """The same for a model with relative positions."""
    source, ids = batch["source"], batch["inputs"]
    logits = model(source, jnp.ones_like(source), ids, jnp.ones_like(ids)).logits
    return next_token(logits, ids)


def whisper_loss(model: Any, batch: Any) -> Any:
    """Next-token loss of a decoder that reads encoded sound."""
    ids = batch["inputs"]
    logits = model(batch["sound"], ids, jnp.ones_like(ids), positions(ids)).logits
    return next_token(logits, ids)


def clip_loss(model: Any, batch: Any) -> Any:
    """Each text to its own image."""
    ids = batch["inputs"]
    found = model(ids, batch["pixels"], jnp.ones_like(ids), positions(ids))
    return cross_entropy(found.logits_per_text, jnp.arange(ids.shape[0]))


def t5_module() -> Any:
    """T5, whose source calls `jnp.clip` by a name that JAX has taken away since."""
    original = jnp.clip

    def clip(x: Any, a_min: Any = None, a_max: Any = None, **words: Any) -> Any:
        return original(x, words.get("min", a_min), words.get("max", a_max))

    clip.is_patch = True  # type: ignore[attr-defined]
    if not hasattr(original, "is_patch"):
        jnp.clip = clip
    return module(
        "t5",
        "FlaxT5ForConditionalGenerationModule",
        "T5Config",
        vocab_size=VOCAB,
        d_model=EMBED,
        d_kv=EMBED // HEADS,
        d_ff=MLP,
        num_layers=LAYERS,
        num_heads=HEADS,
        relative_attention_num_buckets=6,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        dropout_rate=0.0,
    )


OTHERS = (
    Case(
        "hf_vit",
        "transformers",
        made(
            lambda: module(
                "vit",
                "FlaxViTForImageClassificationModule",
                "ViTConfig",
                hidden_size=EMBED,
                intermediate_size=MLP,
                num_hidden_layers=LAYERS,
                num_attention_heads=HEADS,
                image_size=IMAGE,
                patch_size=PATCH,
                num_labels=CLASSES,
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
            ),
            image_loss,
            {"pixels": floats(BATCH, IMAGE, IMAGE, CHANNELS), "labels": tokens(BATCH) % CLASSES},
        ),
        IMAGES,
        {
            "**/projection/kernel": "patch_height patch_width channels embed",
            "vit/embeddings/cls_token": "_ _ embed",
            "vit/embeddings/position_embeddings": "_ patches embed",
            "classifier/kernel": "embed classes",
            "classifier/bias": "classes",
        }
        | BERT_LAYER
        | NORMS,
        ("vit/embeddings/**", "vit/encoder/layer/0/**"),
        {".:logits": "batch classes"},
    ),
    Case(
        "hf_t5",
        "transformers",
        made(t5_module, t5_loss, {"source": tokens(BATCH, SOURCE), "inputs": tokens(BATCH, SEQ)}),
        PAIR,
        {
            "shared/embedding": "vocab embed",
            "**/relative_attention_bias/embedding": "buckets heads",
            "**/q/kernel": "embed heads",
            "**/k/kernel": "embed heads",
            "**/v/kernel": "embed heads",
            "**/o/kernel": "heads embed",
            "**/wi_*/kernel": "embed mlp",
            "**/wo/kernel": "mlp embed",
            "lm_head/kernel": "embed vocab",
        }
        | NORMS,
        ("shared/embedding", "*coder/block/0/**"),
        MASKED,
    ),
    Case(
        "hf_bart",
        "transformers",
        made(
            lambda: module(
                "bart",
                "FlaxBartForConditionalGenerationModule",
                "BartConfig",
                vocab_size=VOCAB,
                d_model=EMBED,
                encoder_ffn_dim=MLP,
                decoder_ffn_dim=MLP,
                encoder_layers=LAYERS,
                decoder_layers=LAYERS,
                encoder_attention_heads=HEADS,
                decoder_attention_heads=HEADS,
                max_position_embeddings=POSITIONS,
                dropout=0.0,
            ),
            bart_loss,
            {"source": tokens(BATCH, SOURCE), "inputs": tokens(BATCH, SEQ)},
        ),
        PAIR,
        {
            "model/shared/embedding": "vocab embed",
            "**/embed_positions/embedding": "position embed",
            "final_logits_bias": "_ vocab",
        }
        | PROJECTIONS
        | OPT_MLP
        | NORMS,
        ("**/embedding", "model/*coder/layers/0/**"),
        MASKED,
    ),
    Case(
        "hf_whisper",
        "transformers",
        made(
            lambda: module(
                "whisper",
                "FlaxWhisperForConditionalGenerationModule",
                "WhisperConfig",
                vocab_size=VOCAB,
                d_model=EMBED,
                encoder_ffn_dim=MLP,
                decoder_ffn_dim=MLP,
                encoder_layers=LAYERS,
                decoder_layers=LAYERS,
                encoder_attention_heads=HEADS,
                decoder_attention_heads=HEADS,
                num_mel_bins=18,
                max_source_positions=SOURCE,
                max_target_positions=POSITIONS,
                pad_token_id=0,
                bos_token_id=1,
                eos_token_id=2,
                decoder_start_token_id=1,
                dropout=0.0,
            ),
            whisper_loss,
            {"sound": floats(BATCH, 18, 2 * SOURCE), "inputs": tokens(BATCH, SEQ)},
        ),
        {"sound": "batch mel frames", "inputs": "batch seq"},
        {
            "model/decoder/embed_tokens/embedding": "vocab embed",
            "model/decoder/embed_positions/embedding": "position embed",
            "model/encoder/embed_positions/embedding": "source embed",
            "**/conv1/kernel": "taps mel conv",
            "**/conv1/bias": "conv",
            "**/conv2/kernel": "taps conv embed",
        }
        | PROJECTIONS
        | OPT_MLP
        | NORMS,
        ("**/embedding", "**/conv*/kernel", "model/*coder/layers/0/**"),
        MASKED,
    ),
    Case(
        "hf_clip",
        "transformers",
        made(
            lambda: module(
                "clip",
                "FlaxCLIPModule",
                "CLIPConfig",
                text_config={**BERT_SIZES, "eos_token_id": 2},
                vision_config={
                    "hidden_size": 48,
                    "intermediate_size": 80,
                    "num_hidden_layers": LAYERS,
                    "num_attention_heads": 6,
                    "image_size": IMAGE,
                    "patch_size": PATCH,
                },
                projection_dim=40,
            ),
            clip_loss,
            {"inputs": tokens(BATCH, SEQ), "pixels": floats(BATCH, IMAGE, IMAGE, CHANNELS)},
        ),
        {"inputs": "batch seq", "pixels": "batch height width channels"},
        {
            "logit_scale": "",
            "text_model/embeddings/token_embedding/embedding": "vocab embed",
            "text_model/embeddings/position_embedding/embedding": "position embed",
            "text_projection/kernel": "embed projection",
            "visual_projection/kernel": "image_embed projection",
            "vision_model/embeddings/class_embedding": "image_embed",
            "vision_model/embeddings/patch_embedding/kernel": "patch_height patch_width channels image_embed",
            "vision_model/embeddings/position_embedding/embedding": "patches image_embed",
            **{f"text_model/{glob}": names for glob, names in (PROJECTIONS | OPT_MLP | NORMS).items()},
            **{
                f"vision_model/{glob}": " ".join(f"image_{name}" for name in names.split())
                for glob, names in (PROJECTIONS | OPT_MLP | NORMS).items()
            },
        },
        ("*/embeddings/**", "*_projection/kernel", "*_model/encoder/layers/0/**"),
        {},
    ),
)
