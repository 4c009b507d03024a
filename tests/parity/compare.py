"""Holds the engine's numbers against PyTorch's, case by case (README.md).

compare.py CASE...                prints the report; exit status 1 if a difference is 1e-4 or more
compare.py --golden FOLDER CASE...  writes the cases with PyTorch's numbers in place of the engine's

A difference is the largest one of a tensor's elements, relative to the largest element in PyTorch, or
to a thousandth of the largest of all gradients where that is more. A key's bias shifts all scores of
a row alike, so its gradient is zero but for rounding: it is held against that of the key's weight.
"""
import json
import os
import re
import sys

import case_file
import reference

LIMIT = 1e-4


def differences(engine, pytorch):
    """{name: relative difference} of what PyTorch computed."""
    size = {name: float(value.abs().max()) for name, value in pytorch.items()}
    least = 1e-3 * max(v for k, v in size.items() if k.startswith("gradient."))
    for name in size:
        if name.endswith("attn.k.bias"):
            size[name] = size[name.replace("bias", "weight")]
    return {name: float((engine[name] - value).abs().max()) / max(size[name], least)
            for name, value in pytorch.items()}


def report(found):
    """A line for each number, a column for each case; of all layers the largest difference."""
    table = {}
    for case, values in found.items():
        for name, value in values.items():
            row = table.setdefault(re.sub(r"layers\.\d+", "layers.*", name), {})
            row[case] = max(value, row.get(case, 0))
    width, column = max(map(len, table)), lambda text, case: text.rjust(max(7, len(case)))
    first = ["logits", "log_probability", "loss", "regulariser"]
    print("largest relative difference between the engine (float32) and PyTorch (float64)\n")
    print(" " * width, *(column(c, c) for c in found), sep="  ")
    for name in first + [n for n in table if n not in first]:
        row = table[name]
        cells = (column("%.1e" % row[c] if c in row else "-", c) for c in found)
        print(name.ljust(width), *cells, sep="  ")
    worst = {case: max(values.values()) for case, values in found.items()}
    print("largest".ljust(width), *(column("%.1e" % worst[c], c) for c in found), sep="  ")
    for case, value in worst.items():
        if not value < LIMIT:
            print("%s differs by %.1e, the limit is %.0e" % (case, value, LIMIT))
    return all(value < LIMIT for value in worst.values())


def main(arguments):
    golden = arguments[1] if arguments[:1] == ["--golden"] else None
    found = {}
    for path in arguments[2:] if golden else arguments:
        metadata, tensors = case_file.read(path)
        pytorch = reference.compute(json.loads(metadata["config"]), float(metadata["progress"]),
                                    tensors)
        name = os.path.basename(path)
        if golden:
            case_file.write(os.path.join(golden, name), metadata, {**tensors, **pytorch})
        else:
            found[name.rsplit(".", 1)[0]] = differences(tensors, pytorch)
    return 0 if golden or report(found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
