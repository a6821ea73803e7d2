#!/usr/bin/env python3
"""Write the test data of the checkpoint crate: files by PyPI gguf, configurations resolved by transformers.

    python vectors/checkpoint/make.py

Needs gguf, numpy, torch, transformers (README.md says which versions were used). Equal versions give equal bytes.
"""

import json
import pathlib
import tempfile

import gguf
import numpy as np

HERE = pathlib.Path(__file__).parent


# ---- GGUF files

def numbers(name, *shape):
    """Every tensor its own numbers, from its name alone."""
    seed = int.from_bytes(name.encode(), "little") % 2**64
    return np.random.Generator(np.random.SFC64(seed)).standard_normal(shape, np.float32)


def write_gguf(path, **options):
    """A two-layer model with the keys of Ministral 3 and a Tekken-like vocabulary."""
    writer = gguf.GGUFWriter(path, "mistral3", **options)
    writer.add_name("by gguf")
    writer.add_license("apache-2.0")
    writer.add_file_type(0)
    writer.add_block_count(2)
    writer.add_context_length(4096)
    writer.add_embedding_length(8)
    writer.add_feed_forward_length(6)
    writer.add_head_count(2)
    writer.add_head_count_kv([1, 1])
    writer.add_key_length(6)
    writer.add_value_length(6)
    writer.add_rope_dimension_count(6)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(1e6)
    writer.add_vocab_size(5)
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(16.0)
    writer.add_rope_scaling_orig_ctx_len(256)
    writer.add_rope_scaling_yarn_beta_fast(32.0)
    writer.add_rope_scaling_yarn_beta_slow(1.0)
    writer.add_rope_scaling_yarn_log_mul(1.0)
    writer.add_attn_temperature_scale(0.1)
    writer.add_string("mistral3.made_up", "by nobody")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("tekken")
    writer.add_token_list(["<unk>", "<s>", "</s>", "Ġ", "é"])
    writer.add_token_types([2, 3, 3, 1, 1])
    writer.add_token_merges(["Ġ é"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_chat_template("{{ messages }}")
    shapes = {"token_embd": (5, 8), "output_norm": (8,)}
    for n in range(2):
        shapes |= {
            f"blk.{n}.attn_norm": (8,), f"blk.{n}.attn_q": (12, 8), f"blk.{n}.attn_k": (6, 8),
            f"blk.{n}.attn_v": (6, 8), f"blk.{n}.attn_output": (8, 12), f"blk.{n}.ffn_norm": (8,),
            f"blk.{n}.ffn_gate": (6, 8), f"blk.{n}.ffn_up": (6, 8), f"blk.{n}.ffn_down": (8, 6),
        }
    for name, shape in shapes.items():
        writer.add_tensor(name + ".weight", numbers(name, *shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return shapes


def gguf_files():
    shapes = write_gguf(HERE / "whole.gguf")
    write_gguf(HERE / "split.gguf", split_max_tensors=8)
    write_gguf(HERE / "big-endian.gguf", endianess=gguf.GGUFEndian.BIG)
    # Version 2 has the layout of version 3.
    second = bytearray((HERE / "whole.gguf").read_bytes())
    second[4] = 2
    (HERE / "version-2.gguf").write_bytes(second)
    reader = gguf.GGUFReader(HERE / "whole.gguf")
    keys = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    first = {name: numbers(name, *shape).reshape(-1)[:3].tolist() for name, shape in shapes.items()}
    write_json("whole.json", {"keys": keys, "first": first})


# ---- configurations

YARN = {"rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 16384,
        "beta_fast": 32.0, "beta_slow": 1.0}
SMALL = {"hidden_size": 96, "num_attention_heads": 4, "num_hidden_layers": 3, "intermediate_size": 160}

CONFIGS = {
    # nothing but the class: its own values
    "llama alone": {"model_type": "llama"},
    "mistral alone": {"model_type": "mistral"},
    "ministral alone": {"model_type": "ministral"},
    "ministral3 alone": {"model_type": "ministral3"},
    "mixtral alone": {"model_type": "mixtral"},
    "helium alone": {"model_type": "helium"},
    "mistral3 with an empty text_config": {"model_type": "mistral3", "text_config": {}},
    "mistral3 over ministral3": {"model_type": "mistral3", "text_config": {"model_type": "ministral3"}},
    "mistral3, untied outside": {"model_type": "mistral3", "tie_word_embeddings": False, "text_config": SMALL | {"num_key_value_heads": 2}},
    "mistral3, untied inside only": {"model_type": "mistral3", "text_config": SMALL | {
        "num_key_value_heads": 2, "tie_word_embeddings": False}},
    # rotary embedding, old form
    "old form": {"model_type": "mistral", "rope_theta": 1e8, "rope_scaling": None, "sliding_window": None},
    "old form, linear": {"model_type": "llama", "rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 4.0}},
    "old form, YaRN": {"model_type": "mistral", "rope_theta": 1e6, "max_position_embeddings": 65536,
                       "rope_scaling": {"type": "yarn", "factor": 8.0, "original_max_position_embeddings": 8192}},
    "old form, YaRN without context": {"model_type": "mistral", "max_position_embeddings": 4096,
                                       "rope_scaling": {"type": "yarn", "factor": 2.0}},
    "old form in ministral3": {"model_type": "ministral3", "rope_theta": 1e4},
    "old scaling in ministral3": {"model_type": "ministral3", "rope_theta": 1e4,
                                  "rope_scaling": YARN | {"llama_4_scaling_beta": 0.1}},
    # rotary embedding, new form
    "new form": {"model_type": "mistral", "rope_parameters": {"rope_type": "default", "rope_theta": 1e9}},
    "new form without theta": {"model_type": "mixtral", "rope_parameters": {"rope_type": "default"}},
    "new form, theta outside": {"model_type": "mistral", "rope_theta": 1e7, "rope_parameters": {"rope_type": "default"}},
    "new form, type by its old name": {"model_type": "mistral", "rope_parameters": {"type": "linear", "factor": 2.0}},
    "YaRN, the paper's magnitude": {"model_type": "mistral", "rope_parameters": YARN},
    "YaRN, magnitude given": {"model_type": "mistral", "rope_parameters": YARN | {"attention_factor": 1.25}},
    "YaRN, equal weights": {"model_type": "ministral3", "rope_parameters": YARN | {
        "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1}},
    "YaRN, one weight zero": {"model_type": "ministral3", "rope_parameters": YARN | {
        "factor": 64.0, "mscale": 1.0, "mscale_all_dim": 0.0, "beta_fast": 4.0, "llama_4_scaling_beta": 0.1}},
    "YaRN, one weight only": {"model_type": "mistral", "rope_parameters": YARN | {"mscale_all_dim": 1.0}},
    "YaRN, two weights": {"model_type": "mistral", "rope_parameters": YARN | {"mscale": 0.707, "mscale_all_dim": 1.5}},
    "YaRN, factor 1": {"model_type": "mistral", "rope_parameters": YARN | {"factor": 1.0}},
    "YaRN, betas zero": {"model_type": "mistral", "rope_parameters": YARN | {"beta_fast": 0, "beta_slow": 0}},
    # sizes
    "odd sizes": SMALL | {"model_type": "mistral", "num_key_value_heads": 2, "head_dim": 24, "vocab_size": 100},
    "heads wider than the model": SMALL | {"model_type": "mistral", "head_dim": 128, "num_key_value_heads": 1},
    "head_dim null": SMALL | {"model_type": "mistral", "head_dim": None, "num_key_value_heads": 4},
    "llama without key-value heads": SMALL | {"model_type": "llama"},
    "tied": SMALL | {"model_type": "llama", "tie_word_embeddings": True},
    "experts": SMALL | {"model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 3, "num_key_value_heads": 2},
    # windows
    "window": SMALL | {"model_type": "mistral", "sliding_window": 77, "num_key_value_heads": 2},
    "no window": SMALL | {"model_type": "mistral", "sliding_window": None, "num_key_value_heads": 2},
    "window in mixtral": SMALL | {"model_type": "mixtral", "sliding_window": 77, "num_key_value_heads": 2},
    "layers of two kinds": SMALL | {"model_type": "ministral", "sliding_window": 5, "num_key_value_heads": 2, "layer_types": [
        "full_attention", "sliding_attention", "sliding_attention"]},
    "ministral without kinds": SMALL | {"model_type": "ministral", "sliding_window": 5, "num_key_value_heads": 2},
    "ministral without a window": SMALL | {"model_type": "ministral", "sliding_window": None, "num_key_value_heads": 2},
    # what code could be loaded by, and is not
    "auto_map": {"model_type": "mistral", "auto_map": {"AutoModelForCausalLM": "evil.Model"}, "trust_remote_code": True},
}


def resolved(config):
    """The values that transformers computes with."""
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    assert config["model_type"] in CONFIG_MAPPING
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "config.json").write_text(json.dumps(config))
        whole = AutoConfig.from_pretrained(folder)
    text = whole.get_text_config()
    kind = text.model_type
    module = __import__(f"transformers.models.{kind}.modeling_{kind}", fromlist=["*"])
    rotary = getattr(module, {"ministral3": "Ministral3", "ministral": "Ministral"}.get(kind, kind.title()) + "RotaryEmbedding")
    rope = text.rope_parameters
    window = None if kind in ("llama", "helium") else text.sliding_window
    layer_types = getattr(text, "layer_types", None) if kind == "ministral" else None
    kinds = layer_types or ["sliding_attention"] * text.num_hidden_layers
    return {
        "architecture": kind,
        "vocab_size": text.vocab_size,
        "dim": text.hidden_size,
        "hidden_dim": text.intermediate_size,
        "n_layers": text.num_hidden_layers,
        "n_heads": text.num_attention_heads,
        "n_kv_heads": text.num_key_value_heads,
        "head_dim": getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads,
        "norm_eps": text.rms_norm_eps,
        "context_length": text.max_position_embeddings,
        "theta": rope["rope_theta"],
        "rope_type": rope["rope_type"],
        "factor": rope.get("factor"),
        "original_context": rope.get("original_max_position_embeddings"),
        "beta_fast": rope.get("beta_fast") or 32,
        "beta_slow": rope.get("beta_slow") or 1,
        "attention_factor": float(rotary(text).attention_scaling),
        "query_beta": rope.get("llama_4_scaling_beta"),
        "windows": [window if kind == "sliding_attention" else None for kind in kinds],
        "experts": [text.num_local_experts, text.num_experts_per_tok] if kind == "mixtral" else None,
        "tied": bool(whole.tie_word_embeddings),
    }


def write_json(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def main():
    gguf_files()
    rows = [{"name": name, "config": config, "resolved": resolved(config)} for name, config in CONFIGS.items()]
    write_json("configs.json", rows)


if __name__ == "__main__":
    main()
