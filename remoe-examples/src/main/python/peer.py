"""The Python side of the benchmark, which the command `bench` starts.

One JSON request a line comes in, one JSON answer a line goes out, {"error": ...} if it failed:

    {"do": "load", "network": ..., "weights": ..., "inputs": ..., "threads": 2, "device": "cpu"}
    {"do": "check", "batch": 8}                                what both sides must agree on
    {"do": "run", "row": "inference", "batch": 64}             seconds and result of a row
    {"do": "memory"}                                           the peak of this process
    {"do": "quit"}
"""

import json
import os
import re
import sys
import traceback
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class Request(dict):
    """What came in; says so itself if it lacks something."""

    def __missing__(self, name):
        raise ValueError(f"The request lacks '{name}'.")


def memory():
    """Peak resident bytes of this process, null where the system does not tell."""
    status = Path("/proc/self/status")
    text = status.read_text() if status.exists() else ""
    found = re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)
    return {"peakBytes": int(found.group(1)) * 1024 if found else None}


class Session:
    """The requests of one process, in which one network is loaded."""

    def __init__(self):
        self.bench = None

    def answer(self, request):
        do = request.get("do")
        if do == "memory":
            return memory()
        if do == "load":
            from rows import Bench
            names = ("network", "weights", "inputs", "threads", "device")
            self.bench = Bench(*(request[name] for name in names))
            return self.bench.facts()
        if do not in ("check", "run"):
            raise ValueError(
                f"Unknown request '{do}'. Known: load, check, run, memory, quit.")
        if self.bench is None:
            raise ValueError(f"Nothing is loaded: send a load before '{do}'.")
        if do == "check":
            return self.bench.check(request["batch"])
        return self.bench.run(request)


def explain(error):
    """One line that says what went wrong."""
    if isinstance(error, ModuleNotFoundError):
        return (f"The Python package {error.name} is missing. Install what the peer needs: "
                f"pip install -r {REQUIREMENTS}")
    return " ".join(f"{error or type(error).__name__}".split())


def main():
    # Libraries print what they like; the answers alone go to the standard output.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    session = Session()
    for line in sys.stdin:
        try:
            request = json.loads(line, object_hook=Request)
            if request.get("do") == "quit":
                break
            answer = json.dumps(session.answer(request), allow_nan=False)
        except Exception as error:
            traceback.print_exc()
            answer = json.dumps({"error": explain(error)})
        answers.write(answer + "\n")


if __name__ == "__main__":
    main()
