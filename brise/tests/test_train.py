"""Batches: every document comes once an epoch, whole, and only the assistant's tokens are targets."""

import numpy as np

from brise.train import _LEARNT, Documents, Plan


def _packed(path, count=4000):
    rng = np.random.default_rng(4)
    rows = []
    for i in range(count):
        row = rng.integers(64, 8000, rng.choice([8, 30, 90, 600], p=[0.3, 0.4, 0.25, 0.05])).astype(np.uint16)
        row[-3:] |= _LEARNT
        row[0] = i
        rows.append(row)
    np.savez(path, tokens=np.concatenate(rows), lengths=np.array([len(r) for r in rows], dtype=np.int32))
    return rows


def test_batches_hold_every_document_once(tmp_path):
    rows = _packed(tmp_path / "train.npz")
    documents = Documents(tmp_path / "train.npz", Plan(seconds=1, micro_tokens=16384))
    seen, filled, batches = [], 0, 0
    while documents.epochs < 0.8:
        ids, positions, targets_at, targets, groups = documents.batch()
        start = 0
        for count, length in groups:
            block = ids[start : start + count * length].reshape(count, length)
            for row in block:
                whole = rows[row[0]] & (_LEARNT - 1)
                assert (row[: len(whole)] == whole).all()
            seen += block[:, 0].tolist()
            assert (positions[start : start + count * length].reshape(count, length) == np.arange(length)).all()
            start += count * length
        assert (ids[targets_at + 1] == targets).all() and len(targets) == 3 * sum(c for c, _ in groups)
        filled, batches = filled + start, batches + 1
    assert len(seen) == len(set(seen)), "a document came twice before the others came once"
    assert filled / batches > 0.85 * 16384
