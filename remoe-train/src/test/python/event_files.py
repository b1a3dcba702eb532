"""Checks that TensorBoard reads from a training run what the run's CSV files say.

Usage: python event_files.py RUN

RUN is a run folder with log.csv, epochs.csv and tensorboard/. Steps that a killed run had made after
the checkpoint that it went on from must be gone from both. Of an epoch that was measured again
without another step, TensorBoard keeps the first means beside the last validation.
"""

import csv
import logging
import sys
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing import event_accumulator, plugin_event_multiplexer
from tensorboard.util import tensor_util


def shown(folder):
    """What `tensorboard --logdir` shows: scalars as {tag: [(step, value)]}."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        tensor_size_guidance={"scalars": 0}, size_guidance={"tensors": 0}
    )
    multiplexer.AddRun(str(folder), "run")
    multiplexer.Reload()
    accumulator = multiplexer.GetAccumulator("run")
    return {
        tag: [(e.step, tensor_util.make_ndarray(e.tensor_proto).item()) for e in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
    }


def read(folder):
    """What scripts read: scalars as {tag: [(step, value)]}."""
    accumulator = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    return {
        tag: [(e.step, e.value) for e in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }


def expected(run):
    """The cells of both CSV files, empty ones left out, as {tag: [(step, value)]}."""
    tags = {}
    steps = rows(run / "log.csv")
    epochs = rows(run / "epochs.csv") if (run / "epochs.csv").exists() else []
    for table, suffix in (steps, ""), (epochs, "_epoch"):
        for row in table:
            step = int(row.pop("step"))
            row.pop("epoch")
            for name, cell in row.items():
                if cell:
                    tag = name + suffix if name in steps[0] else name
                    tags.setdefault(tag, []).append((step, float(np.float32(cell))))
    return tags


def without_repeats(run, tags):
    """One value a step, and no means of epochs that were measured again without another step."""
    path = run / "epochs.csv"
    epochs = rows(path) if path.exists() else []
    again = {int(row["step"]) for row in epochs if float(row["epoch/steps"]) == 0}
    kept = {
        tag: [(step, value) for step, value in dict(values).items() if not (tag.endswith("_epoch") and step in again)]
        for tag, values in tags.items()
    }
    return {tag: values for tag, values in kept.items() if values}


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def main(run):
    # TensorBoard tells of the steps that it drops.
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    wanted = expected(run)
    for reader in shown, read:
        got = without_repeats(run, reader(run / "tensorboard"))
        assert got.keys() == wanted.keys(), (reader.__name__, got.keys() ^ wanted.keys())
        for tag, values in wanted.items():
            assert got[tag] == values, (reader.__name__, tag, got[tag], values)
    count = sum(len(values) for values in wanted.values())
    print(f"{len(wanted)} tags with {count} values are the same in TensorBoard and CSV.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
