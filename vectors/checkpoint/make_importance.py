#!/usr/bin/env python3
"""Write importance matrices in llama.cpp's two forms beside this script, and the means that they hold.

    python make_importance.py     needs numpy, gguf

importance.gguf  written by PyPI `gguf`: a matrix, and four experts of which one got no rows
importance.dat   the older form, as `llama-imatrix --output-format dat` lays it out
importance.json  the means of both, which differ where an expert got no rows
"""
import json
import struct
from pathlib import Path

import gguf
import numpy as np

HERE = Path(__file__).parent
rng = np.random.Generator(np.random.SFC64(5))
MATRIX = rng.lognormal(0, 2, 8).astype(np.float32)
EXPERTS = rng.lognormal(0, 2, (4, 6)).astype(np.float32)
COUNTS = np.array([700, 0, 1, 323], np.float32)
EXPERTS[1] = 0

writer = gguf.GGUFWriter(HERE / "importance.gguf", "", use_temp_file=False)
writer.kv_data[0].clear()                                                   # no general.architecture, as in llama.cpp
writer.add_type("imatrix")
writer.add_array("imatrix.datasets", ["calibration.txt", "more.txt"])
writer.add_uint32("imatrix.chunk_count", 2)
writer.add_uint32("imatrix.chunk_size", 512)
writer.add_tensor("blk.0.attn_q.weight.in_sum2", MATRIX.reshape(1, 8))
writer.add_tensor("blk.0.attn_q.weight.counts", np.array([[1024]], np.float32))
writer.add_tensor("blk.0.ffn_up_exps.weight.in_sum2", EXPERTS)
writer.add_tensor("blk.0.ffn_up_exps.weight.counts", COUNTS.reshape(4, 1))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()


def legacy(name: str, calls: int, numbers: np.ndarray) -> bytes:
    head = struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", calls, numbers.size)
    return head + numbers.astype("<f4").tobytes()


dat = struct.pack("<i", 2) + legacy("blk.0.attn_q.weight", 3, MATRIX) + legacy("blk.0.ffn_up_exps.weight", 0, EXPERTS)
dat += struct.pack("<i", 3) + struct.pack("<i", 15) + b"calibration.txt"
(HERE / "importance.dat").write_bytes(dat)

parts = [EXPERTS[i] / COUNTS[i] if COUNTS[i] else np.ones(6, np.float32) for i in range(4)]
means = {
    "gguf": {"blk.0.attn_q.weight": (MATRIX / np.float32(1024)).tolist(),
             "blk.0.ffn_up_exps.weight": np.concatenate(parts).tolist()},
    "dat": {"blk.0.attn_q.weight": (MATRIX / np.float32(3)).tolist(),
            "blk.0.ffn_up_exps.weight": EXPERTS.reshape(-1).tolist()},
}
(HERE / "importance.json").write_text(json.dumps(means, indent=1) + "\n")
