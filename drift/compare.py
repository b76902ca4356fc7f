"""Recordings: what several runs have in common, and in what one run differs from a recording.

A recording is {"facts": {section: {group: {name: value}}}, "order": {step: [labels]}, "either": {step: [[label, label]]}}.
A value that begins with `?` was not there in every run.
"""
from shape import beside


def merged(runs):
    """The recording of several runs of the same conversation."""
    facts = {}
    for run in runs:
        for section, groups in run["facts"].items():
            for group, names in groups.items():
                kept = facts.setdefault(section, {}).setdefault(group, {})
                for name, value in names.items():
                    kept.setdefault(name, []).append(value)
    for groups in facts.values():
        for names in groups.values():
            for name, values in names.items():
                joined = "|".join(sorted({word for value in values for word in value.split("|")}))
                names[name] = joined if len(values) == len(runs) else f"?{joined}"
    order = {}
    for run in runs:
        for step, labels in run["order"].items():
            known = order.setdefault(step, [])
            known.extend(label for label in labels if label not in known)
    either = {step: found for step, labels in order.items() if (found := unsteady(runs, step, labels))}
    return {"facts": facts, "order": order, "either": either}


def unsteady(runs, step, labels):
    """Pairs of the joined order that came in both orders, or never in one run."""
    before = set().union(*(pairs(run["order"].get(step, [])) for run in runs))
    return sorted([one, other] for one, other in pairs(labels) if (one, other) not in before or (other, one) in before)


def pairs(labels):
    """Which label comes before which, of those whose order says something."""
    return {(one, other) for at, one in enumerate(labels) for other in labels[at + 1:] if not beside(one, other)}


def differences(recorded, run):
    """What is lost, new and changed in a run, each as (how, section, group, what)."""
    found = set()
    for section in recorded["facts"].keys() | run["facts"].keys():
        old, new = recorded["facts"].get(section, {}), run["facts"].get(section, {})
        for group in old.keys() | new.keys():
            found |= {(how, section, group, what) for how, what in of_group(old.get(group), new.get(group))}
    for step in recorded["order"].keys() | run["order"].keys():
        found |= {("changed", "order", step, what) for what in of_order(recorded, run, step)}
    return found


def of_group(old, new):
    if old is None or new is None:
        if new is not None:
            yield "new", f"all of it ({len(new)})"
        elif any(not value.startswith("?") for value in old.values()):
            yield "lost", f"all of it ({len(old)})"
        return
    for name in old.keys() | new.keys():
        if name not in new:
            if not old[name].startswith("?"):
                yield "lost", f"{name} ({old[name]})"
        elif name not in old:
            yield "new", f"{name} ({new[name]})"
        elif not fits(old[name], new[name]):
            yield "changed", f"{name}: {old[name].lstrip('?')} -> {new[name].lstrip('?')}"


def fits(old, new):
    return set(new.lstrip("?").split("|")) <= set(old.lstrip("?").split("|"))


def of_order(recorded, run, step):
    """Pairs that stand the other way round than in every recorded run."""
    # A run that is a recording itself has such pairs as well.
    either = {tuple(pair) for side in (recorded, run) for pair in side.get("either", {}).get(step, [])}
    before = pairs(recorded["order"].get(step, []))
    for one, other in pairs(run["order"].get(step, [])):
        if (other, one) in before and (one, other) not in either and (other, one) not in either:
            yield f"{one!r} before {other!r}"


def report(found, limit=40):
    """One screen: lost first, then changed, then new."""
    ranks = {"lost": 0, "changed": 1, "new": 2}
    lines = [f"{how:8}{section}: {group}: {what}"
             for how, section, group, what in sorted(found, key=lambda row: (ranks[row[0]], row[1:]))]
    more = [f"… and {len(lines) - limit} more; all of them: build/drift/differences.txt"] if len(lines) > limit else []
    return lines[:limit] + more, lines
