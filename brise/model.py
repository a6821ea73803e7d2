"""Brise's network: the text shape of `ministral3`, in plain PyTorch, with Hugging Face's tensor names.

Grouped-query attention with rotary positions (rotate-half layout), RMSNorm before each part, SwiGLU, tied embeddings.
Tokens are kept as one flat row [tokens, hidden]; a batch is a list of groups (rows × length) of equally padded
documents, so that attention never crosses a document and everything else has a fixed shape. Padding stands at the
end of a document, where causal attention does not see it. Next: `train.py`, `sample.py`.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; `hugging_face` gives the config.json that says the same."""

    vocab_size: int = 8192
    hidden_size: int = 384
    intermediate_size: int = 896
    num_hidden_layers: int = 8
    num_attention_heads: int = 6
    num_key_value_heads: int = 2
    head_dim: int = 64
    max_position_embeddings: int = 2048
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5

    def hugging_face(self) -> dict:
        """Query scaling is neutral: its beta is zero."""
        fields = {k: v for k, v in asdict(self).items() if k != "rope_theta"}
        rope = {
            "rope_type": "default",
            "rope_theta": self.rope_theta,
            "original_max_position_embeddings": self.max_position_embeddings,
            "llama_4_scaling_beta": 0.0,
        }
        return {
            "architectures": ["Ministral3ForCausalLM"],
            "model_type": "ministral3",
            **fields,
            "rope_parameters": rope,
            "hidden_act": "silu",
            "attention_dropout": 0.0,
            "initializer_range": 0.02,
            "sliding_window": None,
            "tie_word_embeddings": True,
            "use_cache": True,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 11,
            "dtype": "float32",
        }


SHAPES = {
    "brise": Shape(),
    "brise-cpu": Shape(hidden_size=320, intermediate_size=832, num_hidden_layers=6, num_attention_heads=5, num_key_value_heads=1),
    "toy": Shape(hidden_size=128, intermediate_size=320, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1),
}


def load_shape(path: Path) -> Shape:
    """Reads the shape back from a config.json written by `hugging_face`."""
    config = json.loads(path.read_text())
    fields = {k: config[k] for k in Shape.__dataclass_fields__ if k in config}
    return Shape(**fields, rope_theta=config["rope_parameters"]["rope_theta"])


class RmsNorm(nn.Module):
    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _norm(x, self.weight, self.eps)


class Attention(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.q_proj = nn.Linear(s.hidden_size, s.num_attention_heads * s.head_dim, bias=False)
        self.k_proj = nn.Linear(s.hidden_size, s.num_key_value_heads * s.head_dim, bias=False)
        self.v_proj = nn.Linear(s.hidden_size, s.num_key_value_heads * s.head_dim, bias=False)
        self.o_proj = nn.Linear(s.num_attention_heads * s.head_dim, s.hidden_size, bias=False)


class FeedForward(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.gate_proj = nn.Linear(s.hidden_size, s.intermediate_size, bias=False)
        self.up_proj = nn.Linear(s.hidden_size, s.intermediate_size, bias=False)
        self.down_proj = nn.Linear(s.intermediate_size, s.hidden_size, bias=False)


class Layer(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.self_attn = Attention(s)
        self.mlp = FeedForward(s)
        self.input_layernorm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.post_attention_layernorm = RmsNorm(s.hidden_size, s.rms_norm_eps)

    def before(self, x, cos, sin, run=None):
        """x [tokens, hidden] → rotated q [tokens, heads, head_dim], rotated k, v [tokens, kv_heads, head_dim]."""
        a, norm = self.self_attn, self.input_layernorm
        return (run or before_attention)(x, cos, sin, norm.weight, norm.eps, a.q_proj.weight, a.k_proj.weight, a.v_proj.weight)

    def after(self, x, mixed, run=None):
        """The residual stream after attention's output projection and the feed-forward part."""
        m, norm = self.mlp, self.post_attention_layernorm
        return (run or after_attention)(x, mixed, self.self_attn.o_proj.weight, norm.weight, norm.eps, m.gate_proj.weight, m.up_proj.weight, m.down_proj.weight)


def before_attention(x, cos, sin, norm, eps, wq, wk, wv):
    """The token-wise half of a layer before attention, as a function of its weights: one compilation serves all layers."""
    normed, width = _norm(x, norm, eps), cos.shape[-1]
    heads = lambda w: F.linear(normed, w).view(x.shape[0], -1, width)  # noqa: E731
    return _rotate(heads(wq), cos, sin), _rotate(heads(wk), cos, sin), heads(wv)


def after_attention(x, mixed, wo, norm, eps, gate, up, down):
    """The token-wise half of a layer after attention."""
    x = x + F.linear(mixed, wo)
    normed = _norm(x, norm, eps)
    return x + F.linear(F.silu(F.linear(normed, gate)) * F.linear(normed, up), down)


class Body(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.embed_tokens = nn.Embedding(s.vocab_size, s.hidden_size)
        self.layers = nn.ModuleList(Layer(s) for _ in range(s.num_hidden_layers))
        self.norm = RmsNorm(s.hidden_size, s.rms_norm_eps)


class Brise(nn.Module):
    """`forward` gives the normed hidden states [tokens, hidden]; `logits` is the tied output head."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.model = Body(shape)
        cos, sin = _rope_tables(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.before, self.after = before_attention, after_attention
        self._initialise()

    def compile(self) -> None:
        """Compiles the token-wise halves of a layer: their shapes never change while training."""
        self.before = torch.compile(before_attention, dynamic=False)
        self.after = torch.compile(after_attention, dynamic=False)

    def plain(self) -> None:
        """Takes compilation back."""
        self.before, self.after = before_attention, after_attention

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, groups: list[tuple[int, int]]) -> torch.Tensor:
        """ids, positions [tokens]; groups: (rows, length) in order; tokens after the last group are padding."""
        cos, sin = self.cos[positions], self.sin[positions]
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            q, k, v = layer.before(x, cos, sin, self.before)
            x = layer.after(x, attend(q, k, v, groups), self.after)
        return self.model.norm(x)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return F.linear(hidden, self.model.embed_tokens.weight)

    def _initialise(self) -> None:
        deep = (2 * self.shape.num_hidden_layers) ** -0.5
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                std = 0.02 if "embed" in name else weight.shape[1] ** -0.5
                nn.init.normal_(weight, std=std * (deep if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0))


def attend(q, k, v, groups):
    """Causal attention inside each document; q [tokens, heads, head_dim] → [tokens, heads · head_dim]."""
    parts, start = [], 0
    for rows, length in groups:
        end = start + rows * length
        parts.append(_attend_group(q[start:end], k[start:end], v[start:end], rows, length))
        start = end
    if start < q.shape[0]:
        parts.append(q.new_zeros(q.shape[0] - start, q.shape[1] * q.shape[2]))
    return torch.cat(parts)


def _attend_group(q, k, v, rows, length):
    repeat = q.shape[1] // k.shape[1]
    q = q.view(rows, length, *q.shape[1:]).transpose(1, 2)
    k = k.view(rows, length, *k.shape[1:]).repeat_interleave(repeat, dim=2).transpose(1, 2)
    v = v.view(rows, length, *v.shape[1:]).repeat_interleave(repeat, dim=2).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return mixed.transpose(1, 2).reshape(rows * length, -1)


def _norm(x, weight, eps):
    return F.rms_norm(x.float(), (x.shape[-1],), weight.float(), eps).to(x.dtype)


def _rotate(x, cos, sin):
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    cos, sin = cos[:, None, :].to(x.dtype), sin[:, None, :].to(x.dtype)
    return x * cos + turned * sin


def _rope_tables(s: Shape):
    inverse = s.rope_theta ** (-torch.arange(0, s.head_dim, 2, dtype=torch.float64) / s.head_dim)
    angles = torch.outer(torch.arange(s.max_position_embeddings, dtype=torch.float64), inverse)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos().float(), angles.sin().float()
