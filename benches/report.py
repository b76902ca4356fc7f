"""The tables of what was measured, and docs/performance.md with them."""
import os
import platform
import re
import subprocess

from contenders import HERE, PYTHON_SDK, ROOT, TYPESCRIPT_SDK
from measures import TARGETS

PAGE = ROOT / "docs/performance.md"
PICTURE = ROOT / "docs/performance.png"
BEGIN, END = "<!-- measured: `make bench` writes what follows -->", "<!-- end of what is measured -->"


def number(value, digits):
    return "–" if value is None else f"{value:,.{digits}f}"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


def contenders_table(measured, measures, names):
    shown = [name for name in names if any(measured.value(measure.key, name) is not None for measure in measures)]

    def row(measure):
        unit = f" ({measure.unit})" if measure.unit else ""
        return [measure.title + unit, *(number(measured.value(measure.key, name), measure.digits) for name in shown)]

    return table(["measure", *shown], [row(measure) for measure in measures])


def targets_table(measured):
    def row(target):
        value = target.measured(measured)
        met = "met" if value <= target.limit else "**missed**"
        return [target.title, target.text, number(value, target.digits), met]

    return table(["measure", "target", "measured", ""], [row(target) for target in TARGETS])


def instructions_table(measured):
    rows = [[name, number(count, 0)] for name, count in measured.instructions.items()]
    return table(["user instructions a message, by callgrind", "count"], rows)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=False).stdout.split()[1]
    return (f"{model}, {os.cpu_count()} cores; Linux {platform.release().split('-')[0]}; rustc {rustc}; "
            f"Node.js and TypeScript SDK {TYPESCRIPT_SDK}; Python {platform.python_version()} and SDK {PYTHON_SDK}.")


def tables(measured, measures, names, targets):
    parts = ["### Contenders\n", contenders_table(measured, measures, names)]
    if targets:
        parts = ["### Targets\n", targets_table(measured), *parts, "### Instructions\n", instructions_table(measured)]
    return "\n".join(parts)


def write(text, bench):
    """Puts the tables between the marks of the page; what stands around them is written by hand."""
    page = PAGE.read_text(encoding="utf-8")
    made = f"{BEGIN}\n\nMeasured on: {machine()}\n\n{text}\n{END}"
    PAGE.write_text(re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: made, page, flags=re.S), encoding="utf-8")
    python = bench.work / "venv/bin/python"
    if python.exists():
        subprocess.run([python, HERE / "plot.py", bench.work / "measured.json", PICTURE], check=True)
