"""Trains the practice model from nothing but the lessons: `python -m llmchat.practice.train`.

Needs `pip install torch gguf tokenizers`. Rows are whole conversations cut at their length; the
loss counts only what the assistant says. `--go-on-from` trains a model file further instead, which
is quicker when only a few lessons are new.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Self

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from llmchat.practice import gguf_file, lessons
from llmchat.practice import tokenizer as bpe
from llmchat.practice.dialogue import Dialogues
from llmchat.practice.lessons import MODEL_FILE
from llmchat.practice.model import Llama, Shape

THREADS = 2
MESSAGES_OF_A_CONVERSATION = 30


@dataclass(frozen=True)
class Settings:
    """Everything that decides what the training gives."""

    shape: Shape = field(default_factory=Shape)
    seed: int = 1
    steps: int = 3000
    row_lengths: tuple[int, ...] = (256, 512, 1024, 2048)
    row_length_shares: tuple[float, ...] = (0.6, 0.25, 0.05, 0.1)
    tokens_per_step: int = 6144
    matrix_rate: float = 0.02
    other_rate: float = 3e-3
    going_on_share: float = 0.2  # of these rates: a trained model would forget at the full ones
    warm_up_share: float = 0.02
    cool_down_share: float = 0.5
    weight_decay: float = 0.05
    tokenizer_messages: int = 30_000

    def going_on(self) -> Self:
        """The settings under which a model that knows something is trained further."""
        share = self.going_on_share
        return replace(self, matrix_rate=share * self.matrix_rate, other_rate=share * self.other_rate)


class Rows:
    """Draws training rows: whole conversations, tokenised."""

    def __init__(self, dialogues: Dialogues, tokenizer: Tokenizer) -> None:
        self._dialogues = dialogues
        self._tokenizer = tokenizer

    def batch(self, rows: int, length: int) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens (B, T), the tokens that follow (B, T), which of these the assistant says."""
        drawn = [self._row(length + 1) for _ in range(rows)]
        tokens = torch.tensor([row[0] for row in drawn])
        own = torch.tensor([row[1] for row in drawn])
        return tokens[:, :-1], tokens[:, 1:], own[:, 1:]

    def _row(self, length: int) -> tuple[list[int], list[bool]]:
        tokens: list[int] = []
        own: list[bool] = []
        for message in self._dialogues.conversation():
            more_tokens, more_own = bpe.encode(self._tokenizer, message)
            tokens += more_tokens
            own += more_own
            if len(tokens) >= length:
                break
        return tokens[:length], own[:length]


def rate_factor(progress: float, settings: Settings) -> float:
    """The share of the full learning rate: up at once, level, then slowly down to nothing."""
    up = progress / settings.warm_up_share
    down = (1 - progress) / settings.cool_down_share
    return max(0.0, min(1.0, up, down))


def optimizers(model: Llama, settings: Settings) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the matrices inside the blocks, AdamW for the embedding and the norms."""
    matrices = [weight for weight in model.blocks.parameters() if weight.dim() == 2]
    chosen = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in chosen]
    return (
        torch.optim.Muon(matrices, lr=settings.matrix_rate, weight_decay=settings.weight_decay),
        torch.optim.AdamW(others, lr=settings.other_rate, betas=(0.9, 0.98), weight_decay=0.0),
    )


def train(model: Llama, rows: Rows, settings: Settings) -> None:
    """Take all steps."""
    rng = random.Random(settings.seed)
    steppers = optimizers(model, settings)
    full_rates = [stepper.param_groups[0]["lr"] for stepper in steppers]
    for step in range(settings.steps):
        for stepper, full in zip(steppers, full_rates, strict=True):
            stepper.param_groups[0]["lr"] = full * rate_factor(step / settings.steps, settings)
        length = rng.choices(settings.row_lengths, settings.row_length_shares)[0]
        loss = take_step(model, steppers, rows.batch(settings.tokens_per_step // length, length))
        if step % 20 == 0:
            print(f"step {step:5} of {settings.steps}  length {length:4}  loss {loss:.4f}", flush=True)


def take_step(
    model: Llama,
    steppers: tuple[torch.optim.Optimizer, ...],
    batch: tuple[Tensor, Tensor, Tensor],
) -> float:
    """One step on one batch; gives its loss."""
    tokens, following, own = batch
    with torch.autocast("cpu", torch.bfloat16):
        scores = model(tokens, own)
    loss = functional.cross_entropy(scores.float(), following[own])
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for stepper in steppers:
        stepper.step()
        stepper.zero_grad()
    return loss.item()


def contents(dialogues: Dialogues, count: int) -> Iterator[str]:
    """What is said in random conversations."""
    while count > 0:
        for message in islice(dialogues.conversation(), MESSAGES_OF_A_CONVERSATION):
            yield message.content
        count -= MESSAGES_OF_A_CONVERSATION


def beginning(dialogues: Dialogues, settings: Settings, go_on_from: Path | None) -> tuple[Llama, Tokenizer]:
    """An untrained network and a tokenizer learnt from the lessons, or those of a model file."""
    if go_on_from is not None:
        return gguf_file.read(go_on_from, settings.shape)
    texts = contents(dialogues, settings.tokenizer_messages)
    return Llama(settings.shape), bpe.learn(texts, settings.shape.vocabulary)


def main() -> None:
    """Train, say how it goes, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=Settings().steps)
    parser.add_argument("--seed", type=int, default=Settings().seed)
    parser.add_argument("--go-on-from", type=Path, help="a model file to train further")
    parser.add_argument("--out", type=Path, default=MODEL_FILE)
    chosen = parser.parse_args()
    settings = Settings(steps=chosen.steps, seed=chosen.seed)
    if chosen.go_on_from:
        settings = settings.going_on()
    torch.manual_seed(settings.seed)
    torch.set_num_threads(THREADS)
    book = lessons.read()
    dialogues = Dialogues(book, random.Random(settings.seed))
    model, tokenizer = beginning(dialogues, settings, chosen.go_on_from)
    print(f"{sum(weight.numel() for weight in model.parameters()):,} weights", flush=True)
    train(model, Rows(dialogues, tokenizer), settings)
    gguf_file.write(chosen.out, model, settings.shape, tokenizer, book.sha256)
    print(f"{chosen.out.name}: {chosen.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
