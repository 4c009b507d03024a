#!/usr/bin/python3
"""Headroom against PyTorch: the same model, shapes and machine, one thread against one thread, and
then all cores of either side.

Both sides train and run a pre-LN encoder of 4 layers and 8 heads: GELU in its tanh form, mean pool,
linear classifier, cross-entropy, AdamW, gradients clipped to norm 1. PyTorch's attention is its
fused kernel (SDPA) or softmax(Q K^T) V by torch.matmul over all heads at once, whichever is faster
at what is measured; PyTorch 1 has the second alone. Each round starts a fresh process for either
side, in turns, so that both see the same machine and neither inherits the other's memory; a process
says its median times and its peak resident memory of training. What misses a target of speed is
printed again beside what the GEMMs alone would allow at the speed of sgemm, and at the speed of
multiply-adds on registers.

Where the processor multiplies bfloat16 in tiles (AMX), PyTorch's times in that precision stand
beside its own in float32: autocast in training, weights of bfloat16 in inference. Headroom computes
in float32 on a CPU, so that is told and no target is held against it.

Usage: harness/bench/bench_peers.py [ROUNDS]      (from the top of the repository, after make)
"""
import json
import os
import re
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # of peer_model: the tree stays as it is

HEADROOM = "./headroom"
LAYERS, HEADS, VOCAB, CLASSES = 4, 8, 1000, 4

# Shape (width, batch, tokens) and what the ratios should be: speed of training and of inference
# over PyTorch's at least; latency of one input and peak memory of training at most.
SHAPES = [
    ((128, 32, 128), {"training speed": 3.0, "inference speed": 2.8,
                      "batch-1 latency": 0.25, "training memory": 1 / 3}),
    ((256, 32, 128), {"training speed": 2.0, "inference speed": 1.6,
                      "batch-1 latency": 0.4, "training memory": 1 / 3}),
    ((768, 16, 128), {"training speed": 1.35, "inference speed": 1.1,
                      "batch-1 latency": 0.7, "training memory": 1 / 2}),
]


def peak_resident():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def median_seconds(call, samples, least):
    """Median seconds of a call after a warm-up; short calls are repeated to fill a sample."""
    call()
    start = time.perf_counter()
    call()
    calls = max(1, round(least / (time.perf_counter() - start)))
    seconds = []
    for _ in range(samples):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        seconds.append((time.perf_counter() - start) / calls)
    return statistics.median(seconds)


def torch_side(dim, batch, length, threads, attention, precision):
    """In a process of its own: prints one JSON object like headroom's line."""
    import peer_model
    import torch
    from torch.nn import functional

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    imported = peak_resident()
    model = peer_model.Encoder(dim, length, LAYERS, HEADS, VOCAB, CLASSES, attention)
    narrow = precision == "bf16"
    tokens = torch.randint(VOCAB, (batch, length))
    labels = torch.arange(batch) % CLASSES
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8,
                                  weight_decay=0.01)

    def train():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
            loss = functional.cross_entropy(model(tokens), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    def infer():
        with torch.inference_mode():
            model(tokens)

    def infer_one():
        with torch.inference_mode():
            model(tokens[:1])

    model.train()
    result = {"train_seconds": median_seconds(train, 3, 0.2)}
    result["peak_resident_bytes"] = peak_resident()
    model.eval()
    if narrow:
        model.bfloat16()
    result["infer_seconds"] = median_seconds(infer, 5, 0.1)
    result["latency_seconds"] = median_seconds(infer_one, 5, 0.1)
    result["imported_bytes"] = imported
    result["attention"] = attention
    result["version"] = torch.__version__
    result["threads"] = torch.get_num_threads()
    # Of the build settings only those that decide speed: the rest is a page of compiler warnings.
    settings = torch.__config__.show().replace(",", "\n").split("\n")
    result["build"] = ", ".join(line.strip(" -") for line in settings
                                if re.search("BLAS_INFO|capability|MKL-DNN|OpenMP|GCC", line))
    # The build names an interface; what is mapped tells the library behind it.
    with open("/proc/self/maps") as maps:
        paths = {os.path.realpath(line.split()[-1]) for line in maps if "/" in line}
    names = ("blas", "mkl", "blis", "dnnl")
    result["libraries"] = sorted(p for p in paths if any(n in os.path.basename(p) for n in names))
    print(json.dumps(result))


def run(commands, threads, openblas_threads):
    """What each of the commands prints; they run at the same time, each on so many threads."""
    environment = dict(os.environ, OPENBLAS_NUM_THREADS=str(openblas_threads),
                       OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
               for command in commands]
    printed = [process.communicate()[0] for process in started]
    for process in started:
        if process.returncode != 0:
            sys.exit(f"bench_peers: {' '.join(process.args)} failed with status "
                     f"{process.returncode}")
    return printed


def run_headroom(shape, processes=1):
    lines = run([[HEADROOM, "bench", "--shape", ",".join(map(str, shape))]] * processes, 1, 1)
    return [{key: float(value) for key, value in (pair.split("=") for pair in line.split())}
            for line in lines]


def attentions():
    """What PyTorch's side is tried with."""
    from torch.nn import functional
    return ["sdpa"] * hasattr(functional, "scaled_dot_product_attention") + ["matmul"]


def run_torch(shape, threads=1, precision="fp32"):
    """PyTorch at its best: what trains fastest of its attentions, with OpenBLAS on one thread or on
    as many as itself, because two pools of threads can be in each other's way, and that would be
    our doing; in inference and for one input the fastest of them. `ways` has the attention of
    each."""
    command = [sys.executable, os.path.abspath(__file__), "--torch", *map(str, (*shape, threads))]
    answers = [json.loads(run([[*command, attention, precision]], threads, blas)[0])
               for attention in attentions() for blas in sorted({1, threads})]
    best = min(answers, key=lambda answer: answer["train_seconds"])
    ways = {}
    for key in ("train_seconds", "infer_seconds", "latency_seconds"):
        fastest = min(answers, key=lambda answer: answer[key])
        ways[key] = fastest["attention"]
        best = dict(best, **{key: fastest[key]})
    return dict(best, ways=ways)


def ratios(ours, theirs):
    return {
        "training speed": theirs["train_seconds"] / ours["train_seconds"],
        "inference speed": theirs["infer_seconds"] / ours["infer_seconds"],
        "batch-1 latency": ours["latency_seconds"] / theirs["latency_seconds"],
        "training memory": ours["peak_resident_bytes"] / theirs["peak_resident_bytes"],
    }


def at_rate(ours, batch, rate):
    """Headroom's side if its GEMMs ran at `rate` and all else took no time."""
    forward = ours["gemm_flops_per_input"] / ours[rate]
    return dict(ours, train_seconds=3 * batch * forward, infer_seconds=batch * forward,
                latency_seconds=forward)


def both_values(what, flops, batch, ours, theirs):
    """What the ratio is made of, for people: GF/s, milliseconds or MiB of either side."""
    if what == "training memory":
        return [f"{side['peak_resident_bytes'] / 2**20:.0f} MiB" for side in (ours, theirs)]
    if what == "batch-1 latency":
        return [f"{1e3 * side['latency_seconds']:.2f} ms" for side in (ours, theirs)]
    key, passes = ("train_seconds", 3) if what == "training speed" else ("infer_seconds", 1)
    return [f"{1e-9 * passes * batch * flops / side[key]:.1f} GF/s" for side in (ours, theirs)]


def meets(what, ratio, target):
    return ratio >= target if what.endswith("speed") else ratio <= target


def bound_line(where, what, target, ours, theirs, batch):
    """What a missed target of speed or latency could be at 100% of each round's sgemm peak, and of
    the core's multiply-adds on registers, which no library exceeds."""
    parts = []
    for name, rate in ("sgemm", "sgemm_flops_per_second"), ("FMA", "fma_flops_per_second"):
        bound = statistics.median(ratios(at_rate(a, batch, rate), b)[what]
                                  for a, b in zip(ours, theirs))
        peak = statistics.median(side[rate] for side in ours)
        parts.append(f"{bound:5.2f}x at {name} {1e-9 * peak:.1f} GF/s")
    return (f"{where} at {'most' if what.endswith('speed') else 'least'} {', '.join(parts)}: "
            f"{target:.2f}x is {'within' if meets(what, bound, target) else 'out of'} reach")


def compare(shape, targets, rounds):
    """Prints the rows of one shape; returns a bound_line for each miss, and PyTorch's last answer,
    for what it says of itself."""
    dim, batch, _ = shape
    ours, theirs, bounds = [], [], []
    for _ in range(rounds):
        ours += run_headroom(shape)
        theirs.append(run_torch(shape))
    samples = [ratios(a, b) for a, b in zip(ours, theirs)]
    middle = [{key: statistics.median(side[key] for side in sides)
               for key in ("train_seconds", "infer_seconds", "latency_seconds",
                           "peak_resident_bytes")} for sides in (ours, theirs)]
    for what, target in targets.items():
        values = [sample[what] for sample in samples]
        ratio = statistics.median(values)
        met = meets(what, ratio, target)
        left, right = both_values(what, ours[0]["gemm_flops_per_input"], batch, *middle)
        where = f"D={dim:<4} batch {1 if what == 'batch-1 latency' else batch:<3} {what:<16}"
        print(f"{where} {left:>12} {right:>12} {ratio:6.2f}x  {min(values):5.2f} .. "
              f"{max(values):5.2f}   {'>=' if what.endswith('speed') else '<='} {target:.2f}x "
              f"{'met' if met else 'missed'}", flush=True)
        if not met and what != "training memory":
            bounds.append(bound_line(where, what, target, ours, theirs, batch))
    return bounds, theirs[-1]


def attention_line(shape, said):
    """Which attention was the faster one in the last round."""
    ways = said["ways"]
    return (f"D={shape[0]:<4} training by {ways['train_seconds']}, inference by "
            f"{ways['infer_seconds']}, batch 1 by {ways['latency_seconds']}")


def has_amx():
    with open("/proc/cpuinfo") as cpu:
        return any("amx_bf16" in line.split() for line in cpu)


def compare_bf16(shape):
    """Prints PyTorch in bfloat16 beside itself and headroom in float32, one round."""
    ours, wide, narrow = run_headroom(shape)[0], run_torch(shape), run_torch(shape, precision="bf16")
    for key, what in (("train_seconds", "training"), ("infer_seconds", "inference"),
                      ("latency_seconds", "batch-1 latency")):
        print(f"D={shape[0]:<4} batch {1 if 'latency' in key else shape[1]:<3} {what:<16}"
              f" {1e3 * ours[key]:>10.2f} ms {1e3 * wide[key]:>10.2f} ms {1e3 * narrow[key]:>10.2f} ms"
              f" {wide[key] / narrow[key]:7.2f}x {narrow[key] / ours[key]:9.2f}x", flush=True)


def compare_all_cores(shape, cores):
    """Prints training on all cores. A headroom process goes on to inference when its training is
    timed, so that none trains beside a core that is already idle."""
    ours, theirs = run_headroom(shape, cores), run_torch(shape, cores)
    dim, batch, _ = shape
    work = 3e-9 * batch * ours[0]["gemm_flops_per_input"]
    left = sum(work / side["train_seconds"] for side in ours)
    right = work / theirs["train_seconds"]
    print(f"D={dim:<4} batch {batch:<3} training speed   {left:>7.1f} GF/s, {len(ours)} x 1 thread"
          f" {right:>7.1f} GF/s, 1 x {theirs['threads']} threads {left / right:6.2f}x", flush=True)


def main():
    try:
        import torch  # noqa: F401, only whether it is there
    except ImportError:
        sys.exit(f"bench_peers: {sys.executable} has no PyTorch; on Debian and Ubuntu: apt-get "
                 "install python3-torch (for /usr/bin/python3), else name a Python that has it: "
                 "make bench-peers PYTHON=...")
    if sys.argv[1:2] == ["--torch"]:
        torch_side(*map(int, sys.argv[2:6]), *sys.argv[6:])
        return
    if not os.access(HEADROOM, os.X_OK):
        sys.exit(f"bench_peers: {HEADROOM} is not here; run make bench-peers at the top of the "
                 "repository")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"L={LAYERS} H={HEADS} N=128, one thread each, ratio headroom / PyTorch: median and "
          f"extremes of {rounds} rounds in turns\n")
    print(f"{'':35} {'headroom':>12} {'PyTorch':>12}   ratio  lowest..highest  target", flush=True)
    bounds, ways = [], []
    for shape, targets in SHAPES:
        missed, said = compare(shape, targets, rounds)
        bounds += missed
        ways.append(attention_line(shape, said))
    print("\nPyTorch's attention, the faster of", " and ".join(attentions()), "in the last round:",
          *ways, sep="\n")
    if bounds:
        print("\nWhat missed could be, were all but the GEMMs free and these at the sgemm peak of the same "
              "processes,\nor at the rate of multiply-adds on registers, which no code exceeds on this "
              "core:", *bounds, sep="\n")
    if has_amx():
        print("\nFor information, one round: PyTorch in bfloat16, which this processor multiplies in tiles "
              "(AMX), beside\nfloat32; the last columns are how much faster than itself it is then, and "
              "headroom in float32 than that.\n")
        print(f"{'':35} {'headroom':>13} {'PyTorch':>13} {'bfloat16':>13} {'itself':>8} {'headroom':>10}",
              flush=True)
        for shape, _ in SHAPES:
            compare_bf16(shape)
    cores = len(os.sched_getaffinity(0))
    print(f"\nAll cores, one round: headroom trains {cores} models in {cores} processes of one "
          "thread, as a sweep does,\nand PyTorch one model "
          f"on {cores} threads (its OpenBLAS on 1 or {cores}, what is faster).\nIt is throughput "
          "of many trials, not latency of one: none of them is trained faster than above.\n")
    print(f"{'':35} {'headroom':>24} {'PyTorch':>25}   ratio", flush=True)
    for shape, _ in SHAPES:
        compare_all_cores(shape, cores)
    print(f"\nPyTorch {said['version']}, {said['threads']} thread in the first table, BLAS:",
          ", ".join(said["libraries"]) or "built in")
    print(f"Its memory includes {said['imported_bytes'] / 2**20:.0f} MiB that importing it takes; "
          "gradients and moments are allocated by both sides.")
    print("Its build:", said["build"])


if __name__ == "__main__":
    main()
