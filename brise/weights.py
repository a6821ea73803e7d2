"""Weights on disk: safetensors with Hugging Face's names, whole or in parts small enough to carry.

`python -m brise.weights IN OUT --dtype bf16` rewrites a folder of parts in another type.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

PART_BYTES = 15_000_000
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def save_parts(state: dict[str, torch.Tensor], folder: Path, dtype: torch.dtype = torch.float32) -> list[Path]:
    """Writes `brise-N.safetensors`, each at most PART_BYTES; a tensor larger than a part is cut by rows."""
    pieces = [piece for name in sorted(state) for piece in _pieces(name, state[name].detach().to("cpu", dtype))]
    parts: list[dict[str, torch.Tensor]] = [{}]
    used = 0
    for name, tensor in pieces:
        size = tensor.numel() * tensor.element_size()
        if used + size > PART_BYTES and parts[-1]:
            parts.append({})
            used = 0
        parts[-1][name] = tensor.contiguous()
        used += size
    paths = [folder / f"brise-{i + 1}.safetensors" for i in range(len(parts))]
    for path, part in zip(paths, parts):
        save_file(part, path)
    return paths


def load_parts(folder: Path) -> dict[str, torch.Tensor]:
    """Reads every part of a folder back as f32."""
    found: dict[str, torch.Tensor] = {}
    for path in sorted(Path(folder).glob("brise-*.safetensors")):
        found.update(load_file(path))
    cut: dict[str, list[tuple[int, torch.Tensor]]] = {}
    whole = {}
    for name, tensor in found.items():
        if "@" in name:
            stem, at = name.split("@")
            cut.setdefault(stem, []).append((int(at), tensor))
        else:
            whole[name] = tensor
    whole.update({stem: torch.cat([t for _, t in sorted(rows, key=lambda r: r[0])]) for stem, rows in cut.items()})
    if not whole:
        raise FileNotFoundError(f"no brise-*.safetensors in {folder}")
    return {name: tensor.float() for name, tensor in whole.items()}


def _pieces(name: str, tensor: torch.Tensor) -> list[tuple[str, torch.Tensor]]:
    size = tensor.numel() * tensor.element_size()
    if size <= PART_BYTES // 2:
        return [(name, tensor)]
    rows = max(1, tensor.shape[0] * (PART_BYTES // 2) // size)
    return [(f"{name}@{at}", tensor[at : at + rows]) for at in range(0, tensor.shape[0], rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    options = parser.parse_args()
    options.target.mkdir(parents=True, exist_ok=True)
    for path in save_parts(load_parts(options.source), options.target, DTYPES[options.dtype]):
        print(path)


if __name__ == "__main__":
    main()
