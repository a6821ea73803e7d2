#!/usr/bin/env python3
"""Compare `tramontane bench` with llama.cpp on the same file, in turns of a second or so, in one run.

    cargo build --release
    cc -O2 benches/beside_llama_cpp.c -o beside …        # the file says how; links with any build of llama.cpp, or of its fork
    benches/compare_llama_cpp.py MODEL.gguf --beside llama.cpp=./beside --prompt 512 --generate 32 --depth 0 2048 --batch 1 8

Any number of programs can stand beside each other; each is a name and a command, with whatever options it should have:

    --beside 'llama.cpp=./beside' --beside 'fork=./beside-ik' --beside 'fork, repacked=./beside-ik --repack'
    --ours 'before=OLD/tramontane' --ours 'after=target/release/tramontane'

All load the model at the start and stay, so there has to be memory for all. In each round each test runs once with each
program before the next test begins, A B C, A B C, …: what the machine's neighbours do meets all of them alike. The tables
have the medians of the rates, and of the ratios of the first program's rate to another's in the same round, with the
smallest and the largest of those.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess


class Side:
    """A program that runs the tests that its standard input names and says how many seconds each took."""

    def __init__(self, name, command, environment=None):
        self.name, self.command = name, command
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{shlex.join(self.command)} ended with status {self.process.wait()}")
        return line

    def ask(self, test):
        self.process.stdin.write(test + "\n")
        self.process.stdin.flush()
        return self.answer()

    def seconds(self, test):
        return float(self.ask(test))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Tramontane(Side):
    def __init__(self, name, binary, a):
        environment = dict(os.environ, **({"TRAMONTANE_ISA": a.isa} if a.isa else {}))
        super().__init__(name, [binary, "bench", a.model, "--interactive", "--threads", str(a.threads)], environment)

    def seconds(self, test):
        return json.loads(self.ask(test))["seconds"]

    def read(self):
        """Bytes a second that all threads read from memory just now."""
        return json.loads(self.ask("read"))["bytes_per_second"]


def named(words):
    """Names and command lines of NAME=COMMAND words."""
    return [word.split("=", 1) for word in words]


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("--ours", action="append", metavar="NAME=BINARY", help="instead of ours=target/release/tramontane")
    p.add_argument("--beside", action="append", default=[], metavar="NAME=COMMAND")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--isa", help="instruction set for tramontane")
    p.add_argument("--prompt", type=int, nargs="*", default=[512])
    p.add_argument("--generate", type=int, nargs="*", default=[32])
    p.add_argument("--depth", type=int, nargs="*", default=[0])
    p.add_argument("--batch", type=int, nargs="*", default=[1])
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--json", help="file for all rates of all rounds")
    return p.parse_args()


def tests(a):
    """{name: tokens} of what to run."""
    prefill = {f"pp{n}": n for n in a.prompt}
    decode = {
        f"tg{n}" + (f"@d{depth}" if depth else "") + (f"xb{batch}" if batch > 1 else ""): n * batch
        for depth in a.depth
        for batch in a.batch
        for n in a.generate
    }
    return prefill | decode


def main():
    a = arguments()
    sides = [Tramontane(name, binary, a) for name, binary in named(a.ours or ["ours=target/release/tramontane"])]
    first = sides[0]
    sides += [Side(name, shlex.split(command) + [a.model, str(a.threads)]) for name, command in named(a.beside)]
    names = [side.name for side in sides]
    asked = tests(a)
    rates = {test: [] for test in asked}
    reads = []
    for warm in range(a.rounds + 1):
        for test, tokens in asked.items():
            # Long prompts of a test are read when it is asked for first.
            rates_now = [tokens / side.seconds(test) for side in sides]
            if warm:
                rates[test].append(rates_now)
        read = first.read()
        if read:
            reads.append(read / 1e9)
    for side in sides:
        side.close()

    if reads:
        print(f"memory {min(reads):.0f} to {max(reads):.0f} GB/s, {statistics.median(reads):.0f} in the median")
    print(f"medians of {a.rounds} rounds: tokens per second; {names[0]} to each other, pair by pair [least, most]")
    width = max(map(len, asked))
    print(" " * width + "".join(f"{name:>12}" for name in names) + "   " + ", ".join(f"to {name}" for name in names[1:]))
    for test, rounds in rates.items():
        by_side = list(zip(*rounds))
        line = f"{test:{width}}" + "".join(f"{statistics.median(side):12.2f}" for side in by_side)
        for other in by_side[1:]:
            ratios = [ours / theirs for ours, theirs in zip(by_side[0], other)]
            line += f"   {statistics.median(ratios):.3f} [{min(ratios):.2f} {max(ratios):.2f}]"
        print(line)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as file:
            json.dump({"sides": names, "read_gb_per_second": reads, "rates": rates}, file, indent=1)


if __name__ == "__main__":
    main()
