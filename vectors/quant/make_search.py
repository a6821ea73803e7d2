#!/usr/bin/env python3
"""Test vectors of crate `quant`: what llama.cpp's library makes of fixed weights in all block formats.

    python vectors/quant/make_search.py   needs numpy, llama-cpp-python (its libggml-base is called through ctypes)

search.f32      the weights: 24 blocks of 256
search.F.bin    `ggml_quantize_chunk` of them, without an importance matrix
importance.f32  how much 768 columns matter
weighted.F.bin  `ggml_quantize_chunk` of the same weights with it, as rows of 768; in formats of 32 as rows of 96, with the
                first 96 numbers
"""
import ctypes
import pathlib

import llama_cpp
import numpy as np

HERE = pathlib.Path(__file__).parent
# ggml's type number, weights and bytes of a block.
FORMATS = {"q4_0": (2, 32, 18), "q4_1": (3, 32, 20), "q5_0": (6, 32, 22), "q5_1": (7, 32, 24), "q8_0": (8, 32, 34),
           "q2_k": (10, 256, 84), "q3_k": (11, 256, 110), "q4_k": (12, 256, 144), "q5_k": (13, 256, 176),
           "q6_k": (14, 256, 210), "iq4_nl": (20, 32, 18), "iq4_xs": (23, 256, 136), "mxfp4": (39, 32, 17)}


def weights(rng: np.random.Generator) -> np.ndarray:
    blocks = rng.normal(0, 0.02, (24, 256))
    blocks[6:9] = rng.laplace(0, 0.02, (3, 256))
    blocks[9:12] = rng.standard_t(2, (3, 256)) * 0.01                       # heavy tails
    blocks[12] += (rng.random(256) < 0.02) * 3.0                            # outliers
    blocks[13] = np.abs(blocks[13])                                         # no minimum below zero
    blocks[14] = -np.abs(blocks[14])
    blocks[15] = 0.0
    blocks[16] = 0.7                                                        # flat
    blocks[17] = np.arange(256) % 37 - 18                                   # ties
    blocks[18].reshape(16, 16)[::3] = 0.0                                   # some sub-blocks empty
    blocks[19].reshape(16, 16)[:] *= 10.0 ** np.arange(-12, 4)[:, None]     # sub-blocks of very different sizes
    blocks[20] *= 1e-18                                                     # scales below f16
    blocks[21] *= 1e5
    blocks[22] = np.where(np.arange(256) % 2 == 0, 1.0, -1.0)
    blocks[23] = rng.integers(-2, 3, 256)
    return blocks.astype(np.float32)


def importance(rng: np.random.Generator) -> np.ndarray:
    columns = rng.lognormal(0, 2, 768)
    columns[64:80] = 0.0                                                    # nothing ever came through
    columns[288:320] = 0.0
    columns[512:768] = 1.0
    columns[5] = 1e6
    columns[300] = 1e-30
    return columns.astype(np.float32)


def main() -> None:
    library = ctypes.CDLL(str(pathlib.Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so"))
    quantize = library.ggml_quantize_chunk
    quantize.restype = ctypes.c_size_t
    quantize.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p]
    rng = np.random.default_rng(20261121)
    data, columns = weights(rng), importance(rng)
    (HERE / "search.f32").write_bytes(data.tobytes())
    (HERE / "importance.f32").write_bytes(columns.tobytes())
    for name, (number, per_block, size) in FORMATS.items():
        of_32 = 96 if per_block == 32 else 768
        for kind, cols, matter in (("search", 256, None), ("weighted", of_32, columns.ctypes.data)):
            out = np.zeros(data.size // per_block * size, np.uint8)
            written = quantize(number, data.ctypes.data, out.ctypes.data, 0, data.size // cols, cols, matter)
            assert written == out.size
            (HERE / f"{kind}.{name}.bin").write_bytes(out.tobytes())


main()
