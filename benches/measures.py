"""What is measured, how it is judged, and what the table shows of it."""
from dataclasses import dataclass
from statistics import median

MILLION = 1_000_000


@dataclass
class Measure:
    key: str
    title: str
    unit: str
    # The words for a contender's program, and the number in them that its share scales.
    words: tuple
    # From a program's report to the number that is shown.
    value: callable
    contenders: tuple = ("raw C", "guest C", "thread", "inline", "pump", "pull", "TypeScript SDK", "Python SDK")
    scaled: bool = True
    digits: int = 3
    # On one processor: a wake-up of another one that sleeps costs more than all the rest, and now and then.
    pinned: bool = False

    def words_for(self, contender):
        if not self.scaled:
            return self.words
        count = max(int(self.words[1] * contender.share), 200 if self.words[0] == "bulk" else 5)
        return (self.words[0], count, *self.words[2:])


def cpu_per_million(report):
    return report["cpu"] / report["messages"] * MILLION


def microseconds(report):
    return report["median"] * 1e6


FLOODED = ("raw C", "guest C", "thread", "inline", "TypeScript SDK", "Python SDK")
TIMED = ("raw C", "guest C", "guest C, reader thread", "thread", "inline", "pump", "pull", "TypeScript SDK", "Python SDK")

MEASURES = [
    Measure("bulk500", "500 B messages in bulk", "CPU s per million", ("bulk", MILLION, 500, "assistant", 0), cpu_per_million),
    Measure("bulk200", "200 B deltas in bulk", "CPU s per million", ("bulk", MILLION, 200, "delta", 0), cpu_per_million),
    Measure("bulk20k", "20 KB messages in bulk", "CPU s per million", ("bulk", 50_000, 20_000, "assistant", 0),
            cpu_per_million, FLOODED),
    Measure("unicode", "500 B in Japanese in bulk", "CPU s per million", ("bulk", MILLION, 500, "unicode", 0),
            cpu_per_million, FLOODED),
    Measure("single", "500 B, one write a message", "CPU s per million", ("bulk", 200_000, 500, "assistant", 1),
            cpu_per_million, FLOODED),
    Measure("validate", "500 B, `validate_json`", "CPU s per million", ("bulk", MILLION, 500, "assistant", 0),
            cpu_per_million, ("raw C", "validate_json")),
    Measure("ping", "prompt to result, median", "µs", ("ping", 20_000), microseconds, TIMED, digits=1, pinned=True),
    Measure("control", "control request, median", "µs", ("control", 20_000), microseconds, TIMED, digits=1, pinned=True),
    Measure("connect", "connect, median", "ms", ("connect", 100), lambda report: report["median"] * 1e3,
            ("raw C", "guest C", "thread", "thread, 2 GiB host", "TypeScript SDK", "Python SDK"), pinned=True),
    Measure("load", "load the library, connect, one prompt", "ms of CPU", ("ping", 1),
            lambda report: report["total_cpu"] * 1e3, FLOODED, scaled=False, digits=1),
    Measure("idle", "one idle client: the whole process", "MiB", ("idle", 1), lambda report: report["rss_after"] / 1024,
            FLOODED, scaled=False, digits=1),
    Measure("big", "one 50 MB message: peak growth / size", "", ("big", 50_000_000),
            lambda report: (report["peak"] - report["rss_before"]) * 1024 / 50_000_000, FLOODED, scaled=False, digits=2),
    Measure("kept", "one 50 MB message: not given back", "MiB", ("big", 50_000_000),
            lambda report: (report["rss_after"] - report["rss_before"]) / 1024, ("thread", "inline"), scaled=False, digits=1),
    Measure("many", "500 clients, 20 prompts each", "CPU s", ("many", 500, 20), lambda report: report["cpu"],
            FLOODED, scaled=False),
    Measure("many_peak", "500 clients: peak of the process", "MiB", ("many", 500, 20), lambda report: report["peak"] / 1024,
            FLOODED, scaled=False, digits=1),
    Measure("many_threads", "500 clients: threads", "", ("many", 500, 20), lambda report: report["threads"],
            FLOODED, scaled=False, digits=0),
]


class Measured:
    """The numbers of all rounds: values[key][contender] is a list with one number a round."""

    def __init__(self, values):
        self.values = values

    def value(self, key, name):
        numbers = self.values.get(key, {}).get(name)
        return median(numbers) if numbers else None

    def ratio(self, key, name, base="raw C"):
        """Of numbers that were taken one after the other, so that a busy machine slows both."""
        pairs = zip(self.values[key][name], self.values[key][base])
        return median(number / floor for number, floor in pairs)

    def excess(self, key, name, base="raw C"):
        pairs = zip(self.values[key][name], self.values[key][base])
        return median(number - floor for number, floor in pairs)


@dataclass
class Target:
    title: str
    limit: float
    text: str
    measured: callable
    digits: int = 2


def ratio_target(title, key, name, limit):
    return Target(title, limit, f"at most {limit} × raw C", lambda m: m.ratio(key, name))


def instructions_target(title, name, limit):
    return Target(title, limit, f"at most {limit:,} instructions", lambda m: m.instructions[name], 0)


TARGETS = [
    ratio_target("500 B in bulk", "bulk500", "thread", 1.5),
    instructions_target("500 B in bulk", "500 B, THREAD", 500),
    ratio_target("200 B in bulk", "bulk200", "thread", 1.8),
    instructions_target("200 B in bulk", "200 B delta, THREAD", 350),
    ratio_target("20 KB in bulk", "bulk20k", "thread", 1.6),
    ratio_target("one write a message", "single", "thread", 1.15),
    instructions_target("`validate_json`, 500 B", "500 B, THREAD, validate_json", 1800),
    ratio_target("prompt to result, THREAD", "ping", "thread", 2.6),
    ratio_target("prompt to result, INLINE", "ping", "inline", 1.25),
    ratio_target("prompt to result, PUMP", "ping", "pump", 2.6),
    ratio_target("prompt to result, PULL", "ping", "pull", 2.6),
    ratio_target("control request, waited for", "control", "thread", 2.7),
    ratio_target("control request, INLINE with a completion", "control", "inline", 1.3),
    Target("connect beyond raw C", 0.2, "at most 0.2 ms", lambda m: m.excess("connect", "thread")),
    Target("connect beyond raw C, host with 2 GiB", 0.2, "at most 0.2 ms", lambda m: m.excess("connect", "thread, 2 GiB host")),
    Target("load the library and connect", 5, "at most 5 ms of CPU", lambda m: m.value("load", "thread"), 1),
    Target("idle, beyond raw C", 2.5, "at most 2.5 MB", lambda m: m.excess("idle", "thread") * 1.048576),
    Target("idle, threads", 3, "at most 3", lambda m: m.value("idle_threads", "thread"), 0),
    Target("each further idle client", 32, "at most 32 KB", lambda m: m.value("idle_each", "thread"), 0),
    Target("one 50 MB message, peak growth", 1.05, "at most 1.05 × its size", lambda m: m.value("big", "thread")),
    Target("one 50 MB message, kept afterwards", 0.5, "all given back", lambda m: m.value("kept", "thread"), 1),
    # What is on its way in the queue varies by some blocks; five bytes that each message left behind would exceed this.
    Target("a million messages: MiB more than for a tenth of them", 4, "flat memory", lambda m: m.value("flat", "thread"), 1),
    Target("500 clients × 20 prompts, threads", 6, "at most 6", lambda m: m.value("many_threads", "thread"), 0),
    Target("500 clients × 20 prompts, memory", 14, "at most 14 MB", lambda m: m.value("many_peak", "thread") * 1.048576, 1),
    ratio_target("500 clients × 20 prompts, CPU", "many", "thread", 1.5),
    Target("stripped `.so`", 3_000_000, "at most 3 MB", lambda m: m.size, 0),
]
