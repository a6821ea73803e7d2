"""From trained parts to files that others load: a Hugging Face folder and GGUF (f32 and Q8_0, architecture `mistral3`).

`python -m brise.export PARTS OUT` reads `brise-*.safetensors`, `config.json` and `tekken.json` of PARTS and writes
OUT/hf/, OUT/brise-f32.gguf and OUT/brise-q8_0.gguf. Needs PyPI `gguf`. Query and key rows are reordered from
rotate-half to adjacent pairs, as GGUF wants them; rope scaling and query scaling are absent, hence neutral.
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file

from .model import Shape, load_shape
from .tekken import Tekken, letter_of_byte
from .weights import load_parts

_NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip
_KINDS = {"f32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32), "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0)}


def hugging_face(parts: Path, out: Path) -> None:
    """model.safetensors, config.json, generation_config.json, tekken.json."""
    out.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.numpy() for name, tensor in load_parts(parts).items()}
    save_file(state, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(load_shape(parts / "config.json").hugging_face(), indent=1) + "\n")
    (out / "generation_config.json").write_text(json.dumps({"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 11, "do_sample": False}, indent=1) + "\n")
    (out / "tekken.json").write_bytes((parts / "tekken.json").read_bytes())


def to_gguf(parts: Path, path: Path, kind: str) -> None:
    """One GGUF file; norms stay f32 whatever the kind."""
    shape, tekken = load_shape(parts / "config.json"), Tekken(parts / "tekken.json")
    quantization, file_type = _KINDS[kind]
    writer = gguf.GGUFWriter(path, "mistral3")
    _write_shape(writer, shape, file_type)
    _write_tokenizer(writer, tekken)
    for name, tensor in load_parts(parts).items():
        values = tensor.numpy()
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            values = _adjacent_pairs(values, shape.head_dim)
        if values.ndim == 1 or kind == "f32":
            writer.add_tensor(_gguf_name(name), np.ascontiguousarray(values, dtype=np.float32))
        else:
            writer.add_tensor(_gguf_name(name), gguf.quants.quantize(values, quantization), raw_dtype=quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merges(tekken: Tekken) -> list[str]:
    """The pair of earlier tokens that each token is merged from, in rank order."""
    letters = letter_of_byte()
    ranks = {piece: rank for rank, piece in enumerate(tekken.token_bytes)}
    spell = lambda piece: "".join(letters[b] for b in piece)  # noqa: E731
    pairs = []
    for rank, piece in enumerate(tekken.token_bytes[256:], start=256):
        left, right = _halves(piece, ranks, rank)
        pairs.append(f"{spell(left)} {spell(right)}")
    return pairs


def _halves(piece: bytes, ranks: dict[bytes, int], rank: int) -> tuple[bytes, bytes]:
    """Runs the merges below `rank` over the piece; what is left are its two halves."""
    parts = [bytes([b]) for b in piece]
    while len(parts) > 2:
        best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], rank))
        if ranks.get(parts[best] + parts[best + 1], rank) >= rank:
            raise ValueError(f"token {piece!r} cannot be reached by merges")
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts[0], parts[1]


def _write_shape(writer: gguf.GGUFWriter, shape: Shape, file_type: int) -> None:
    writer.add_name("Brise")
    writer.add_license("apache-2.0")
    writer.add_languages(["fr", "en"])
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(shape.vocab_size)
    writer.add_context_length(shape.max_position_embeddings)
    writer.add_embedding_length(shape.hidden_size)
    writer.add_block_count(shape.num_hidden_layers)
    writer.add_feed_forward_length(shape.intermediate_size)
    writer.add_head_count(shape.num_attention_heads)
    writer.add_head_count_kv(shape.num_key_value_heads)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(shape.rms_norm_eps)
    # What `generation_config.json` says with `do_sample`: the most probable token.
    writer.add_float32("general.sampling.temp", 0.0)


def _write_tokenizer(writer: gguf.GGUFWriter, tekken: Tekken) -> None:
    letters = letter_of_byte()
    specials = [tekken.special_names[i] for i in range(tekken.num_special)]
    plain = ["".join(letters[b] for b in piece) for piece in tekken.token_bytes]
    kinds = [gguf.TokenType.CONTROL] * len(specials) + [gguf.TokenType.NORMAL] * len(plain)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("tekken")
    writer.add_token_list(specials + plain)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges(tekken))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(11)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)


def _gguf_name(name: str) -> str:
    fixed = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    if name in fixed:
        return fixed[name]
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{_NAMES[rest.removesuffix('.weight')]}.weight"


def _adjacent_pairs(weight: np.ndarray, head_dim: int) -> np.ndarray:
    """Rows of each head from (first halves, second halves) to (first, second), (first, second), …"""
    rows, columns = weight.shape
    return weight.reshape(rows // head_dim, 2, head_dim // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    hugging_face(options.parts, options.out / "hf")
    for kind in _KINDS:
        path = options.out / f"brise-{kind}.gguf"
        to_gguf(options.parts, path, kind)
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
