#!/usr/bin/python3
"""Headroom against PyTorch on one NVIDIA card: the same model and shapes, in one run.

Both sides train and run a pre-LN encoder of 4 layers, 8 heads, width 768 and an FFN of 4 D in
bfloat16: vocabulary 30,000, GELU in its tanh form, mean pool, linear classifier, cross-entropy,
AdamW over all parameters, gradients clipped to norm 1, no dropout. This process is PyTorch's, and
keeps its best way of each (peer_on_card.py) from the first round to the last; between two of its
turns `headroom bench` runs as a process of its own, so that both see the same card. Both
read tokens from the host, and hand back the loss of each step and the logits of each inference;
only ours waits for each loss, which is a little in PyTorch's favour.

Beside the ratios: how far either is from what the card allows (floor), where ours spends its time,
and what skipped heads save, beside PyTorch with the skipped heads cut out of its weights.

Usage: harness/bench/bench_gpu.py [--quick] [--rounds N] [--compile-seconds S] [--json FILE]
(from the top of the repository, after make; --help says more)
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # of the modules beside this: the tree stays as it is

HEADROOM = "./headroom"
DIM, LAYERS, HEADS, VOCAB, CLASSES = 768, 4, 8, 30000, 4
OURS = {"training": "train", "inference": "infer"}

# Shape (width, batch, tokens), and PyTorch's best time over ours: required, and the goal.
TARGETS = {
    (DIM, 16, 64): {"training": (1.5, 2.5), "inference": (1.0, 1.5)},
    (DIM, 256, 64): {"training": (1.0, 1.3), "inference": (1.0, 1.3)},
    (DIM, 16, 512): {"training": (1.0, 1.3), "inference": (1.0, 1.3)},
    (DIM, 64, 512): {"training": (1.0, 1.3), "inference": (1.0, 1.3)},
}
METHOD_SPEED = 0.8  # a method that learns a budget trains at this share of all heads' speed

# Realised saving: time over FLOPs, both as shares of all heads', at most.
SAVING_SHAPES = [(DIM, batch, length) for length in (64, 512) for batch in (1, 32, 128)]
SAVING_KEPT = (HEADS, 4, 2, 1)
SAVING_LIMITS = {"shared": 1.25, "each": 1.5}


def saving_limit(shape, sets):
    _, batch, length = shape
    return SAVING_LIMITS[sets] if length >= 512 and batch >= 32 else None


# ---- what the work is ----

def parameters(length):
    layer = 12 * DIM * DIM + 13 * DIM
    return (VOCAB + length) * DIM + LAYERS * layer + 2 * DIM + CLASSES * (DIM + 1)


def attention_flops(shape, what):
    """Two products forward; five more backward, of which one makes the map again."""
    _, batch, length = shape
    forward = 4 * LAYERS * batch * length * length * DIM
    return forward if what == "inference" else 3.5 * forward


def stage_bytes(shape, what):
    """Of what lies between products, the least there is to move: u is an array of [tokens][D] in
    bfloat16; the residual stream and its gradient are float32, 2 u.

    Forward, a layer: a sublayer's end reads its branch and the stream, and writes the stream and,
    through the next LayerNorm, an operand, twice; attention reads Q, K, V and writes its context;
    biases and GELU are epilogues of products, and in training the latter leaves its 4 u of input
    too. Backward: LayerNorm reads its gradient, the stream and the stream's gradient, and writes
    that and an operand, twice; GELU's input is read; attention reads 5 u and writes 3. Embedding,
    last LayerNorm and pool: 6 u a way."""
    _, batch, length = shape
    forward, backward = LAYERS * (2 * 6 + 4) + 6, LAYERS * (4 + 2 * 8 + 4 + 8) + 6
    u = 2 * batch * length * DIM
    return u * (forward if what == "inference" else forward + backward)


def optimizer_bytes(shape, what):
    """The norm reads the gradient; AdamW reads value, gradient and two moments, and writes all but
    the gradient, and the value in bfloat16."""
    return (4 + 4 * 4 + 3 * 4 + 2) * parameters(shape[2]) if what == "training" else 0


def floor(shape, what, products_ms, limits):
    """Milliseconds of each part at the card's own speed, and their sum: nothing overlaps."""
    parts = {"products": products_ms,
             "attention": 1e3 * attention_flops(shape, what) / limits["flops_per_second"],
             "stages": 1e3 * stage_bytes(shape, what) / limits["bytes_per_second"],
             "AdamW": 1e3 * optimizer_bytes(shape, what) / limits["bytes_per_second"]}
    return dict(parts, sum=sum(parts.values()))


# ---- our side ----

def run_headroom(*flags):
    """The objects that it prints, a line each."""
    command = [HEADROOM, "bench", "--device", "cuda", "--precision", "bf16", "--json", *flags]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench_gpu: {' '.join(command)} failed with status {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def flags_of(shape, quick):
    return ["--shape", ",".join(map(str, shape))] + (["--quick"] if quick else [])


def run_shape(shape, quick):
    """Rows by method; the first, all heads, is None as well."""
    rows = run_headroom(*flags_of(shape, quick))
    return {None: rows[0]} | {row["method"]: row for row in rows}


# ---- tables ----

def spread(values):
    return f"{statistics.median(values):5.2f}x {min(values):5.2f} .. {max(values):5.2f}"


def named(shape):
    return f"N={shape[2]:<4} batch {shape[1]:<4}"


def verdict(ratio, required, goal):
    return "goal" if ratio >= goal else "met" if ratio >= required else "missed"


def speed_line(shape, what, ours, theirs, way, targets):
    """`ours`, `theirs`: milliseconds by round."""
    ratios = [b / a for a, b in zip(ours, theirs)]
    required, goal = targets
    return (f"{named(shape)} {what:<9} {statistics.median(ours):9.3f} "
            f"{statistics.median(theirs):9.3f}  {way:<20} {spread(ratios)}   >= {required:.1f} "
            f"({goal:.1f}) {verdict(statistics.median(ratios), required, goal)}")


def method_lines(shape, rounds):
    """Training speed of each method that chooses, over all heads', by round."""
    lines = []
    for method in list(rounds[0])[2:]:
        shares = [ours[None]["train"]["ms"] / ours[method]["train"]["ms"] for ours in rounds]
        met = "met" if statistics.median(shares) >= METHOD_SPEED else "missed"
        lines.append(f"{named(shape)} {method:<20} {spread(shares)}   >= {METHOD_SPEED:.1f} {met}")
    return lines


def floor_line(shape, what, parts, ours, theirs, targets):
    """PyTorch's time over the floor is the most that its time over ours can be."""
    most, (required, goal) = theirs / parts["sum"], targets
    numbers = " ".join(f"{parts[part]:9.3f}" for part in
                       ("products", "attention", "stages", "AdamW", "sum"))
    reach = "goal" if most >= goal else "required" if most >= required else "neither"
    return (f"{named(shape)} {what:<9} {numbers} {ours:9.3f} {ours / parts['sum']:5.2f}x "
            f"{most:7.2f}x  {reach}")


def phase_line(shape, what, row):
    phases = row[OURS[what]]["phases_ms"]
    parts = sorted(phases.items(), key=lambda item: -item[1])
    return f"{named(shape)} {what:<9} " + ", ".join(f"{name} {ms:.3f}" for name, ms in parts)


def saving_line(shape, kept, narrow, ours):
    """`narrow`: PyTorch's milliseconds by heads kept. `ours`: our rows by sets and heads, whose
    FLOPs are those of either side."""
    flops = ours["shared", kept]["flops_ratio"]
    share = narrow[kept] / narrow[HEADS]
    line = (f"{named(shape)} k={kept} {flops:5.2f}  {narrow[kept]:8.3f} {share:5.2f} "
            f"{share / flops:5.2f}x")
    for sets in SAVING_LIMITS if kept < HEADS else ["shared"]:
        row, limit = ours[sets, kept], saving_limit(shape, sets) if kept < HEADS else None
        judged = "" if limit is None else "met" if row["ratio"] <= limit else "missed"
        line += (f"  {row['infer_ms']:8.3f} {row['time_ratio']:5.2f} {row['ratio']:5.2f}x "
                 f"{judged:<6}")
    return line.rstrip()


class Log:
    """Every number as a JSON object a line, where a file is asked for, and the second of the run in
    which it was known."""

    def __init__(self, path):
        self.begin = time.monotonic()
        try:
            self.file = open(path, "w", encoding="utf-8") if path else None
        except OSError as failure:
            sys.exit(f"bench_gpu: cannot write {path}: {failure.strerror}; name another file")

    def write(self, table, **values):
        if self.file:
            at = round(time.monotonic() - self.begin, 1)
            self.file.write(json.dumps({"table": table, "at_s": at, **values}) + "\n")
            self.file.flush()


def compare(shape, peer, rounds, quick, log):
    """Prints the two lines of a shape. Returns what later tables need: our rows by round, our and
    their median by kind, and lines about the ways that PyTorch was tried in."""
    seconds = 0.05 if quick else 0.2
    tried, refused = peer.open(shape, seconds)
    log.write("ways", shape=shape, ms=tried,
              refused=[[*way, why] for way, why in refused.items()])
    best = {what: min(times, key=times.get) for what, times in tried.items()}
    peer.keep(best)
    ours, theirs = [], []
    for turn in range(rounds):
        ours.append(run_shape(shape, quick))
        theirs.append({what: peer.time(what, name, 2 * seconds) for what, name in best.items()})
        for row in list(ours[-1].values())[1:]:
            log.write("headroom", round=turn, **{k: v for k, v in row.items() if k != "table"})
        log.write("pytorch", shape=shape, round=turn, ways=best, ms=theirs[-1])
    peer.close()
    middle = {}
    for what, wanted in TARGETS[shape].items():
        left = [turn[None][OURS[what]]["ms"] for turn in ours]
        right = [turn[what] for turn in theirs]
        middle[what] = statistics.median(left), statistics.median(right)
        print(speed_line(shape, what, left, right, best[what], wanted), flush=True)
    ways = [f"{named(shape)} {what:<9} " + ", ".join(
        f"{name} {ms:.3f}" for name, ms in sorted(times.items(), key=lambda item: item[1]))
            for what, times in tried.items()]
    ways += [f"{named(shape)} {what:<9} {way}: {why}" for (what, way), why in refused.items()]
    return ours, middle, ways


def print_floor(measured, peer, seconds, log):
    limits = peer.limits(seconds)
    log.write("limits", **limits)
    print("\nFloor, ms: the layers' products alone in a CUDA graph; attention's FLOPs at the rate "
          "of a large product,\n"
          f"{1e-12 * limits['flops_per_second']:.0f} TFLOP/s; the fewest bytes of the stages "
          "between products, and AdamW's, at a triad's\n"
          f"{1e-12 * limits['bytes_per_second']:.2f} TB/s (what stays in L2 is faster). Times are "
          "over the sum: PyTorch's is the most that\nits time over ours could be, and says what "
          "is within reach.\n")
    print(f"{'':27} {'products':>9} {'attention':>9} {'stages':>9} {'AdamW':>9} {'sum':>9} "
          f"{'headroom':>9} {'':6} PyTorch  reach")
    for shape, _, middle in measured:
        for what, (left, right) in middle.items():
            parts = floor(shape, what, peer.products(shape, what == "training", seconds), limits)
            print(floor_line(shape, what, parts, left, right, TARGETS[shape][what]), flush=True)
            log.write("floor", shape=shape, what=what, **parts)
    peer.free()


def print_savings(peer, quick, log):
    print("\nInference with k of 8 heads, ms; time and FLOPs as shares of all heads', and their "
          "ratio. PyTorch: narrow weights\nin a CUDA graph; headroom: one set of heads for all "
          f"inputs (ratio at most {SAVING_LIMITS['shared']}), and a set for each (at most "
          f"{SAVING_LIMITS['each']}).\n")
    print(f"{'':20} {'FLOPs':>9}  {'PyTorch':>8} {'time':>5} {'ratio':>6}  {'one set':>8} "
          f"{'time':>5} {'ratio':>6} {'':6}  {'each':>8} {'time':>5} {'ratio':>6}")
    for shape in SAVING_SHAPES[4:5] if quick else SAVING_SHAPES:
        rows = run_headroom("--saving", *flags_of(shape, quick))
        ours = {(row["sets"], row["heads"]): row for row in rows}
        narrow = {kept: peer.narrow(shape, kept, 0.02 if quick else 0.15) for kept in SAVING_KEPT}
        log.write("saving", shape=shape, pytorch_ms=narrow, headroom=rows)
        for kept in SAVING_KEPT:
            print(saving_line(shape, kept, narrow, ours), flush=True)


def open_peer(compile_seconds):
    """PyTorch with a card, or a sentence that says what is missing."""
    try:
        import torch
    except ImportError:
        sys.exit(f"bench_gpu: {sys.executable} has no PyTorch; name a Python whose PyTorch knows "
                 "CUDA: make bench-gpu PYTHON=...")
    if not torch.cuda.is_available():
        sys.exit(f"bench_gpu: PyTorch {torch.__version__} of {sys.executable} finds no NVIDIA "
                 "card; run it on a machine with one, by a PyTorch that knows CUDA: "
                 "make bench-gpu PYTHON=...")
    import peer_on_card
    return peer_on_card.Peer(compile_seconds)


def main():
    read = argparse.ArgumentParser(prog="bench_gpu", description=__doc__.split("\n", maxsplit=1)[0])
    read.add_argument("--quick", action="store_true",
                      help="one round of two shapes without torch.compile, in half a minute")
    read.add_argument("--rounds", type=int, default=3, help="turns of either side (default: 3)")
    read.add_argument("--compile-seconds", type=float, default=90, metavar="S",
                      help="what all of torch.compile may take (default: 90; 0: none)")
    read.add_argument("--json", metavar="FILE", help="also write all numbers, an object a line")
    asked = read.parse_args()
    if asked.rounds < 1:
        read.error("--rounds is at least 1")
    log = Log(asked.json)
    peer = open_peer(0 if asked.quick else asked.compile_seconds)
    if not os.access(HEADROOM, os.X_OK):
        sys.exit(f"bench_gpu: {HEADROOM} is not here; run make bench-gpu at the top of the "
                 "repository")
    shapes = list(TARGETS)[::2] if asked.quick else list(TARGETS)
    rounds = 1 if asked.quick else asked.rounds
    names = peer.names()
    log.write("card", **names)
    print(f"{names['card']}, PyTorch {names['pytorch']}, CUDA {names['cuda']}; bf16, D={DIM} "
          f"L={LAYERS} H={HEADS}; ms, and PyTorch's best\nover ours: median and extremes of "
          f"{rounds} rounds in turns; required (goal)\n")
    print(f"{'':27} {'headroom':>9} {'PyTorch':>9}  {'its best way':<20}  ratio lowest..highest",
          flush=True)
    measured, ways, methods = [], [], []
    for shape in shapes:
        ours, middle, tried = compare(shape, peer, rounds, asked.quick, log)
        measured.append((shape, ours, middle))
        ways += tried
        methods += method_lines(shape, ours)
    print("\nPyTorch's ways, ms of a first measure that chose the best. Not tried: max-autotune, a "
          "compiled optimiser.\n", *ways, sep="\n")
    print("\nTraining speed of what chooses heads, over all heads'\n", *methods, sep="\n")
    print_floor(measured, peer, 0.05 if asked.quick else 0.2, log)
    print("\nWhere ours goes, ms of a pass that marks its phases\n")
    for shape, ours, _ in measured:
        for what in OURS:
            print(phase_line(shape, what, ours[-1][None]))
    print_savings(peer, asked.quick, log)
    print(f"\n{time.monotonic() - log.begin:.0f} s")


if __name__ == "__main__":
    main()
