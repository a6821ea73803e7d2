#!/usr/bin/env python3
"""Write the tiny random-weight checkpoints beside this script, and the logits that `transformers` computes for them.

    python make.py            # all of them
    python make.py llama ...  # some

Equal scripts and library versions give equal files. Needs torch, transformers, safetensors, gguf and numpy
(README.md names the versions). Tests read what this wrote and never run it.
"""

import json
import math
import shutil
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
VOCAB = 40  # not a whole number of 16-row groups
PROMPT = [1] + np.random.Generator(np.random.SFC64(40)).integers(3, VOCAB, 39).tolist()

# Shapes. Variants of one shape have the same weights, so that git keeps them once.
BASE = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, max_position_embeddings=128, rms_norm_eps=1e-5, pad_token_id=None)
OTHER_HEADS = BASE | dict(num_attention_heads=2, num_key_value_heads=1, head_dim=12)  # 24 is not the hidden size of 32
ODD = BASE | dict(hidden_size=96, intermediate_size=160, num_hidden_layers=1, num_attention_heads=2,
                  num_key_value_heads=1, head_dim=24, tie_word_embeddings=True)
EXPERTS = BASE | dict(intermediate_size=8, num_hidden_layers=1, num_local_experts=8, num_experts_per_tok=2)


def rope(theta):
    return dict(rope_parameters=dict(rope_type="default", rope_theta=theta))


def yarn(**more):
    """An original context of 16 tokens, shorter than the prompt; the small base puts a frequency inside the ramp."""
    return dict(rope_parameters=dict(
        rope_type="yarn", rope_theta=100.0, factor=16.0, original_max_position_embeddings=16, beta_fast=32.0,
        beta_slow=1.0, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.1) | more)


VISION = dict(model_type="pixtral", hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
              head_dim=8, image_size=8, patch_size=2, num_channels=3, hidden_act="silu",
              rope_parameters=dict(rope_type="default", rope_theta=10000.0))


@dataclass
class Variant:
    model_type: str
    config: dict
    layouts: tuple = ("hf",)
    dtype: torch.dtype = torch.float32
    sharded: bool = False
    old_rope: bool = False  # rope_theta and rope_scaling in config.json, as before transformers 5
    vision: bool = False    # nested in a mistral3 model with an image tower
    fp8: tuple | None = None  # () one scale a tensor, (rows, cols) one scale a tile
    seed: int = 1


ALL = ("hf", "mistral", "gguf")
VARIANTS = {
    "llama": Variant("llama", BASE | rope(10000.0), ALL, old_rope=True),
    "mistral": Variant("mistral", BASE | rope(1e6) | dict(sliding_window=None)),
    "mistral-heads": Variant("mistral", OTHER_HEADS | rope(1e6) | dict(sliding_window=None)),
    "mistral-window": Variant("mistral", BASE | rope(10000.0) | dict(sliding_window=8), ("hf", "mistral")),
    "ministral": Variant("ministral", OTHER_HEADS | rope(1e8) | dict(
        sliding_window=8, layer_types=["full_attention", "sliding_attention"]), ("hf", "mistral")),
    "ministral3": Variant("ministral3", OTHER_HEADS | yarn(), old_rope=True),
    "ministral3-scaled": Variant("ministral3", OTHER_HEADS | yarn(
        mscale_all_dim=0.0, beta_fast=1.0, beta_slow=0.1), ALL),
    "mistral3-tied": Variant("ministral3", OTHER_HEADS | yarn() | dict(tie_word_embeddings=True), ALL, vision=True),
    "mixtral": Variant("mixtral", EXPERTS | rope(1e6) | dict(sliding_window=None), ALL),
    "helium": Variant("helium", BASE | rope(1e5) | dict(rms_norm_eps=1e-8)),
    "odd-bf16": Variant("mistral", ODD | rope(10000.0) | dict(sliding_window=None), dtype=torch.bfloat16,
                        sharded=True),
    "llama-f16": Variant("llama", BASE | rope(10000.0), dtype=torch.float16, old_rope=True),
    "fp8": Variant("mistral", BASE | rope(1e6) | dict(sliding_window=None), ("hf", "mistral"),
                   dtype=torch.bfloat16, fp8=()),
    "fp8-tiles": Variant("mistral", BASE | rope(1e6) | dict(sliding_window=None), dtype=torch.bfloat16, fp8=(16, 16)),
}


def make(name, variant):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model = build(variant)
    weights = {k: v.to(variant.dtype) for k, v in model.state_dict().items()}
    scales = {}
    if variant.fp8 is not None:
        weights, scales = to_fp8(weights, variant.fp8)
    model.load_state_dict({k: from_fp8(v, scales.get(k)).float() for k, v in weights.items()})
    logits = forward(model)
    report(name, logits)

    write_hf(folder / "hf", variant, model, weights, scales)
    stored = read_hf(folder / "hf")
    text = {k.removeprefix("language_model."): v for k, v in stored.items()}
    if "mistral" in variant.layouts:
        write_mistral(folder / "mistral", variant, text)
    if "gguf" in variant.layouts:
        write_gguf(folder / "model.gguf", variant, text)
    logits.astype("<f4").tofile(folder / "logits.f32")
    if variant.fp8 is None:
        again = model.__class__.from_pretrained(folder / "hf", dtype=torch.float32, attn_implementation="eager")
        assert np.array_equal(forward(again), logits), f"{name}: reloaded model differs"


# ---- transformers

def build(variant):
    kwargs = variant.config | dict(attn_implementation="eager")
    if variant.vision:
        text = dict(kwargs, model_type=variant.model_type)
        config = transformers.Mistral3Config(
            vision_config=VISION, text_config=text, image_token_index=10, spatial_merge_size=2,
            tie_word_embeddings=variant.config["tie_word_embeddings"], attn_implementation="eager")
        model = transformers.Mistral3ForConditionalGeneration(config)
    else:
        model = transformers.AutoModelForCausalLM.from_config(
            transformers.AutoConfig.for_model(variant.model_type, **kwargs))
    std = matrix_std(variant.config)
    state = model.state_dict()
    model.load_state_dict({k: random_weight(variant.seed, k, v.shape, std) for k, v in state.items()})
    model.tie_weights()
    return model.eval()


def matrix_std(config):
    """Keeps products about as large as their inputs, and attention neither flat nor a choice of one key."""
    return 0.2 * math.sqrt(32 / config["hidden_size"])


def random_weight(seed, name, shape, std):
    name = name.removeprefix("model.language_model.").removeprefix("model.")
    rng = np.random.Generator(np.random.SFC64([seed, zlib.crc32(name.encode())]))
    if len(shape) == 1:
        return torch.from_numpy(1 + 0.2 * rng.standard_normal(shape, np.float32))
    return torch.from_numpy(np.float32(std) * rng.standard_normal(tuple(shape), np.float32))


def forward(model):
    with torch.no_grad():
        return model(torch.tensor([PROMPT])).logits[0].numpy().copy()


def report(name, logits):
    print(f"{name:20} logits of std {logits.std():.2f}, largest {np.abs(logits).max():.2f}")
    assert np.isfinite(logits).all() and 0.3 < logits.std() < 30, "flat or wild"


# ---- Hugging Face layout

def write_hf(folder, variant, model, weights, scales):
    model.config.dtype = variant.dtype
    if variant.vision:
        model.config.text_config.dtype = model.config.vision_config.dtype = variant.dtype
    size = "60KB" if variant.sharded else "50GB"
    model.to(variant.dtype).save_pretrained(folder, max_shard_size=size)
    model.float()
    (folder / "generation_config.json").unlink(missing_ok=True)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    if variant.old_rope:
        parameters = config.pop("rope_parameters")
        theta, kind = parameters.pop("rope_theta"), parameters.pop("rope_type")
        scaling = None if kind == "default" else dict(type=kind, **parameters)
        config |= dict(rope_theta=theta, rope_scaling=scaling, torch_dtype=config.pop("dtype"))
    if variant.fp8 is not None:
        config["quantization_config"] = dict(
            quant_method="fp8", activation_scheme="dynamic" if variant.fp8 else "static",
            weight_block_size=list(variant.fp8) or None, modules_to_not_convert=["lm_head"])
        extra = {k.replace(".weight", ".weight_scale_inv"): v for k, v in scales.items()}
        if not variant.fp8:
            extra |= {k.replace(".weight", ".activation_scale"): torch.tensor(0.25, dtype=torch.bfloat16)
                      for k in scales}
        save_file(weights | extra, folder / "model.safetensors", metadata=dict(format="pt"))
    path.write_text(json.dumps(config, indent=2) + "\n")


def read_hf(folder):
    stored = {}
    for file in sorted(folder.glob("*.safetensors")):
        stored |= load_file(file)
    return stored


def to_fp8(weights, tile):
    """Matrices of the layers as e4m3 with their scales; the rest as it was."""
    out, scales = dict(weights), {}
    for name, w in weights.items():
        if not name.endswith("_proj.weight"):
            continue
        w = w.float()
        if tile:
            rows, cols = (math.ceil(n / t) for n, t in zip(w.shape, tile))
            scale = torch.empty(rows, cols)
            for r in range(rows):
                for c in range(cols):
                    scale[r, c] = w[r * tile[0]:(r + 1) * tile[0], c * tile[1]:(c + 1) * tile[1]].abs().max() / 448
        else:
            scale = (w.abs().max() / 448).to(torch.bfloat16)
        out[name] = (w / spread(scale, w.shape)).clamp(-448, 448).to(torch.float8_e4m3fn)
        scales[name] = scale
    return out, scales


def from_fp8(w, scale):
    return w if scale is None else (w.float() * spread(scale, w.shape)).to(torch.bfloat16)


def spread(scale, shape, tile=16):
    scale = scale.float()
    if scale.ndim == 0:
        return scale
    return scale.repeat_interleave(tile, 0).repeat_interleave(tile, 1)[:shape[0], :shape[1]]


# ---- Mistral's layout

MISTRAL_NAMES = [
    ("model.embed_tokens.", "tok_embeddings."), ("model.norm.", "norm."), ("lm_head.", "output."),
    ("model.layers.", "layers."), ("self_attn.q_proj", "attention.wq"), ("self_attn.k_proj", "attention.wk"),
    ("self_attn.v_proj", "attention.wv"), ("self_attn.o_proj", "attention.wo"), ("input_layernorm", "attention_norm"),
    ("post_attention_layernorm", "ffn_norm"), ("block_sparse_moe.", "feed_forward."),
    ("mlp.gate_proj", "feed_forward.w1"), ("mlp.down_proj", "feed_forward.w2"), ("mlp.up_proj", "feed_forward.w3"),
    ("weight_scale_inv", "qscale_weight"), ("activation_scale", "qscale_act")]
MISTRAL_VISION_NAMES = [
    ("vision_tower.patch_conv", "vision_encoder.patch_conv"), ("vision_tower.ln_pre", "vision_encoder.ln_pre"),
    ("vision_tower.transformer", "vision_encoder.transformer"), ("attention.q_proj", "attention.wq"),
    ("attention.k_proj", "attention.wk"), ("attention.v_proj", "attention.wv"), ("attention.o_proj", "attention.wo"),
    ("feed_forward.gate_proj", "feed_forward.w1"), ("feed_forward.down_proj", "feed_forward.w2"),
    ("feed_forward.up_proj", "feed_forward.w3"), ("multi_modal_projector.norm", "pre_mm_projector_norm"),
    ("multi_modal_projector.patch_merger", "patch_merger"),
    ("multi_modal_projector.linear_1", "vision_language_adapter.w_in"),
    ("multi_modal_projector.linear_2", "vision_language_adapter.w_out")]


def write_mistral(folder, variant, text):
    folder.mkdir(parents=True)
    tensors = {}
    for name, w in text.items():
        vision = name.startswith(("vision_tower", "multi_modal"))
        w = w if vision else adjacent_pairs(name, w, variant.config)
        tensors[rename(name, MISTRAL_VISION_NAMES if vision else MISTRAL_NAMES)] = w.contiguous()
    save_file(tensors, folder / "consolidated.safetensors", metadata=dict(format="pt"))
    (folder / "params.json").write_text(json.dumps(params(variant), indent=2) + "\n")


def rename(name, table):
    for old, new in table:
        name = name.replace(old, new)
    return name


def adjacent_pairs(name, w, config):
    """Rows of q and k: the two numbers of a rotated pair from half a head apart to side by side."""
    heads = {"q_proj.weight": "num_attention_heads", "k_proj.weight": "num_key_value_heads"}
    for end, key in heads.items():
        if name.endswith(end):
            rows, cols = w.shape
            n = config[key]
            return w.reshape(n, 2, rows // n // 2, cols).transpose(1, 2).reshape(rows, cols)
    return w


def params(variant):
    c = variant.config
    r = c["rope_parameters"]
    out = dict(dim=c["hidden_size"], n_layers=c["num_hidden_layers"], head_dim=c["head_dim"],
               hidden_dim=c["intermediate_size"], n_heads=c["num_attention_heads"],
               n_kv_heads=c["num_key_value_heads"], norm_eps=c["rms_norm_eps"], vocab_size=c["vocab_size"],
               rope_theta=r["rope_theta"], max_position_embeddings=c["max_position_embeddings"],
               tied_embeddings=c.get("tie_word_embeddings", False), model_type="transformer")
    if c.get("layer_types"):
        out["_sliding_window"] = [c["sliding_window"] if t == "sliding_attention" else None for t in c["layer_types"]]
    elif c.get("sliding_window"):
        out["sliding_window"] = c["sliding_window"]
    if r["rope_type"] == "yarn":
        length = r["original_max_position_embeddings"]
        out["yarn"] = dict(original_max_position_embeddings=length, factor=r["factor"],
                           apply_scale=not r["mscale_all_dim"], beta=r["beta_fast"], alpha=r["beta_slow"])
        out["llama_4_scaling"] = dict(original_max_position_embeddings=length, beta=r["llama_4_scaling_beta"])
    if "num_local_experts" in c:
        out["moe"] = dict(num_experts=c["num_local_experts"], num_experts_per_tok=c["num_experts_per_tok"])
    if variant.fp8 is not None:
        out["quantization"] = dict(qformat_weight="fp8_e4m3", qscheme_act="TENSOR")
    if variant.vision:
        out["vision_encoder"] = dict(
            image_token_id=10, image_break_token_id=12, image_end_token_id=13, intermediate_size=8,
            num_hidden_layers=1, num_attention_heads=1, mm_projector_id="patch_merge", spatial_merge_size=2,
            hidden_size=8, num_channels=3, image_size=8, max_image_size=8, patch_size=2, rope_theta=10000.0,
            add_pre_mm_projector_layer_norm=True, adapter_bias=False)
    return out


# ---- GGUF

GGUF_NAMES = [
    ("model.embed_tokens.", "token_embd."), ("model.norm.", "output_norm."), ("lm_head.", "output."),
    ("model.layers.", "blk."), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"), ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"), ("block_sparse_moe.gate", "ffn_gate_inp"),
    ("mlp.gate_proj", "ffn_gate"), ("mlp.down_proj", "ffn_down"), ("mlp.up_proj", "ffn_up")]
GGUF_EXPERTS = {"w1": "ffn_gate_exps", "w2": "ffn_down_exps", "w3": "ffn_up_exps"}


def write_gguf(path, variant, text):
    writer = gguf_header(path, "mistral3" if variant.model_type == "ministral3" else "llama", variant.config)
    for name, w in gguf_tensors(variant.config, text).items():
        writer.add_tensor(name, w)
    finish(writer)


def gguf_tensors(config, text):
    tensors = {}
    for name, w in text.items():
        if ".experts." in name:
            layer, expert, matrix = (name.split(".")[i] for i in (2, 5, 6))
            slot = tensors.setdefault(f"blk.{layer}.{GGUF_EXPERTS[matrix]}.weight",
                                      np.empty((config["num_local_experts"], *w.shape), np.float32))
            slot[int(expert)] = w
        elif not name.startswith(("vision_tower", "multi_modal")):
            tensors[rename(name, GGUF_NAMES)] = adjacent_pairs(name, w, config).contiguous().numpy()
    return tensors


def gguf_header(path, arch, c):
    w = gguf.GGUFWriter(path, arch)
    r = c["rope_parameters"]
    w.add_vocab_size(c["vocab_size"])
    w.add_context_length(c["max_position_embeddings"])
    w.add_embedding_length(c["hidden_size"])
    w.add_block_count(c["num_hidden_layers"])
    w.add_feed_forward_length(c["intermediate_size"])
    w.add_head_count(c["num_attention_heads"])
    w.add_head_count_kv(c["num_key_value_heads"])
    w.add_key_length(c["head_dim"])
    w.add_value_length(c["head_dim"])
    w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    w.add_rope_dimension_count(c["head_dim"])
    w.add_rope_freq_base(r["rope_theta"])
    if r["rope_type"] == "yarn":
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(r["factor"])
        w.add_rope_scaling_orig_ctx_len(r["original_max_position_embeddings"])
        w.add_rope_scaling_yarn_beta_fast(r["beta_fast"])
        w.add_rope_scaling_yarn_beta_slow(r["beta_slow"])
        w.add_rope_scaling_yarn_log_mul(r["mscale_all_dim"])
        w.add_attn_temperature_scale(r["llama_4_scaling_beta"])
    if "num_local_experts" in c:
        w.add_expert_count(c["num_local_experts"])
        w.add_expert_used_count(c["num_experts_per_tok"])
    return w


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# ---- quantised GGUF

@dataclass
class Quantised:
    """GGUF types of the matrices, by the end of their names; rows of 32 columns cannot be of a K type."""
    hidden: int
    types: dict = field(default_factory=dict)


ROWS_OF_32 = ("attn_output", "ffn_down")
QUANTISED = {
    "q8_0": Quantised(256, {"": "Q8_0"}),
    "q4_0": Quantised(256, {"": "Q4_0", "token_embd": "Q6_K"}),
    "q4_k_m": Quantised(512, {"": "Q4_K", "attn_v": "Q6_K", "token_embd": "Q6_K", "attn_output": "Q5_0",
                              "ffn_down": "Q8_0"}),
    "k-mixed": Quantised(256, {"": "Q5_K", "attn_k": "Q3_K", "attn_v": "Q2_K", "ffn_gate": "Q3_K", "ffn_up": "Q2_K",
                               "attn_output": "Q4_1", "ffn_down": "Q5_1"}),
    "iq4-mxfp4": Quantised(256, {"": "IQ4_XS", "attn_q": "IQ4_NL", "attn_v": "MXFP4", "ffn_up": "MXFP4",
                                 "attn_output": "IQ4_NL", "ffn_down": "MXFP4"}),
}


def make_quantised(name, recipe):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    config = BASE | rope(10000.0) | dict(
        hidden_size=recipe.hidden, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, tie_word_embeddings=True)
    model = build(Variant("llama", config))
    state = model.state_dict()
    del state["lm_head.weight"]
    writer = gguf_header(folder / "model.gguf", "llama", config)
    for (hf_name, w), (gguf_name, _) in zip(state.items(), gguf_tensors(config, state).items()):
        if w.ndim == 1:
            writer.add_tensor(gguf_name, w.numpy())
            continue
        ends = [t for t in recipe.types if t and t in gguf_name]
        kind = gguf.GGMLQuantizationType[recipe.types[ends[0] if ends else ""]]
        blocks = quantised(kind, adjacent_pairs(hf_name, w, config).contiguous().numpy(), gguf_name, matrix_std(config))
        writer.add_tensor(gguf_name, blocks, raw_dtype=kind)
        values = torch.from_numpy(gguf.dequantize(blocks, kind).astype(np.float32))
        state[hf_name] = half_apart(hf_name, values, config)
    finish(writer)
    model.load_state_dict(state | {"lm_head.weight": state["model.embed_tokens.weight"]})
    logits = forward(model)
    report(name, logits)
    logits.astype("<f4").tofile(folder / "logits.f32")


def half_apart(name, w, config):
    """Inverse of `adjacent_pairs`."""
    order = adjacent_pairs(name, torch.arange(w.shape[0])[:, None], config)[:, 0]
    out = torch.empty_like(w)
    out[order] = w
    return out


# Types that the gguf package decodes but does not encode: offset of the f16 scale; of the f16 minimum and its ratio to
# the scale that makes the weights' mean about zero.
RANDOM_BLOCKS = {"Q2_K": (80, 82, 1.5), "Q3_K": (108, None, 0), "Q4_K": (0, 2, 7.5), "Q5_K": (0, 2, 15.5),
                 "Q6_K": (208, None, 0), "IQ4_NL": (0, None, 0), "IQ4_XS": (0, None, 0)}


def quantised(kind, w, name, std):
    if kind.name not in RANDOM_BLOCKS and kind.name != "MXFP4":
        return gguf.quantize(w, kind)
    per_block, size = gguf.GGML_QUANT_SIZES[kind]
    rng = np.random.Generator(np.random.SFC64([2, zlib.crc32(name.encode())]))
    count = w.size // per_block
    blocks = np.frombuffer(rng.bytes(count * size), np.uint8).reshape(count, size).copy()
    if kind.name == "MXFP4":
        blocks[:, 0] = rng.integers(121, 124, count)  # 2^-7 to 2^-5 times codes up to 12
        return blocks.reshape(w.shape[0], -1)
    scale, minimum, ratio = RANDOM_BLOCKS[kind.name]
    spread_ = rng.uniform(0.8, 1.2, count) * rng.choice((-1.0, 1.0), count)

    def put(unit):
        for offset, value in ((scale, unit * spread_), (minimum, unit * ratio * spread_)):
            if offset is not None:
                blocks[:, offset:offset + 2] = value.astype("<f2")[:, None].view(np.uint8)
    put(1.0)
    put(std / gguf.dequantize(blocks, kind).std())
    return blocks.reshape(w.shape[0], -1)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    wanted = sys.argv[1:] or [*VARIANTS, *QUANTISED]
    (HERE / "prompt.json").write_text(json.dumps(PROMPT) + "\n")
    for name in wanted:
        if name in VARIANTS:
            make(name, VARIANTS[name])
        else:
            make_quantised(name, QUANTISED[name])


if __name__ == "__main__":
    main()
