#!/usr/bin/env python3
"""Write importance.json: for some of the checkpoints beside this script, the sums of squares of what each matrix is
multiplied with while `transformers` reads the prompt, one number a column, and how many rows went into them.

    python make_importance.py     needs torch, transformers; after make.py
"""
import json
from pathlib import Path

import torch
import transformers

HERE = Path(__file__).parent
LINEAR = {"self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
          "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2",
          "mlp.up_proj": "feed_forward.w3"}


def squares(x: torch.Tensor) -> dict:
    x = x.reshape(-1, x.shape[-1]).double()
    return {"rows": len(x), "sums": (x * x).sum(0).tolist()}


def dense(layer, name: str, found: dict) -> None:
    for theirs, ours in LINEAR.items():
        try:
            module = layer.get_submodule(theirs)
        except AttributeError:
            continue
        module.register_forward_pre_hook(lambda _, x, key=f"{name}.{ours}.weight": found.update({key: squares(x[0])}))


def experts(layer, name: str, found: dict) -> None:
    """Experts are computed again from what the router chose: the library may compute them in any way."""
    block = layer.mlp

    def hook(_, inputs, __):
        x = inputs[0].reshape(-1, inputs[0].shape[-1])
        found[f"{name}.feed_forward.gate.weight"] = squares(x)
        chosen = (x @ block.gate.weight.T).topk(block.top_k, dim=-1).indices
        for number in range(block.experts.num_experts):
            rows = x[(chosen == number).any(-1)]
            w1, w3 = block.experts.gate_up_proj[number].chunk(2, dim=0)
            inner = torch.nn.functional.silu(rows @ w1.T) * (rows @ w3.T)
            expert = f"{name}.feed_forward.experts.{number}"
            found.update({f"{expert}.w1.weight": squares(rows), f"{expert}.w3.weight": squares(rows),
                          f"{expert}.w2.weight": squares(inner)})

    block.register_forward_hook(hook)


def main() -> None:
    prompt = torch.tensor([json.loads((HERE / "prompt.json").read_text())])
    result = {}
    for folder in ("llama", "mixtral"):
        model = transformers.AutoModelForCausalLM.from_pretrained(HERE / folder / "hf", dtype=torch.float32).eval()
        found = result[folder] = {}
        for number, layer in enumerate(model.model.layers):
            dense(layer, f"layers.{number}", found)
            if hasattr(layer.mlp, "experts"):
                experts(layer, f"layers.{number}", found)
        with torch.no_grad():
            model(prompt)
    rounded = {folder: {name: {"rows": x["rows"], "sums": [float(f"{s:.7g}") for s in x["sums"]]}
                        for name, x in found.items()} for folder, found in result.items()}
    (HERE / "importance.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")


main()
