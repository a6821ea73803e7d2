#!/usr/bin/env python3
"""Compare `tramontane bench` with llama.cpp on the same file, in turns, in one run.

    pip install --no-binary llama-cpp-python llama-cpp-python    # builds llama.cpp for this machine
    cargo build --release
    benches/compare_llama_cpp.py MODEL.gguf --threads 2 --prompt 512 --generate 64 --depth 0 2048 --rounds 3

Absolute rates drift with the machine; ratios of neighbouring runs do not. The order is A B A B …; the table has medians.
"""

import argparse
import json
import os
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
            raise SystemExit("llama_decode failed: raise --context")
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


def tramontane(binary, path, threads, isa, prompt, generate, depth, batch):
    """{test: rate} of one `tramontane bench` run of one repetition."""
    command = [binary, "bench", path, "--json", "--threads", str(threads), "--repetitions", "1"]
    command += ["--prompt", str(prompt), "--generate", str(generate), "--depth", str(depth), "--batch", str(batch)]


    env = dict(os.environ, **({"TRAMONTANE_ISA": isa} if isa else {}))
    rows = json.loads(subprocess.run(command, capture_output=True, check=True, text=True, env=env).stdout)
    return {row["test"]: row["tokens_per_second"]["median"] for row in rows}


def main():
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
    a = p.parse_args()

    most = max(a.prompt + [(max(a.depth) + a.generate) * max(a.batch)])
    theirs = LlamaCpp(a.model, a.threads, most + 64)
    print(f"llama.cpp loaded in {theirs.load_seconds:.2f} s", flush=True)
    theirs.generate(4, 0, 1)
    rates = {}
    for _ in range(a.rounds):
        for n in a.prompt:
            ours = tramontane(a.binary, a.model, a.threads, a.isa, n, 0, 0, 1)
            rates.setdefault(f"pp{n}", []).append((next(iter(ours.values())), theirs.prefill(n)))
        for depth in a.depth:
            for batch in a.batch:
                ours = tramontane(a.binary, a.model, a.threads, a.isa, 0, a.generate, depth, batch)
                name, rate = next(iter(ours.items()))
                rates.setdefault(name, []).append((rate, theirs.generate(a.generate, depth, batch)))
    print(f"{'test':>14} {'ours':>9} {'llama.cpp':>9} {'ratio':>6}   (tokens/s, medians of {a.rounds})")
    for test, pairs in rates.items():
        ours, other = (statistics.median(side) for side in zip(*pairs))
        print(f"{test:>14} {ours:9.2f} {other:9.2f} {statistics.median(x / y for x, y in pairs):6.2f}")


if __name__ == "__main__":
    main()
