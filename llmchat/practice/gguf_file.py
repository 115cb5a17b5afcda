"""The GGUF file: the network, its tokenizer and its chat template, as llama.cpp reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from llmchat.practice import tokenizer as bpe
from llmchat.practice.lessons import DIGEST_KEY
from llmchat.practice.model import Llama, Shape

NAME = "llmchat practice model"
PARTS = {
    "embedding": "token_embd",
    "norm": "output_norm",
    "attention_norm": "attn_norm",
    "attention.query": "attn_q",
    "attention.key": "attn_k",
    "attention.value": "attn_v",
    "attention.output": "attn_output",
    "feed_norm": "ffn_norm",
    "feed.gate": "ffn_gate",
    "feed.up": "ffn_up",
    "feed.down": "ffn_down",
}


def write(path: Path, model: Llama, shape: Shape, tokenizer: Tokenizer, lessons_sha256: str) -> None:
    """Write the whole file, beside its place first: a reader never sees half of it."""
    unfinished = path.with_suffix(".part")
    writer = gguf.GGUFWriter(unfinished, "llama")
    _add_shape(writer, shape)
    _add_tokenizer(writer, tokenizer)
    _add_sampling(writer)
    writer.add_string(DIGEST_KEY, lessons_sha256)
    for name, values in tensors(model):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(path)


def read(path: Path, shape: Shape) -> tuple[Llama, Tokenizer]:
    """The network and the tokenizer of a file that `write` wrote."""
    reader = gguf.GGUFReader(path)
    data = {tensor.name: tensor.data for tensor in reader.tensors}
    model = Llama(shape)
    model.load_state_dict(
        {name: torch.from_numpy(data[gguf_name(name)].astype(numpy.float32)) for name in model.state_dict()}
    )
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = reader.fields["tokenizer.ggml.merges"].contents()
    return model, bpe.build(tokens, [tuple(merge.split(" ")) for merge in merges])


def _add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name(NAME)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.channels)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.channels // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    tokens, merges = bpe.vocabulary(tokenizer)
    kinds = [gguf.TokenType.CONTROL if token in bpe.SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_add_bos_token(False)
    writer.add_eos_token_id(tokens.index(bpe.IM_END))
    writer.add_pad_token_id(tokens.index(bpe.IM_END))
    writer.add_chat_template(bpe.CHAT_TEMPLATE)


def _add_sampling(writer: gguf.GGUFWriter) -> None:
    """Cut nothing off by default: what a model knows by heart would not vary at temperature 2."""
    writer.add_sampling_top_p(1.0)
    writer.add_sampling_min_p(0.0)


def tensors(model: Llama) -> Iterator[tuple[str, NDArray[Any]]]:
    """Every weight under llama.cpp's name: matrices in 16 bits, norms in 32."""
    for name, weight in model.state_dict().items():
        values = weight.float().numpy()
        yield gguf_name(name), values.astype(numpy.float16) if values.ndim == 2 else values


def gguf_name(name: str) -> str:
    """llama.cpp's name of one of our weights."""
    part = name.removesuffix(".weight")
    if part in PARTS:
        return f"{PARTS[part]}.weight"
    _, number, block_part = part.split(".", 2)
    return f"blk.{number}.{PARTS[block_part]}.weight"
