"""Draws the samples of a long run. Usage: plot.py SAMPLES_CSV PICTURE"""
import csv
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend is chosen first)

PANELS = [
    ("memory, MiB", [("resident_kib", "resident", 1024), ("heap_kib", "heap in use", 1024)]),
    ("threads and descriptors", [("threads", "threads", 1), ("descriptors", "descriptors", 1)]),
    ("child processes", [("children", "children", 1)]),
]
COLOURS = ["#1f6f8b", "#c8553d"]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    figure, axes = plt.subplots(len(PANELS), 1, figsize=(11, 7.5), sharex=True, layout="constrained")
    for axis, (title, lines) in zip(axes, PANELS):
        for (name, label, unit), colour in zip(lines, COLOURS):
            at_work = [row for row in rows if not row["quiet"]]
            quiet = [row for row in rows if row["quiet"]]
            axis.plot([row["seconds"] / 60 for row in at_work], [row[name] / unit for row in at_work], color=colour,
                      linewidth=0.8, alpha=0.6, label=f"{label}, at work")
            axis.plot([row["seconds"] / 60 for row in quiet], [row[name] / unit for row in quiet], "o-", color=colour,
                      markersize=4, linewidth=1.4, label=f"{label}, everything given back")
        axis.set_title(title, fontsize=9)
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(fontsize=7, frameon=False, loc="upper left", ncols=2)
    axes[-1].set_xlabel("minutes")
    figure.savefig(sys.argv[2], dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
