#!/usr/bin/env python3
"""Test vectors of crate `quant`: what the PyPI package `gguf` (and torch, for fp8) makes of fixed bytes and numbers.

    python vectors/quant/make.py          needs numpy, gguf, torch (CPU)

For each format F:    F.bin      whole blocks: random, then all 0x00, all 0xFF, and random with huge, denormal, inf, NaN scales
                      F.f32      gguf.quants.dequantize of them, little-endian f32
For what we encode:   encode.f32 the weights, encode.F.bin gguf.quants.quantize of them
Numbers:              narrow.f32 f32 numbers, narrow.{f16,bf16,fp8}.bin the same rounded; wide.fp8.f32 all 256 bytes of fp8
"""
import pathlib
import warnings

import numpy as np
import torch
from gguf import quants
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as Type

HERE = pathlib.Path(__file__).parent
FORMATS = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
           "IQ4_NL", "IQ4_XS", "MXFP4"]
ENCODED = ["F32", "F16", "BF16", "Q8_0", "Q4_0"]
# Where the f16 scales stand in a block (ggml's layouts).
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}
# largest, smallest denormal, largest denormal, -0, inf, NaN
EXTREMES = [0x7BFF, 0x0001, 0x83FF, 0x8000, 0x7C00, 0x7E01]
warnings.filterwarnings("ignore")


def blocks(name: str, rng: np.random.Generator) -> np.ndarray:
    weights, size = GGML_QUANT_SIZES[Type[name]]
    count = {1: 200, 32: 20, 256: 3}[weights]
    data = rng.integers(0, 256, (count + 2 + len(EXTREMES), size), dtype=np.uint8)
    data[count], data[count + 1] = 0x00, 0xFF
    for offset in SCALES.get(name, []):
        scales = rng.normal(0, 0.02, count).astype(np.float16)
        data[:count, offset:offset + 2] = scales.view(np.uint8).reshape(-1, 2)
        extremes = np.array(EXTREMES, dtype=np.uint16)
        data[count + 2:, offset:offset + 2] = extremes.view(np.uint8).reshape(-1, 2)
    return data


def weights_to_encode(rng: np.random.Generator) -> np.ndarray:
    rows = rng.normal(0, 1, (24, 32)) * 10.0 ** rng.integers(-4, 4, (24, 1))
    rows[0], rows[1], rows[2] = 0.0, -0.0, 1.0
    rows[3] = np.arange(32) - 16            # a tie of magnitudes, and halves after scaling
    rows[4] = np.arange(32) * -0.5
    rows[5] = np.where(np.arange(32) % 2 == 0, 1.0, -1.0)
    return rows.astype(np.float32)


def numbers(rng: np.random.Generator) -> np.ndarray:
    bits = rng.integers(0, 1 << 32, 300, dtype=np.uint64).astype(np.uint32).view(np.float32)
    scaled = rng.normal(0, 1, 300) * 2.0 ** rng.integers(-28, 18, 300)
    # Halves between neighbours of f16, bf16 and fp8, and their edges.
    ties = [(1 + (2 * i + 1) / 2**n) * 2.0**e for n in (4, 8, 11) for i in range(8) for e in (-26, -15, -9, -7, 0, 8)]
    edges = [0.0, -0.0, 65504, 65519.9, 65520, 448, 464, 464.1, 480, 2.0**-9, 2.0**-10, 2.0**-24, 2.0**-25, 2.0**-149,
             3.3895e38, 3.4e38, np.inf, -np.inf, np.nan]
    return np.concatenate([bits, scaled, ties, edges]).astype(np.float32)


def write(name: str, data: np.ndarray) -> None:
    (HERE / name).write_bytes(np.ascontiguousarray(data).tobytes())


def main() -> None:
    rng = np.random.default_rng(20260901)
    for name in FORMATS:
        data = blocks(name, rng)
        write(f"{name.lower()}.bin", data)
        write(f"{name.lower()}.f32", quants.dequantize(data, Type[name]).astype(np.float32))
    weights = weights_to_encode(rng)
    write("encode.f32", weights)
    for name in ENCODED:
        write(f"encode.{name.lower()}.bin", quants.quantize(weights, Type[name]))
    values = numbers(rng)
    write("narrow.f32", values)
    write("narrow.f16.bin", values.astype(np.float16))
    write("narrow.bf16.bin", quants.quantize(values, Type.BF16))
    write("narrow.fp8.bin", torch.from_numpy(values).to(torch.float8_e4m3fn).view(torch.uint8).numpy())
    every = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn)
    write("wide.fp8.f32", every.to(torch.float32).numpy())


main()
