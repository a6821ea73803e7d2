"""The loss curve as an SVG of our own drawing: `python -m brise.plots part1/report.json part2/report.json plots/loss.svg`."""

import json
import math
import sys
from pathlib import Path

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 360, 56, 44


def loss_curve(log: list[dict]) -> str:
    """Loss (log scale) over steps."""
    steps = [e["step"] for e in log]
    losses = [math.log10(e["loss"]) for e in log]
    low, high = math.floor(min(losses) * 10) / 10, math.ceil(max(losses) * 10) / 10
    x = lambda s: _LEFT + (_WIDTH - _LEFT - 16) * s / max(steps)  # noqa: E731
    y = lambda v: 16 + (_HEIGHT - _BOTTOM - 16) * (high - v) / (high - low)  # noqa: E731
    line = " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in zip(steps, losses))
    marks = [m for m in (0.1, 0.2, 0.5, 1, 2, 5, 10) if low <= math.log10(m) <= high]
    rows = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH - 16}" y1="{y(math.log10(m)):.1f}" y2="{y(math.log10(m)):.1f}" stroke="#ccc"/>'
        f'<text x="{_LEFT - 8}" y="{y(math.log10(m)) + 4:.1f}" text-anchor="end">{m:g}</text>'
        for m in marks
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>{rows}'
        f'<polyline fill="none" stroke="#2a6f97" stroke-width="1.5" points="{line}"/>'
        f'<text x="{_WIDTH // 2}" y="{_HEIGHT - 10}" text-anchor="middle">step (of {max(steps)}); loss per learnt token, log scale</text></svg>\n'
    )


def joined(reports: list[Path]) -> list[dict]:
    """The logs of parts of training that followed one another, with their steps counted through."""
    log: list[dict] = []
    for report in reports:
        done = log[-1]["step"] if log else 0
        log += [{**entry, "step": done + entry["step"]} for entry in json.loads(report.read_text())["log"]]
    return log


if __name__ == "__main__":
    *reports, target = map(Path, sys.argv[1:])
    target.write_text(loss_curve(joined(reports)))
