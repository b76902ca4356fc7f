"""The tests that use the real CLI, by what they call: `PROGRAM<tab>FILTER`, a line each. The filter is a test, or a module whose tests
are made by a macro."""

import pathlib
import re
import sys

STARTS = r"\b(Stage::real|Real::new|Cli::real|real_cli_or_skip|real_cli)\("
FUNCTION = re.compile(r"^(?:pub(?:\([a-z]+\))? )?fn (\w+)", re.M)


def functions(path):
    """Name, body, and whether it is a test, of each function that begins a line."""
    text = path.read_text()
    starts = list(FUNCTION.finditer(text))
    for number, match in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        before = text[:match.start()].rstrip("\n").rsplit("\n\n", 1)[-1]
        yield match.group(1), text[match.end():end], "#[test]" in before.split("\n}")[-1]


def real_tests(folder):
    """A test calls what starts the real CLI, or a function that does."""
    found = [(path, *function) for path in sorted(folder.rglob("*.rs")) for function in functions(path)]
    pattern, known = STARTS, set()
    while True:
        using = {name for _, name, body, _ in found if re.search(pattern, body)}
        if using <= known:
            break
        known |= using
        pattern = STARTS + "|" + "|".join(rf"\b{name}\(" for name in sorted(known))
    tests = [(path, name) for path, name, _, is_test in found if is_test and name in known]
    for path, name in tests:
        yield "::".join([*module(folder, path), name])
    for path in sorted(folder.rglob("*.rs")):
        if re.search(STARTS, path.read_text()) and not any(path == other for other, _ in tests):
            yield "::".join([*module(folder, path), ""])


def module(folder, path):
    return [part for part in path.relative_to(folder).with_suffix("").parts if part not in ("main", "mod")]


def main(tests):
    for folder in sorted(path for path in pathlib.Path(tests).iterdir() if (path / "main.rs").is_file()):
        for name in real_tests(folder):
            print(f"{folder.name}\t{name}")


main(sys.argv[1])
