#!/usr/bin/env python3
"""Writes cases.json: distributions after penalties and filters, by transformers' logits processors in float64.

Presence and frequency penalties, which transformers lacks, follow OpenAI's formula in numpy.
Run by hand: python3 vectors/sampling/make.py
"""

import json
import pathlib

import numpy as np
import torch
from transformers.generation import logits_process as lp

VOCAB = 48


def processors(params):
    if params.get("repetition_penalty", 1.0) != 1.0:
        yield lp.RepetitionPenaltyLogitsProcessor(params["repetition_penalty"])
    if params.get("logit_bias"):
        yield lp.SequenceBiasLogitsProcessor([[[token], float(np.float32(bias))] for token, bias in params["logit_bias"]])
    yield lp.TemperatureLogitsWarper(f32(params.get("temperature", 1.0)))
    if params.get("top_k"):
        yield lp.TopKLogitsWarper(params["top_k"])
    if params.get("top_p", 1.0) < 1.0:
        yield lp.TopPLogitsWarper(f32(params["top_p"]))
    if params.get("min_p", 0.0) > 0.0:
        yield lp.MinPLogitsWarper(f32(params["min_p"]))
    if params.get("typical_p", 1.0) < 1.0:
        yield lp.TypicalLogitsWarper(f32(params["typical_p"]))


def f32(number):
    return float(np.float32(number))


def distribution(logits, prompt, answer, params):
    scores = torch.tensor(logits, dtype=torch.float64)[None]
    seen = torch.tensor([prompt + answer], dtype=torch.int64)
    bare = [p for p in processors(params) if isinstance(p, lp.RepetitionPenaltyLogitsProcessor)]
    for processor in bare:
        scores = processor(seen, scores)
    counts = np.bincount(np.array(answer, dtype=np.int64), minlength=VOCAB)
    penalty = f32(params.get("frequency_penalty", 0)) * counts + f32(params.get("presence_penalty", 0)) * (counts > 0)
    scores = scores - torch.tensor(penalty)[None]
    for processor in processors(params):
        if not isinstance(processor, lp.RepetitionPenaltyLogitsProcessor):
            scores = processor(seen, scores)
    return torch.softmax(scores, -1)[0].tolist()


GRID = [
    {},
    {"temperature": 0.7},
    {"temperature": 0.05},
    {"temperature": 2.5},
    {"top_k": 1},
    {"top_k": 7},
    {"top_k": 1000},
    {"top_p": 0.9},
    {"top_p": 0.5},
    {"top_p": 0.01},
    {"min_p": 0.05},
    {"min_p": 0.5},
    {"min_p": 1.0},
    {"typical_p": 0.9},
    {"typical_p": 0.2},
    {"repetition_penalty": 1.3},
    {"repetition_penalty": 0.5},
    {"presence_penalty": 1.5},
    {"presence_penalty": -2.0},
    {"frequency_penalty": 0.6},
    {"logit_bias": [[3, 5.0], [11, -100.0], [40, 2.5]]},
    {"temperature": 0.7, "top_k": 20, "top_p": 0.95, "min_p": 0.02},
    {"temperature": 1.4, "top_p": 0.8, "typical_p": 0.7},
    {"temperature": 0.3, "top_k": 10, "repetition_penalty": 1.2, "presence_penalty": 0.5, "frequency_penalty": 0.25},
    {"temperature": 0.9, "top_k": 12, "top_p": 0.9, "min_p": 0.1, "typical_p": 0.95, "logit_bias": [[7, 1.5]]},
]


def main():
    random = np.random.default_rng(20240)
    cases = []
    for number, params in enumerate(GRID):
        logits = np.round(random.normal(0, 3, VOCAB), 3).astype(np.float32).tolist()
        prompt = random.integers(0, VOCAB, 6).tolist()
        answer = random.integers(0, 12, 9).tolist()
        probabilities = distribution(logits, prompt, answer, params)
        left = [[token, p] for token, p in enumerate(probabilities) if p > 0]
        cases.append({"params": params, "logits": [round(x, 3) for x in logits], "prompt": prompt, "answer": answer, "left": left})
    path = pathlib.Path(__file__).with_name("cases.json")
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
