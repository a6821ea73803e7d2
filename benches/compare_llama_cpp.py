#!/usr/bin/env python3
"""Compare `tramontane bench` with llama.cpp on the same file, in turns, in one run.

    pip install --no-binary llama-cpp-python llama-cpp-python    # builds llama.cpp for this machine
    cargo build --release
    benches/compare_llama_cpp.py MODEL.gguf --threads 2 --prompt 512 --generate 64 --depth 0 2048 --rounds 3

Another build of llama.cpp takes the place of the installed one with `LLAMA_CPP_LIB_PATH=FOLDER` (its `libllama.so`), so
AVX2 beside AVX2 is that and `--isa avx2`. Builds and forks that have the tool `llama-bench` stand beside each other, and
batches of sequences come from their `llama-batched-bench`; each is a command line, with whatever options it should have:

    benches/compare_llama_cpp.py MODEL.gguf --depth 0 --batch 1 8 \\
        --beside 'llama.cpp=FOLDER/llama-bench' --batched 'llama.cpp=FOLDER/llama-batched-bench' \\
        --beside 'fork=OTHER/llama-bench -rtr 1' --batched 'fork=OTHER/llama-batched-bench -rtr'

Absolute rates drift with the machine; ratios of neighbouring runs do not. The order is A B A B … (A B C A B C …); the
table has medians, and of each other the ratio of ours to it. A dash is a test that its tools cannot run.
"""

import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import time


class LlamaCpp:
    """Rates of llama.cpp through its C interface, with the token loop of its own `llama-bench`."""

    def __init__(self, path, threads, context):
        from llama_cpp import llama_cpp as c

        self.c = c
        c.llama_backend_init()
        self.quiet = c.llama_log_callback(lambda *_: None)
        c.llama_log_set(self.quiet, None)
        start = time.perf_counter()
        self.model = c.llama_model_load_from_file(path.encode(), c.llama_model_default_params())
        params = c.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = context, 2048, 512
        params.n_threads = params.n_threads_batch = threads
        params.n_seq_max = 16
        params.kv_unified = True
        self.context = c.llama_init_from_model(self.model, params)
        self.load_seconds = time.perf_counter() - start
        self.vocab = c.llama_vocab_n_tokens(c.llama_model_get_vocab(self.model))

    def clear(self):
        self.c.llama_memory_clear(self.c.llama_get_memory(self.context), True)

    def decode(self, rows):
        """One llama_decode of (token, position, sequence, wants logits) rows."""
        batch = self.c.llama_batch_init(len(rows), 0, 1)
        batch.n_tokens = len(rows)
        for i, (token, position, sequence, logits) in enumerate(rows):
            batch.token[i], batch.pos[i] = token, position
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
            batch.logits[i] = logits
        if self.c.llama_decode(self.context, batch) != 0:
            raise SystemExit("llama_decode failed: more sequences or tokens than it takes")
        self.c.llama_synchronize(self.context)
        self.c.llama_batch_free(batch)

    def token(self, position):
        return position * 7919 % self.vocab

    def read(self, sequence, start, end):
        for first in range(start, end, 512):
            last = min(end, first + 512)
            self.decode([(self.token(p), p, sequence, p == end - 1) for p in range(first, last)])

    def prefill(self, tokens):
        self.clear()
        start = time.perf_counter()
        self.read(0, 0, tokens)
        return tokens / (time.perf_counter() - start)

    def generate(self, tokens, depth, sequences):
        self.clear()
        for s in range(sequences):
            if depth:
                self.read(s, 0, depth)
        start = time.perf_counter()
        for p in range(depth, depth + tokens):
            self.decode([(self.token(p), p, s, True) for s in range(sequences)])
        return tokens * sequences / (time.perf_counter() - start)


class LlamaBench:
    """Rates of the tools `llama-bench` and, for more than one sequence, `llama-batched-bench` (None: it has none)."""

    def __init__(self, bench, batched, path, threads):
        common = ["-m", path, "-t", str(threads)]
        self.bench = shlex.split(bench) + common
        self.batched = batched and shlex.split(batched) + common + ["-tb", str(threads)]
        self.has_depth = "--n-depth" in run([self.bench[0], "--help"]).stdout

    def prefill(self, tokens):
        # The first repetition is the warm-up: forks warm up with one token, or not at all.
        return self.measure("-p", tokens, "-n", 0, "-r", 2)

    def generate(self, tokens, depth, sequences):
        if sequences > 1:
            return self.batches(tokens, max(depth, 1), sequences) if self.batched else None
        if depth == 0:
            return self.measure("-p", 0, "-n", tokens, "-r", 1)
        if self.has_depth:
            return self.measure("-p", 0, "-n", tokens, "-d", depth, "-r", 1)
        return self.measure("-p", 0, "-n", 0, "-gp", f"{depth},{tokens}", "-r", 1)

    def measure(self, *options):
        text = run(self.bench + ["-o", "json"] + [str(o) for o in options]).stdout
        (test,) = json.loads(re.search(r"^\[.*^\]", text, re.MULTILINE | re.DOTALL)[0])
        return test["samples_ts"][-1]

    def batches(self, tokens, depth, sequences):
        """The table's column `S_TG t/s`; its first columns are the prompt's length, the tokens, and the sequences."""
        counts = [str(n) for n in (depth, tokens, sequences)]
        context = str((depth + tokens) * sequences + 256)
        done = run(self.batched + ["-c", context, "-npp", counts[0], "-ntg", counts[1], "-npl", counts[2]])
        lines = (done.stdout + done.stderr).splitlines()  # forks print it to either
        rows = [[cell.strip() for cell in line.split("|")[1:]] for line in lines if line.startswith("|")]
        (rate,) = (row[7] for row in rows if row[:3] == counts)
        return float(rate)


class Tramontane:
    """Rates of `tramontane bench`, a process for each."""

    def __init__(self, binary, path, threads, isa):
        self.command = [binary, "bench", path, "--json", "--threads", str(threads), "--repetitions", "1"]
        self.env = dict(os.environ, **({"TRAMONTANE_ISA": isa} if isa else {}))

    def prefill(self, tokens):
        return self.measure(tokens, 0, 0, 1)

    def generate(self, tokens, depth, sequences):
        return self.measure(0, tokens, depth, sequences)

    def measure(self, prompt, generate, depth, batch):
        options = {"--prompt": prompt, "--generate": generate, "--depth": depth, "--batch": batch}
        words = [str(word) for option in options.items() for word in option]
        (row,) = json.loads(run(self.command + words, self.env).stdout)
        return row["tokens_per_second"]["median"]


def run(command, env=None):
    """The finished process; what it printed is shown if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}status {done.returncode}")
    return done


def named(words):
    """{name: command line} of NAME=COMMAND words."""
    return dict(word.split("=", 1) for word in words)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("--binary", default="target/release/tramontane")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--isa", help="instruction set for tramontane")
    p.add_argument("--prompt", type=int, nargs="*", default=[512])
    p.add_argument("--generate", type=int, default=32)
    p.add_argument("--depth", type=int, nargs="*", default=[0])
    p.add_argument("--batch", type=int, nargs="*", default=[1])
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--beside", action="append", default=[], metavar="NAME=LLAMA-BENCH", help="instead of the installed one")
    p.add_argument("--batched", action="append", default=[], metavar="NAME=LLAMA-BATCHED-BENCH")
    return p.parse_args()


def others(a):
    """{name: side} of what is compared with."""
    if a.beside:
        batched = named(a.batched)
        return {name: LlamaBench(bench, batched.get(name), a.model, a.threads) for name, bench in named(a.beside).items()}
    most = max(a.prompt + [(max(a.depth) + a.generate) * max(a.batch)])
    installed = LlamaCpp(a.model, a.threads, most + 64)
    print(f"llama.cpp loaded in {installed.load_seconds:.2f} s", flush=True)
    installed.generate(4, 0, 1)
    return {"llama.cpp": installed}


def main():
    a = arguments()
    sides = [Tramontane(a.binary, a.model, a.threads, a.isa)]
    names = others(a)
    sides += names.values()

    tests = {f"pp{n}": (lambda side, n=n: side.prefill(n)) for n in a.prompt}
    for depth in a.depth:
        for batch in a.batch:
            name = f"tg{a.generate}" + (f"@d{depth}" if depth else "") + (f"×b{batch}" if batch > 1 else "")
            tests[name] = lambda side, depth=depth, batch=batch: side.generate(a.generate, depth, batch)
    rates = {name: [] for name in tests}
    for _ in range(a.rounds):
        for name, test in tests.items():
            rates[name].append([test(side) for side in sides])

    print(f"{'test':>14} {'ours':>9}" + "".join(f" {name:>9} {'ratio':>6}" for name in names)
          + f"   (tokens/s, medians of {a.rounds})")
    for name, rounds in rates.items():
        ours, *theirs = zip(*rounds)
        line = f"{name:>14} {statistics.median(ours):9.2f}"
        for width, side in zip(map(len, names), theirs):
            rate, ratio = "–", "–"
            if None not in side:
                rate = f"{statistics.median(side):.2f}"
                ratio = f"{statistics.median(x / y for x, y in zip(ours, side)):.2f}"
            line += f" {rate:>{max(9, width)}} {ratio:>6}"
        print(line)


if __name__ == "__main__":
    main()
