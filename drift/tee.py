"""Stands where the CLI is looked for: runs it, and writes each line of both directions to a file.

usage: tee.py LOG CLI [ARGUMENT…]
"""
import json
import os
import subprocess
import sys
import threading


def main():
    log = open(sys.argv[1], "a", encoding="utf-8")
    lock = threading.Lock()

    def note(direction, line):
        with lock:
            log.write(json.dumps({"dir": direction, "line": line}) + "\n")
            log.flush()

    # A server's secrets may come by a descriptor that the library lets the CLI inherit.
    cli = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False)
    note("start", sys.argv[3:])

    def to_cli():
        try:
            for line in sys.stdin.buffer:
                note(">", line.decode("utf-8", "replace"))
                cli.stdin.write(line)
                cli.stdin.flush()
            cli.stdin.close()
        except OSError:
            pass  # The CLI has ended.

    threading.Thread(target=to_cli, daemon=True).start()
    for line in cli.stdout:
        note("<", line.decode("utf-8", "replace"))
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    code = cli.wait()
    note("end", code)
    # The thread may be waiting for a line that never comes.
    os._exit(code if code >= 0 else 128 - code)


main()
