"""Greedy answers in batches, with a key-value cache: what evaluation uses."""

import torch

from .model import Brise, attend


@torch.no_grad()
def greedy(model: Brise, prompts: list[list[int]], max_new: int, eos: int, batch: int = 256) -> list[list[int]]:
    """The continuation of each prompt up to and without `eos`, at most `max_new` tokens."""
    device = model.cos.device
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    answers: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        for i, answer in zip(chosen, _greedy_batch(model, [prompts[i] for i in chosen], max_new, eos, device)):
            answers[i] = answer
    return answers


def _greedy_batch(model, prompts, max_new, eos, device):
    lengths = torch.tensor([len(p) for p in prompts], device=device)
    width = int(lengths.max())
    max_new = min(max_new, model.shape.max_position_embeddings - width)
    ids = torch.tensor([p + [11] * (width - len(p)) for p in prompts], device=device)
    cache = _Cache(model, len(prompts), width + max_new, device)
    hidden = _prefill(model, ids, cache)
    last = hidden.view(len(prompts), width, -1)[torch.arange(len(prompts), device=device), lengths - 1]
    tokens, done = [], torch.zeros(len(prompts), dtype=torch.bool, device=device)
    for step in range(max_new):
        token = model.logits(last).argmax(-1)
        token = torch.where(done, eos, token)
        done |= token == eos
        tokens.append(token)
        if bool(done.all()):
            break
        last = _decode(model, token, lengths + step, cache)
    rows = torch.stack(tokens, dim=1).tolist()
    return [row[: row.index(eos)] if eos in row else row for row in rows]


class _Cache:
    def __init__(self, model, rows, width, device):
        s = model.shape
        size = (s.num_hidden_layers, rows, width, s.num_key_value_heads, s.head_dim)
        self.keys = torch.zeros(size, device=device)
        self.values = torch.zeros(size, device=device)


def _prefill(model, ids, cache):
    rows, width = ids.shape
    positions = torch.arange(width, device=ids.device).repeat(rows)
    cos, sin = model.cos[positions], model.sin[positions]
    x = model.model.embed_tokens(ids.flatten())
    for i, layer in enumerate(model.model.layers):
        q, k, v = layer.before(x, cos, sin)
        cache.keys[i, :, :width] = k.view(rows, width, *k.shape[1:])
        cache.values[i, :, :width] = v.view(rows, width, *v.shape[1:])
        x = layer.after(x, attend(q, k, v, [(rows, width)]))
    return model.model.norm(x)


def _decode(model, token, positions, cache):
    """One step: token and its position for every row; what lies beyond a row's position is masked."""
    rows = torch.arange(len(token), device=token.device)
    reach = int(positions.max()) + 1
    hidden = torch.arange(reach, device=token.device)[None] > positions[:, None]
    cos, sin = model.cos[positions], model.sin[positions]
    x = model.model.embed_tokens(token)
    for i, layer in enumerate(model.model.layers):
        q, k, v = layer.before(x, cos, sin)
        cache.keys[i, rows, positions] = k
        cache.values[i, rows, positions] = v
        keys, values = cache.keys[i, :, :reach], cache.values[i, :, :reach]
        q = q.view(len(token), keys.shape[2], -1, q.shape[-1])
        scores = torch.einsum("bkgd,bskd->bkgs", q, keys) * q.shape[-1] ** -0.5
        scores = scores.masked_fill(hidden[:, None, None], float("-inf")).softmax(-1)
        x = layer.after(x, torch.einsum("bkgs,bskd->bkgd", scores, values).reshape(len(token), -1))
    return model.model.norm(x)
