"""Draws what `make bench` has measured. Usage: plot.py MEASURED_JSON PICTURE"""
import json
import sys
from statistics import median

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend is chosen first)

NAMES = ["raw C", "inline", "thread", "TypeScript SDK", "Python SDK"]
LABELS = ["raw C loop", "claude-client, INLINE", "claude-client, THREAD", "TypeScript SDK", "Python SDK"]
COLOURS = ["#8c8c8c", "#2a9d8f", "#1f6f8b", "#e9a23b", "#c8553d"]
PANELS = [
    ("CPU seconds per million messages", {"bulk500": "500 B bulk", "bulk200": "200 B bulk", "bulk20k": "20 KB bulk",
                                          "single": "500 B, one\nwrite each"}),
    ("microseconds, median", {"ping": "prompt\nto result", "control": "control\nrequest"}),
]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        values = json.load(file)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=[2, 1.15], layout="constrained")
    for axis, (title, groups) in zip(axes, PANELS):
        for index, (name, label, colour) in enumerate(zip(NAMES, LABELS, COLOURS)):
            at = [group + (index - 2) * 0.16 for group in range(len(groups))]
            heights = [median(values[key][name]) if name in values[key] else 0 for key in groups]
            bars = axis.bar(at, heights, 0.15, label=label, color=colour)
            axis.bar_label(bars, [f"{height:.2g}" if height < 10 else f"{height:.0f}" for height in heights], fontsize=6.5)
        axis.set_yscale("log")
        axis.set_xticks(range(len(groups)), groups.values())
        axis.set_title(f"{title} (logarithmic: less is better)", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(fontsize=8, frameon=False, loc="upper left")
    figure.savefig(sys.argv[2], dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
