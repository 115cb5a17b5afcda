"""The tokenizer: a byte-level BPE learnt from the lessons, cut as llama.cpp's `qwen2` cuts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from llmchat.practice.dialogue import Message

IM_START, IM_END = "<|im_start|>", "<|im_end|>"
SPECIAL = (IM_START, IM_END)
QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def learn(texts: Iterable[str], size: int) -> Tokenizer:
    """A tokenizer of `size` tokens: every byte, then the merges that shorten the texts most."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _words()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def build(tokens: Sequence[str], merges: Sequence[tuple[str, str]]) -> Tokenizer:
    """The tokenizer that a model file describes."""
    numbers = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=numbers, merges=list(merges)))
    tokenizer.pre_tokenizer = _words()
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def _words() -> pre_tokenizers.PreTokenizer:
    """Cuts a text into words, and the words into bytes."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def encode(tokenizer: Tokenizer, message: Message) -> tuple[list[int], list[bool]]:
    """The tokens of a message in ChatML, and which of them the model itself has to say."""
    head = tokenizer.encode(f"{IM_START}{message.role}\n").ids
    said = tokenizer.encode(f"{message.content}{IM_END}").ids
    tail = tokenizer.encode("\n").ids
    own = message.role == "assistant"
    return head + said + tail, [False] * len(head) + [own] * len(said) + [False] * len(tail)


def vocabulary(tokenizer: Tokenizer) -> tuple[list[str], list[str]]:
    """The tokens in order and the merges, as a GGUF file spells them."""
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    return tokens, [" ".join(pair) for pair in model["merges"]]
