"""Training: a time budget, a learning rate that reaches zero at its end, checkpoints on the way.

A step takes documents in shuffled order until `step_tokens` are full, sorts them by length into groups of equal
padding (see `model.py`) and learns only what the assistant wrote. The same code runs on a GPU (bf16, compiled) and
on a CPU. Progress is elapsed time over the budget, so that the schedule always ends, whatever the machine.
"""

import json
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .model import Brise

_LEARNT = 1 << 15
_PAD = 11


@dataclass
class Plan:
    """What a run is allowed; `seconds` counts from the first step, compilation included."""

    seconds: float
    step_tokens: int = 131072
    micro_tokens: int = 131072
    groups: int = 12
    peak_rate: float = 2e-3
    warmup_steps: int = 150
    weight_decay: float = 0.1
    max_steps: int = 0
    seed: int = 1
    compile: bool = False
    checkpoint_seconds: float = 90.0


class Documents:
    """Endless batches in a fixed random order: (ids, positions, learnt target rows, targets, groups)."""

    def __init__(self, path: Path, plan: Plan):
        packed = np.load(path)
        self.tokens, self.lengths = packed["tokens"], packed["lengths"].astype(np.int64)
        self.starts = np.concatenate(([0], np.cumsum(self.lengths)[:-1]))
        self.size, self.num_groups = plan.micro_tokens, plan.groups
        self.random = np.random.default_rng(plan.seed)
        self.order = np.empty(0, dtype=np.int64)
        self.epochs = 0.0

    def batch(self):
        chosen, parts = self._take()
        ids = np.full(self.size, _PAD, dtype=np.int64)
        positions = np.zeros(self.size, dtype=np.int64)
        rows, targets, groups, start = [], [], [], 0
        for part in parts:
            block, length = self._block(chosen[part])
            learnt = np.nonzero((block[:, 1:] & _LEARNT).ravel())[0]
            plain = (block & (_LEARNT - 1)).astype(np.int64)
            span = slice(start, start + block.size)
            ids[span] = plain.ravel()
            positions[span] = np.tile(np.arange(length), len(block))
            rows.append(start + learnt // (length - 1) * length + learnt % (length - 1))
            targets.append(plain[:, 1:].ravel()[learnt])
            groups.append((len(block), int(length)))
            start += block.size
        self.epochs += len(chosen) / len(self.lengths)
        return ids, positions, np.concatenate(rows), np.concatenate(targets), groups

    def _take(self):
        """The next documents, sorted by length and cut into groups that fit a batch with their padding.

        What does not fit is given back, whatever its length: long documents are not put off for ever.
        """
        if len(self.order) < self.size // 8:
            self.order = np.concatenate([self.order, self.random.permutation(len(self.lengths))])
        filled = np.cumsum(self.lengths[self.order[: self.size // 8]])
        count = int(np.searchsorted(filled, self.size * 0.96))
        while True:
            chosen = self.order[:count]
            chosen = chosen[np.argsort(self.lengths[chosen], kind="stable")]
            parts = _equal_parts(self.lengths[chosen], self.num_groups)
            if sum((p.stop - p.start) * int(self.lengths[chosen[p.stop - 1]]) for p in parts) <= self.size:
                break
            count = int(count * 0.985) if count > 64 else count - 1
        self.order = self.order[count:]
        return chosen, parts

    def _block(self, documents):
        lengths = self.lengths[documents]
        width = int(lengths.max())
        columns = np.arange(width)
        inside = columns < lengths[:, None]
        at = np.where(inside, self.starts[documents][:, None] + columns, 0)
        return np.where(inside, self.tokens[at], _PAD).astype(np.uint16), width


def train(model: Brise, data: Path, out: Path, plan: Plan, device: torch.device, resume: bool = False) -> list[dict]:
    """Trains in place and returns the log (one entry every few steps)."""
    torch.manual_seed(plan.seed)
    model.to(device).train()
    documents = Documents(data, plan)
    optimizer = _optimizer(model, plan, device)
    step, spent, log = 0, 0.0, []
    checkpoint = out / "checkpoint.pt"
    if resume and checkpoint.exists():
        step, spent, log = _restore(checkpoint, model, optimizer, device)
        documents.random = np.random.default_rng(plan.seed + step)
        plan.seconds += spent
    if plan.compile:
        model.compile()
    batches = _prefetch(documents)
    micro_steps = max(1, plan.step_tokens // plan.micro_tokens)
    started = saved = printed = time.time()
    while (elapsed := spent + time.time() - started) < plan.seconds and not (plan.max_steps and step >= plan.max_steps):
        progress = max(elapsed / plan.seconds, step / plan.max_steps if plan.max_steps else 0.0)
        rate = plan.peak_rate * min(1.0, (step + 1) / plan.warmup_steps) * (1.0 - progress)
        for group in optimizer.param_groups:
            group["lr"] = rate
        try:
            loss = _step(model, optimizer, batches, micro_steps, device)
        except Exception as error:
            if not (plan.compile and step == 0):
                raise
            print(f"compilation failed, going on without it: {error}"[:2000], flush=True)
            plan.compile = False
            model.plain()
            optimizer.zero_grad(set_to_none=True)
            continue
        step += 1
        if step % 20 == 0 or step < 4:
            value, now = float(loss), time.time()
            if value != value:
                raise FloatingPointError(f"the loss is not a number at step {step}: lower --rate")
            entry = {"step": step, "seconds": round(elapsed, 1), "loss": round(value, 4), "rate": rate, "epochs": round(documents.epochs, 2)}
            log.append(entry)
            if now - printed > 5 or step < 4:
                print(f"step {step:6d}  {elapsed:6.0f} s  loss {value:.4f}  rate {rate:.2e}  {step * plan.step_tokens / (now - started + spent) / 1e3:.0f}k tokens/s", flush=True)
                printed = now
        if time.time() - saved > plan.checkpoint_seconds:
            _save(checkpoint, model, optimizer, step, elapsed, log)
            saved = time.time()
    _save(checkpoint, model, optimizer, step, spent + time.time() - started, log)
    (out / "log.json").write_text(json.dumps(log))
    return log


def _step(model, optimizer, batches, micro_steps, device):
    total = torch.zeros((), device=device)
    for _ in range(micro_steps):
        ids, positions, rows, targets, groups = batches.get()
        move = lambda a: torch.from_numpy(a).to(device, non_blocking=True)  # noqa: E731
        with torch.autocast(device.type, dtype=torch.bfloat16):
            hidden = model(move(ids), move(positions), groups)
            logits = model.logits(hidden[move(rows)])
        loss = F.cross_entropy(logits.float(), move(targets)) / micro_steps
        loss.backward()
        total += loss.detach()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total


def _optimizer(model, plan, device):
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    groups = [{"params": matrices, "weight_decay": plan.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=plan.peak_rate, betas=(0.9, 0.95), eps=1e-8, fused=device.type == "cuda")


def _prefetch(documents: Documents) -> queue.Queue:
    """Batches are made by a thread, a few ahead."""
    batches: queue.Queue = queue.Queue(maxsize=4)

    def fill():
        while True:
            batches.put(documents.batch())

    threading.Thread(target=fill, daemon=True).start()
    return batches


def _equal_parts(lengths, count):
    """Cuts documents sorted by length into at most `count` runs of about equal token counts."""
    filled = np.cumsum(lengths)
    marks = np.searchsorted(filled, filled[-1] * np.arange(1, count) / count)
    edges = np.unique(np.concatenate(([0], marks, [len(lengths)])))
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:]) if b > a]


def _save(path, model, optimizer, step, seconds, log):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "seconds": seconds, "log": log}
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _restore(path, model, optimizer, device):
    state = torch.load(path, map_location=device, weights_only=False)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    print(f"resumed at step {state['step']}, {state['seconds']:.0f} s", flush=True)
    return state["step"], state["seconds"], state["log"]
