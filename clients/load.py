#!/usr/bin/env python3
"""Load on a running server of OpenAI's API: this one, or another to compare with. Standard library only.

    python clients/load.py --url http://127.0.0.1:8080 --model brise --pid PID --seconds 300 --save here.json
    python clients/load.py --url http://127.0.0.1:8081 --model other --pid PID --seconds 300 --save there.json
    python clients/load.py --compare here.json there.json

First batches: 1, 2, 4, … streams at once, each with a prompt of its own; tokens a second of all together. Then the load:
so many clients for so many seconds, prompts of mixed lengths, a part of the clients leaving in the middle; errors,
refusals (429 and 503: each is tried again after Retry-After), time to the first token and between tokens, memory of the
server before and after. One thread and non-blocking sockets, so that the clients take little from the server.

Loopback addresses only, bounded in time and in clients.
"""

import argparse
import collections
import ipaddress
import json
import pathlib
import random
import selectors
import socket
import statistics
import sys
import time
import urllib.parse

MOST_CLIENTS = 1024
MOST_SECONDS = 3600
PATIENCE_S = 300  # without a byte, a stream is broken
WORDS = "wind sea hill stone river light house road cloud field storm bread salt glass night fire snow leaf".split()
# Words of a prompt, and how often: most are short, some fill much of a context.
LENGTHS = [(24, 50), (80, 25), (240, 15), (700, 10)]


class Stream:
    """One request and what came of it."""

    def __init__(self, target, body, leave_after=None):
        self.target, self.body, self.leave_after = target, body, leave_after
        self.sent = self.first = self.last = None
        self.gaps, self.tokens, self.status, self.retry_after = [], 0, None, 1.0
        self.head, self.tail, self.done, self.problem, self.usage = b"", b"", False, None, None
        self.left = False

    def open(self):
        payload = json.dumps(self.body).encode()
        key = f"authorization: Bearer {self.target.key}\r\n" if self.target.key else ""
        head = (
            f"POST {self.target.path} HTTP/1.1\r\nhost: {self.target.host}:{self.target.port}\r\n{key}"
            f"content-type: application/json\r\ncontent-length: {len(payload)}\r\nconnection: close\r\n\r\n"
        )
        self.sent = time.perf_counter()
        self.socket = socket.create_connection((self.target.host, self.target.port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(head.encode() + payload)
        self.socket.setblocking(False)
        self.last = self.sent
        return self

    def read(self):
        """Takes what has come. False: it is over."""
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return True
        except OSError as error:
            self.problem = f"broken off: {error}"
            return False
        now = time.perf_counter()
        if not data:
            if self.status == 200 and not self.done and self.problem is None:
                self.problem = "the stream has no end"
            elif self.status is None:
                self.problem = "closed without an answer"
            return False
        if self.status is None:
            self.head += data
            if b"\r\n\r\n" not in self.head:
                return True
            head, _, data = self.head.partition(b"\r\n\r\n")
            self.status = int(head.split(b" ", 2)[1])
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"retry-after:"):
                    self.retry_after = float(line.split(b":")[1])
        if self.status == 200:
            self.count(data, now)
        return not (self.leave_after is not None and self.tokens >= self.leave_after and self.leave())

    def count(self, data, now):
        """Every event is a token: what both sides of a comparison send."""
        text = self.tail + data
        events = text.count(b"data: {") - self.tail.count(b"data: {")
        if b'"usage":{' in text or b'"usage": {' in text:
            events -= 1
            self.usage = text[text.rindex(b'"usage"') :]
        # As the first name of an event: answers may have the word in them too.
        if b'data: {"error"' in text:
            self.problem = text[text.rindex(b'data: {"error"') :][:300].decode(errors="replace")
        self.done = self.done or b"data: [DONE]" in text
        self.tail = text[-400:]
        if events <= 0:
            return
        if self.first is None:
            self.first, events = now, events - 1
            self.tokens += 1
        elif events:
            self.gaps.append(now - self.last)
            self.gaps.extend([0.0] * (events - 1))
        self.tokens += events
        self.last = now

    def leave(self):
        self.left = True
        return True


class Target:
    def __init__(self, arguments):
        url = urllib.parse.urlsplit(arguments.url)
        self.host, self.port = url.hostname, url.port or 80
        if not ipaddress.ip_address("127.0.0.1" if self.host == "localhost" else self.host).is_loopback:
            sys.exit(f"{self.host} is not the loopback address: this is for your own machine")
        self.key, self.model, self.chat = arguments.key, arguments.model, arguments.chat
        self.end_tokens = arguments.end_token
        self.path = "/v1/chat/completions" if self.chat else "/v1/completions"

    def body(self, rng, words, tokens):
        text = " ".join(rng.choice(WORDS) for _ in range(words))
        prompt = {"messages": [{"role": "user", "content": text}]} if self.chat else {"prompt": text}
        return {
            "model": self.model,
            "stream": True,
            "max_tokens": tokens,
            "temperature": 1,
            "top_p": 0.95,
            "seed": rng.randrange(1 << 30),
            # Answers of the same length everywhere: their end is made impossible.
            "logit_bias": {str(token): -100 for token in self.end_tokens},
            **prompt,
        }


def together(streams, deadline):
    """Reads all streams to their end."""
    selector, over = selectors.DefaultSelector(), []
    for stream in streams:
        selector.register(stream.socket, selectors.EVENT_READ, stream)
    while selector.get_map() and time.perf_counter() < deadline:
        for key, _ in selector.select(timeout=1):
            if not key.data.read():
                selector.unregister(key.fileobj)
                key.fileobj.close()
                over.append(key.data)
    for key in list(selector.get_map().values()):
        key.data.problem = "it took too long"
        key.fileobj.close()
    return over


def batches(target, arguments):
    """Tokens a second of N streams at once, round by round: median, and best where the machine is not alone."""
    rng, rates = random.Random(1), {}
    for size in arguments.batch:
        rounds = []
        for _ in range(arguments.rounds):
            bodies = [target.body(rng, 24, arguments.tokens) for _ in range(size)]
            start = time.perf_counter()
            streams = [Stream(target, body).open() for body in bodies]
            together(streams, start + PATIENCE_S)
            bad = [stream.problem or stream.status for stream in streams if stream.problem or stream.status != 200]
            if bad:
                sys.exit(f"{len(bad)} of {size} streams failed: {bad[0]}")
            rounds.append(sum(stream.tokens for stream in streams) / (max(s.last for s in streams) - start))
        rates[size] = {"median": statistics.median(rounds), "best": max(rounds)}
        shown = (f"{name} {rate:9.1f} ({rate / rates[arguments.batch[0]][name]:5.2f} of one)" for name, rate in rates[size].items())
        print(f"batch {size:3}, tokens/s: " + "  ".join(shown), flush=True)
    return rates


def load(target, arguments, seconds):
    """So many clients, each with one request after the other."""
    rng, counts, start = random.Random(2), collections.Counter(), time.perf_counter()
    deadline, problems = start + seconds, collections.Counter()
    firsts, gaps, refusals = [], [], []
    selector, waiting = selectors.DefaultSelector(), [(start, None)] * arguments.clients
    while waiting or selector.get_map():
        now = time.perf_counter()
        if now > deadline + PATIENCE_S:
            sys.exit("streams do not end")
        later = []
        for when, body in waiting:
            if now >= deadline:
                continue
            if when > now:
                later.append((when, body))
                continue
            if body is None:
                words = rng.choices(*zip(*LENGTHS))[0]
                body = target.body(rng, min(words, arguments.longest), rng.randrange(8, arguments.tokens + 1))
            try:
                stream = Stream(target, body, 4 if rng.random() < arguments.leave else None).open()
            except OSError as error:
                problems[f"no connection: {error}"] += 1
                later.append((now + 1, None))
                continue
            selector.register(stream.socket, selectors.EVENT_READ, stream)
        waiting = later
        for key, _ in selector.select(timeout=0.05):
            stream = key.data
            if stream.read():
                continue
            selector.unregister(key.fileobj)
            key.fileobj.close()
            again, when = None, 0.0
            if stream.left:
                counts["left"] += 1
            elif stream.status in (429, 503):
                counts["refused"] += 1
                refusals.append(time.perf_counter() - stream.sent)
                again, when = stream.body, time.perf_counter() + min(stream.retry_after, 5)
            elif stream.problem or stream.status != 200:
                counts["failed"] += 1
                problems[stream.problem or f"status {stream.status}"] += 1
            else:
                counts["answered"] += 1
            counts["tokens"] += stream.tokens
            if stream.first is not None:
                firsts.append(stream.first - stream.sent)
                gaps.extend(stream.gaps)
            waiting.append((when, again))
    took = time.perf_counter() - start
    for name in ["answered", "left", "refused", "failed", "tokens"]:
        counts.setdefault(name, 0)
    print(f"{arguments.clients} clients, {took:.0f} s: {dict(counts)}, {counts['tokens'] / took:.1f} tokens/s")
    problems and print("failures:", dict(problems.most_common(5)))
    result = {
        "seconds": took,
        **counts,
        "tokens_per_second": counts["tokens"] / took,
        "first_token_s": percentiles(firsts),
        "between_tokens_s": percentiles(gaps),
        "refusal_s": percentiles(refusals),
        "failures": dict(problems),
    }
    for name in ["first_token_s", "between_tokens_s", "refusal_s"]:
        print(f"{name}: " + ("none" if not result[name] else "  ".join(f"{k} {v:.4f}" for k, v in result[name].items())))
    return result


def percentiles(values):
    values = sorted(values)
    at = lambda share: values[min(len(values) - 1, int(share * len(values)))]
    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": values[-1]} if values else {}


def memory(pid):
    """VmRSS and VmHWM in MiB, threads, file descriptors."""
    if pid is None:
        return {}
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    mib = lambda name: int(status[name].split()[0]) / 1024
    descriptors = len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))
    return {"rss": mib("VmRSS"), "peak": mib("VmHWM"), "threads": int(status["Threads"]), "descriptors": descriptors}


def measure(arguments):
    target, result = Target(arguments), {}
    print(f"{arguments.url}, model {arguments.model}")
    together([Stream(target, target.body(random.Random(0), 8, 8)).open()], time.perf_counter() + PATIENCE_S)
    result["memory"] = {"start": memory(arguments.pid)}
    if arguments.batch:
        result["batches"] = batches(target, arguments)
    if arguments.seconds:
        if arguments.warm:
            print("warming up")
            load(target, arguments, arguments.warm)
        result["memory"]["warm"] = memory(arguments.pid)
        result["load"] = load(target, arguments, arguments.seconds)
        time.sleep(2)
        result["memory"]["end"] = memory(arguments.pid)
    for when, numbers in result["memory"].items():
        print(f"memory at {when}: " + ", ".join(f"{name} {number:.0f}" for name, number in numbers.items()))
    if arguments.save:
        pathlib.Path(arguments.save).write_text(json.dumps(result, indent=1))
    failed = result.get("load", {}).get("failed", 0) + sum(result.get("load", {}).get("failures", {}).values())
    return 1 if failed else 0


def compare(here, there):
    here, there = (json.loads(pathlib.Path(path).read_text()) for path in (here, there))
    print("| streams | here, tokens/s: median, best | there | ratio of medians | of bests |\n|---|---|---|---|---|")
    for size in (size for size in here["batches"] if size in there["batches"]):
        a, b = here["batches"][size], there["batches"][size]
        ratios = (a[name] / b[name] for name in ("median", "best"))
        cells = [f"{side['median']:.1f}, {side['best']:.1f}" for side in (a, b)] + [f"{ratio:.2f}" for ratio in ratios]
        print(f"| {size} | " + " | ".join(cells) + " |")
    for name in ["first_token_s", "between_tokens_s"]:
        for at in ["p50", "p95", "p99"]:
            a, b = (side.get("load", {}).get(name, {}).get(at) for side in (here, there))
            a and b and print(f"{name} {at}: {a:.4f} {b:.4f}")
    return 0


def bounded(least, most):
    def parse(text):
        if not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"from {least} to {most}")
        return int(text)

    return parse


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = lambda text: [int(size) for size in text.split(",") if size]
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--model", default="brise")
    parser.add_argument("--key")
    parser.add_argument("--pid", type=int, help="the server's process, for its memory")
    parser.add_argument("--chat", action="store_true", help="chat instead of plain completions")
    parser.add_argument("--end-token", type=sizes, default=[2], help="token ids that end an answer")
    parser.add_argument("--batch", type=sizes, default=[1, 2, 4, 8, 16, 32], help="streams at once; empty for none")
    parser.add_argument("--rounds", type=bounded(1, 100), default=3)
    parser.add_argument("--tokens", type=bounded(8, 4096), default=128)
    parser.add_argument("--longest", type=bounded(8, 100_000), default=700, help="words of the longest prompt")
    parser.add_argument("--clients", type=bounded(1, MOST_CLIENTS), default=64)
    parser.add_argument("--seconds", type=bounded(0, MOST_SECONDS), default=30, help="300 is the full load; 0 for none")
    parser.add_argument("--warm", type=bounded(0, MOST_SECONDS), default=10)
    parser.add_argument("--leave", type=float, default=0.05, help="share of the clients that leave in the middle")
    parser.add_argument("--save", help="a file for the numbers")
    parser.add_argument("--compare", nargs=2, metavar="FILE")
    arguments = parser.parse_args()
    return compare(*arguments.compare) if arguments.compare else measure(arguments)


if __name__ == "__main__":
    sys.exit(main())
