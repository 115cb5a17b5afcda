"""The network: a small llama. B rows, T tokens, C channels, H heads, D = C / H, V vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The sizes of the network."""

    vocabulary: int = 1280
    channels: int = 192
    layers: int = 4
    heads: int = 3
    hidden: int = 512
    context: int = 2048
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5


def rotations(shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosine and sine of every position's angles, each (T, D / 2)."""
    size = shape.channels // shape.heads
    speeds = shape.rope_base ** (-torch.arange(0, size, 2) / size)
    angles = torch.outer(torch.arange(shape.context), speeds)
    return angles.cos(), angles.sin()


def rotate(vectors: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn each pair of neighbouring channels of (B, H, T, D) by the angle of its position."""
    even, odd = vectors[..., 0::2], vectors[..., 1::2]
    turned = (even * cosine - odd * sine, even * sine + odd * cosine)
    return torch.stack(turned, dim=-1).flatten(-2).to(vectors.dtype)


class Attention(nn.Module):
    """Causal self-attention with rotary positions: (B, T, C) to (B, T, C)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query, self.key, self.value, self.output = (
            nn.Linear(shape.channels, shape.channels, bias=False) for _ in range(4)
        )

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Each token looks at itself and at those before it."""
        query, key, value = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        query, key = rotate(query, cosine, sine), rotate(key, cosine, sine)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        mixed: Tensor = self.output(seen.transpose(1, 2).flatten(-2))
        return mixed


class FeedForward(nn.Module):
    """A gated layer: (B, T, C) to (B, T, C)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.channels, shape.hidden, bias=False)
        self.up = nn.Linear(shape.channels, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Each token by itself."""
        fed: Tensor = self.down(functional.silu(self.gate(x)) * self.up(x))
        return fed


class Block(nn.Module):
    """Attention, then feed-forward, each added to the stream: (B, T, C) to (B, T, C)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.channels, eps=shape.norm_epsilon)
        self.attention = Attention(shape)
        self.feed_norm = nn.RMSNorm(shape.channels, eps=shape.norm_epsilon)
        self.feed = FeedForward(shape)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """One layer of the network."""
        x = x + self.attention(self.attention_norm(x), cosine, sine)
        fed: Tensor = self.feed(self.feed_norm(x))
        return x + fed


class Llama(nn.Module):
    """The whole network; the embedding is also the output layer."""

    cosine: Tensor
    sine: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.vocabulary, shape.channels)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.channels, eps=shape.norm_epsilon)
        cosine, sine = rotations(shape)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)
        for weight in self.parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=0.02)

    def forward(self, tokens: Tensor, own: Tensor) -> Tensor:
        """Scores (N, V) for the token after each of the N places of (B, T) marked in `own`."""
        x = self.embedding(tokens)
        cosine, sine = self.cosine[: tokens.shape[1]], self.sine[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, cosine, sine)
        return functional.linear(self.norm(x)[own], self.embedding.weight)
