"""What a training step of the built-in decoder communicates and computes in theory: from its sizes alone.

Payload is the whole array that a group gathers, reduces or scatters, in bytes per device and step.
Sources: Shoeybi et al. 2019, "Megatron-LM"; Korthikanti et al. 2022, "Reducing Activation Recomputation in
Large Transformer Models"; Rajbhandari et al. 2020, "ZeRO".
"""

from dataclasses import dataclass

from axisrules.models import DecoderConfig

NARROW, WIDE = 2, 4
"""Bytes of what matmuls compute in (bfloat16) and of what norms and losses do (float32)."""


@dataclass(frozen=True)
class Theory:
    """A decoder on batches of `batch` sequences of `seq` tokens; all devices together."""

    config: DecoderConfig
    batch: int
    seq: int

    @property
    def layer_kernels(self) -> int:
        """Weights of one layer's matmuls: query, key, value, out, and the three of the gated MLP."""
        c = self.config
        return c.embed * c.head_dim * (2 * c.heads + 2 * c.kv_heads) + 3 * c.embed * c.mlp

    @property
    def tables(self) -> int:
        """Weights of the embedding and of the head."""
        return 2 * self.config.vocab * self.config.embed

    @property
    def layer_norms(self) -> int:
        """Weights of one layer's two norms."""
        return 2 * self.config.embed

    @property
    def gradient_bytes(self) -> int:
        """All gradients: what data parallelism all-reduces. The matmuls' are bfloat16, the norms' float32."""
        c = self.config
        return NARROW * (c.layers * self.layer_kernels + self.tables) + WIDE * (
            c.layers * self.layer_norms + c.embed
        )

    @property
    def gathered_bytes(self) -> int:
        """What fully sharded data parallelism all-gathers.

        ZeRO's stage 3 gathers every weight for the forward and again for the backward pass. The embedding
        and the head are used once in each direction, one right after the other or (the embedding) for its
        gradient not at all, and so are gathered once.
        """
        c = self.config
        layers = c.layers * (NARROW * self.layer_kernels + WIDE * self.layer_norms)
        return 2 * layers + NARROW * self.tables + WIDE * c.embed

    @property
    def activation_bytes(self) -> int:
        """One activation between blocks: [batch, seq, embed]."""
        return NARROW * self.batch * self.seq * self.config.embed

    @property
    def loss_bytes(self) -> int:
        """What a loss over a cut vocabulary reduces: per token a maximum, a sum and the target's logit."""
        return self.batch * self.seq * (NARROW + WIDE + WIDE)

    @property
    def tensor_reduced_bytes(self) -> int:
        """What tensor parallelism all-reduces.

        Per layer the result of attention and of the MLP, and backward the gradient of what goes into each:
        4. The cut embedding's result and the gradient of what goes into the cut head: 2 more.
        """
        return (4 * self.config.layers + 2) * self.activation_bytes + self.loss_bytes

    @property
    def sequence_bytes(self) -> int:
        """What sequence parallelism all-gathers, and reduce-scatters: for each all-reduce one of each."""
        return (4 * self.config.layers + 2) * self.activation_bytes

    @property
    def regathered_bytes(self) -> int:
        """What it all-gathers besides where only a device's own part is kept for the backward pass.

        What goes into attention and into the MLP is then gathered again: 2 a layer.
        Source: Korthikanti et al. 2022, section 4.2.2.
        """
        return 2 * self.config.layers * self.activation_bytes

    @property
    def dot_flops(self) -> int:
        """FLOPs of the step's matmuls: forward, and backward twice that, less the embedding's input gradient.

        Attention's scores and mixture are computed whole, not only below the diagonal; the embedding is a
        matmul with a one-hot, whose input needs no gradient.
        """
        c = self.config
        tokens = self.batch * self.seq
        layer = tokens * (self.layer_kernels + 2 * self.seq * c.heads * c.head_dim)
        table = tokens * c.vocab * c.embed
        return 2 * (3 * (c.layers * layer + table) + 2 * table)
