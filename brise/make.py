"""The whole recipe in one command: data, tokenizer, training, evaluation, weights.

`python -m brise.make --out DIR` writes into DIR: `brise-N.safetensors`, `config.json`, `tekken.json`, `report.json`
(counts, log, table, failures, probes), and keeps its work (data, checkpoint) in DIR/work unless --work says otherwise.
On a GPU: `--device cuda --compile`. Training ends `--until` seconds after the start of this command.
"""

import argparse
import json
import os
import time
from pathlib import Path

import torch

from . import judge
from .data import build
from .model import SHAPES, Brise
from .tekken import Tekken
from .tekken import train as train_tokenizer
from .train import Plan, train
from .weights import DTYPES, load_parts, save_parts

HERE = Path(__file__).parent


def main() -> None:
    started = time.time()
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    work = options.work or options.out / "work"
    work.mkdir(parents=True, exist_ok=True)
    say = lambda text: print(f"[{time.time() - started:5.0f} s] {text}", flush=True)  # noqa: E731
    tokenizer = _tokenizer(options, work)
    say(f"tokenizer: {tokenizer}")
    counts = _data(options, work, tokenizer)
    say(f"data: {json.dumps(counts)}")
    tekken = Tekken(tokenizer)
    (options.out / "tekken.json").write_bytes(tokenizer.read_bytes())
    model, device = _model(options, tekken)
    say(f"model: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters on {device}")
    plan = _plan(options, started)
    log = train(model, work / "train.npz", work, plan, device, options.resume)
    say(f"trained: {log[-1] if log else 'no step'}")
    save_parts(model.state_dict(), options.out, DTYPES[options.dtype])
    (options.out / "config.json").write_text(json.dumps(model.shape.hugging_face(), indent=1))
    report = {"counts": counts, "options": {k: str(v) for k, v in vars(options).items()}, "log": log}
    _report(options.out, report)
    held_out = json.loads((work / "held_out.json").read_text())
    report["table"] = judge.evaluate(model, tekken, held_out, options.evaluate, batch=options.batch)
    _report(options.out, report)
    say("evaluated")
    report["probes"] = judge.probe(model, tekken, HERE / "probes.json")
    for entry in report["probes"]:
        print(f"  {json.dumps(entry['asked'], ensure_ascii=False)[-60:]} → {json.dumps(entry['answer'], ensure_ascii=False)[:100]}")
    report["seconds"] = round(time.time() - started)
    _report(options.out, report)
    say("done\n" + judge.show(report["table"]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="where data and the checkpoint live (default: OUT/work)")
    parser.add_argument("--conversations", type=int, default=1_500_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--part", type=int, choices=[1, 2, 3, 4], default=1, help="which mixture: even, or more of what is learnt least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shape", choices=list(SHAPES), default="brise")
    parser.add_argument("--tokenizer", type=Path, help="an existing tekken.json; default: brise/tekken.json if there, else trained")
    parser.add_argument("--retrain-tokenizer", action="store_true")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--until", type=float, default=7200, help="seconds after the start at which training ends")
    parser.add_argument("--max-steps", type=int, default=0)
    parser.add_argument("--step-tokens", type=int, default=131072)
    parser.add_argument("--micro-tokens", type=int, help="tokens per forward pass (default: 131072 on a GPU, 8192 on a CPU)")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=150)
    parser.add_argument("--resume", action="store_true", help="go on from WORK/checkpoint.pt")
    parser.add_argument("--init", type=Path, help="start from the brise-*.safetensors of this folder")
    parser.add_argument("--dtype", choices=DTYPES, default="f32")
    parser.add_argument("--evaluate", type=int, default=200, help="held-out conversations per category")
    parser.add_argument("--batch", type=int, default=512)
    return parser.parse_args()


def _tokenizer(options: argparse.Namespace, work: Path) -> Path:
    given = options.tokenizer or HERE / "tekken.json"
    if given.exists() and not options.retrain_tokenizer:
        return given
    path = work / "tekken.json"
    if not (options.resume and path.exists()):
        texts = build.corpus_texts(options.seed + 7, min(120_000, options.conversations))
        path.write_text(json.dumps(train_tokenizer(texts, SHAPES[options.shape].vocab_size), ensure_ascii=False))
    return path


def _data(options: argparse.Namespace, work: Path, tokenizer: Path) -> dict:
    if options.resume and (work / "counts.json").exists():
        return json.loads((work / "counts.json").read_text())
    return build.build(work, tokenizer, options.conversations, options.seed, options.workers, options.part)


def _model(options: argparse.Namespace, tekken: Tekken) -> tuple[Brise, torch.device]:
    device = torch.device(options.device)
    torch.manual_seed(options.seed)
    model = Brise(SHAPES[options.shape])
    if tekken.vocab_size != model.shape.vocab_size:
        raise ValueError(f"the tokenizer has {tekken.vocab_size} tokens, the model {model.shape.vocab_size}")
    if options.init:
        model.load_state_dict(load_parts(options.init))
    return model, device


def _plan(options: argparse.Namespace, started: float) -> Plan:
    micro = options.micro_tokens or (131072 if options.device.startswith("cuda") else 8192)
    return Plan(
        seconds=options.until - (time.time() - started),
        step_tokens=max(options.step_tokens, micro),
        micro_tokens=micro,
        peak_rate=options.rate,
        warmup_steps=options.warmup,
        max_steps=options.max_steps,
        seed=options.seed,
        compile=options.compile,
    )


def _report(out: Path, report: dict) -> None:
    (out / "report.json").write_text(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
