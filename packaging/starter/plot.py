#!/usr/bin/python3
"""Draws loss.csv as an SVG:  plot.py LOSS.csv LOSS.svg"""

import csv
import math
import sys

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 400, 50, 40
LINES = [("prompts", "#bbbbbb", "what people write"), ("answers", "#d95f02", "answers"),
         ("held_out", "#1b6ca8", "answers, held out")]


def main(source, out):
    with open(source, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    top = max(int(r["tokens"]) for r in rows)
    low, high = math.log10(0.05), math.log10(10)

    def place(row, value):
        x = LEFT + (WIDTH - LEFT - 20) * int(row["tokens"]) / top
        y = (HEIGHT - BOTTOM) - (HEIGHT - BOTTOM - 20) * (math.log10(max(value, 0.05)) - low) / (high - low)
        return x, y

    parts = ['<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12" '
             f'width="{WIDTH}" height="{HEIGHT}">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for value in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10):
        _, y = place(rows[0], value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eeeeee"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    for i in range(0, 5):
        x = LEFT + (WIDTH - LEFT - 20) * i / 4
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 20}" text-anchor="middle">{top * i / 4e6:.1f}M</text>')
    axes = "tokens; cross-entropy per token in nats"
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" text-anchor="middle">{axes}</text>')
    for i, (column, colour, label) in enumerate(LINES):
        points = " ".join("{:.1f},{:.1f}".format(*place(r, float(r[column]))) for r in rows if r[column])
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{WIDTH - 160}" y="{36 + 16 * i}" fill="{colour}">{label}</text>')
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join([*parts, "</svg>", ""]))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
