"""Hugging Face's masked language models in linen."""

from typing import Any

import jax.numpy as jnp

from benchmarks.zoo.case import (
    BATCH,
    EMBED,
    HEADS,
    LAYERS,
    MLP,
    POSITIONS,
    SEQ,
    VOCAB,
    Case,
    cross_entropy,
    made,
    positions,
    tokens,
)
from benchmarks.zoo.hugging_face_causal import NORMS, TOKENS, module

BERT_SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": EMBED,
    "intermediate_size": MLP,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "max_position_embeddings": POSITIONS,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
BERT_LAYER = {
    "**/query/kernel": "embed heads",
    "**/key/kernel": "embed heads",
    "**/value/kernel": "embed heads",
    "**/query/bias": "heads",
    "**/key/bias": "heads",
    "**/value/bias": "heads",
    "**/attention/output/dense/kernel": "heads embed",
    "**/intermediate/dense/kernel": "embed mlp",
    "**/intermediate/dense/bias": "mlp",
    "**/output/dense/kernel": "mlp embed",
}
# The transform's output meets the embedding table again, so that both of its dims are `embed`.
BERT_HEAD = {"cls/predictions/transform/dense/kernel": "embed embed", "cls/predictions/bias": "vocab"}
BERT_EMBEDDINGS = {
    "**/word_embeddings/embedding": "vocab embed",
    "**/position_embeddings/embedding": "position embed",
    "**/token_type_embeddings/embedding": "types embed",
}
MASKED = {".:logits": "batch seq vocab"}


def bert_loss(model: Any, batch: Any) -> Any:
    """What a masked language model pays for the tokens as they are."""
    ids = batch["inputs"]
    logits = model(ids, jnp.ones_like(ids), jnp.zeros_like(ids), positions(ids), None).logits
    return cross_entropy(logits, ids)


def albert_loss(model: Any, batch: Any) -> Any:
    """The same for a model that masks no heads."""
    ids = batch["inputs"]
    logits = model(ids, jnp.ones_like(ids), jnp.zeros_like(ids), positions(ids)).logits
    return cross_entropy(logits, ids)


def roformer_loss(model: Any, batch: Any) -> Any:
    """The same for a model whose positions are rotations."""
    ids = batch["inputs"]
    return cross_entropy(model(ids, jnp.ones_like(ids), jnp.zeros_like(ids), None).logits, ids)


def distilbert_loss(model: Any, batch: Any) -> Any:
    """The same for a model without token types."""
    ids = batch["inputs"]
    return cross_entropy(model(ids, jnp.ones_like(ids)).logits, ids)


MASKED_MODELS = (
    Case(
        "hf_bert",
        "transformers",
        made(
            lambda: module("bert", "FlaxBertForMaskedLMModule", "BertConfig", **BERT_SIZES),
            bert_loss,
            {"inputs": tokens(BATCH, SEQ)},
        ),
        TOKENS,
        BERT_EMBEDDINGS | BERT_HEAD | BERT_LAYER | NORMS,
        ("**/embeddings/**", "bert/encoder/layer/0/**"),
        MASKED,
        is_token_lm=True,
    ),
    Case(
        "hf_roformer",
        "transformers",
        made(
            lambda: module("roformer", "FlaxRoFormerForMaskedLMModule", "RoFormerConfig", **BERT_SIZES),
            roformer_loss,
            {"inputs": tokens(BATCH, SEQ)},
        ),
        TOKENS,
        BERT_EMBEDDINGS | BERT_HEAD | BERT_LAYER | NORMS,
        ("**/embeddings/**", "roformer/encoder/layer/0/**"),
        MASKED,
        is_token_lm=True,
    ),
    Case(
        "hf_distilbert",
        "transformers",
        made(
            lambda: module(
                "distilbert",
                "FlaxDistilBertForMaskedLMModule",
                "DistilBertConfig",
                vocab_size=VOCAB,
                dim=EMBED,
                hidden_dim=MLP,
                n_layers=LAYERS,
                n_heads=HEADS,
                max_position_embeddings=POSITIONS,
                dropout=0.0,
                attention_dropout=0.0,
            ),
            distilbert_loss,
            {"inputs": tokens(BATCH, SEQ)},
        ),
        TOKENS,
        {
            "**/q_lin/kernel": "embed heads",
            "**/k_lin/kernel": "embed heads",
            "**/v_lin/kernel": "embed heads",
            "**/q_lin/bias": "heads",
            "**/k_lin/bias": "heads",
            "**/v_lin/bias": "heads",
            "**/out_lin/kernel": "heads embed",
            "**/lin1/kernel": "embed mlp",
            "**/lin1/bias": "mlp",
            "**/lin2/kernel": "mlp embed",
            "vocab_transform/kernel": "embed embed",
            "vocab_projector/bias": "vocab",
        }
        | BERT_EMBEDDINGS
        | NORMS,
        ("**/embeddings/**", "distilbert/transformer/layer/0/**"),
        MASKED,
        is_token_lm=True,
    ),
    Case(
        "hf_albert",
        "transformers",
        made(
            lambda: module(
                "albert", "FlaxAlbertForMaskedLMModule", "AlbertConfig", **BERT_SIZES, embedding_size=40
            ),
            albert_loss,
            {"inputs": tokens(BATCH, SEQ)},
        ),
        TOKENS,
        # The embeddings are narrower than the model, and one layer is used again and again.
        {
            "**/word_embeddings/embedding": "vocab token_embed",
            "**/position_embeddings/embedding": "position token_embed",
            "**/token_type_embeddings/embedding": "types token_embed",
            "albert/embeddings/LayerNorm/*": "token_embed",
            "predictions/LayerNorm/*": "token_embed",
            "predictions/bias": "vocab",
            "predictions/dense/kernel": "embed token_embed",
            "predictions/dense/bias": "token_embed",
            "**/embedding_hidden_mapping_in/kernel": "token_embed embed",
            "**/attention/dense/kernel": "heads embed",
            "**/ffn/kernel": "embed mlp",
            "**/ffn/bias": "mlp",
            "**/ffn_output/kernel": "mlp embed",
        }
        | BERT_LAYER
        | NORMS,
        ("albert/embeddings/*/embedding", "**/albert_layers/0/*/*/kernel", "**/albert_layers/0/*/kernel"),
        MASKED,
        is_token_lm=True,
    ),
)
