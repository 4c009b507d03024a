#!/bin/sh
# The comparison with PyTorch on a card, where neither is: it says what is missing and fails. What
# it makes of the two sides' numbers needs neither side: answers with known times are put in their
# place.
. tests/build/tap.sh

python=/usr/bin/python3
bench=harness/bench/bench_gpu.py
arguments= # of bench_gpu.py

# Runs the rest of the lines on `gpu`, the script as a module, and the arguments in $arguments. Ours
# trains in 2 ms and infers in 1, PyTorch in 3 and 1.5; a method that chooses trains in 2.5.
# Products take 1 ms or 3, the card makes 100 TFLOP/s and 1 TB/s. 1, 2 and 4 of 8 heads cost .7, .8
# and .9 of the FLOPs, and .8, .9 and 1 of our time.
with_known_sides() { # line...
    needs_python $python
    cat >"$scratch/check.py" <<'P'
import sys
import bench_gpu as gpu

def row(method, train):
    phases = {"forward": 0.5, "backward": 1.0, "optimiser": 0.5}
    return {"table": "speed", "method": method, "heads": 8,
            "train": {"ms": train, "phases_ms": phases},
            "infer": {"ms": 1.0, "phases_ms": {"ffn": 1}}}

def saved(sets, heads):
    flops = {8: 1, 4: 0.9, 2: 0.8, 1: 0.7}[heads]
    time = min(1, flops + 0.1)
    return {"table": "saving", "sets": sets, "heads": heads, "flops_ratio": flops, "infer_ms": time,
            "time_ratio": time, "ratio": time / flops}

class Peer:
    opened = False
    def names(self): return {"card": "a card", "pytorch": "2", "cuda": "13"}
    def open(self, shape, seconds):
        self.opened = True
        return ({"training": {"eager": 6.0, "graph": 3.0}, "inference": {"graph": 1.5}},
                {("training", "compiled"): "no time left to compile"})
    def keep(self, names): self.kept = names
    def time(self, what, name, seconds):
        assert self.opened and self.kept[what] == name == "graph"
        return {"training": 3.0, "inference": 1.5}[what]
    def close(self): self.opened = False
    def free(self): pass
    def limits(self, seconds): return {"flops_per_second": 1e14, "bytes_per_second": 1e12}
    def products(self, shape, backward, seconds): return 3.0 if backward else 1.0
    def narrow(self, shape, kept, seconds): return 1.0 + kept / 8

def headroom(*flags):
    assert flags[flags.index("--shape") + 1].startswith("768,"), flags
    if "--saving" in flags:
        return [saved("shared", 8)] + [saved(s, k) for s in ("shared", "each") for k in (1, 2, 4)]
    return [row("fixed", 2.0), row("chooser", 2.5)]

gpu.HEADROOM = sys.executable  # is there
gpu.run_headroom = headroom
gpu.open_peer = lambda seconds: Peer()
P
    printf '%s\n' "$@" >>"$scratch/check.py"
    # shellcheck disable=SC2086 # several words
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=harness/bench \
        $python "$scratch/check.py" $arguments >"$scratch/said" 2>&1 ||
        { cat "$scratch/said"; return 1; }
}

says() {
    grep -q "$1" "$scratch/said" || { echo "# not said: $1"; return 1; }
}

fails_with() { # status command...
    wanted=$1 status=0
    shift
    "$@" >"$scratch/said" 2>&1 || status=$?
    [ $status = "$wanted" ] || { echo "# $*: status $status"; return 1; }
}

without_pytorch_it_says_how_to_get_it() {
    needs_python $python
    echo 'raise ImportError("not here")' >"$scratch/torch.py"
    fails_with 1 env PYTHONPATH="$scratch" $python $bench
    cat "$scratch/said" && [ "$(wc -l <"$scratch/said")" = 1 ] && says 'has no PyTorch'
}

without_a_card_it_says_so() {
    needs_python $python
    cat >"$scratch/torch.py" <<'P'
__version__ = "2.0"
class cuda:
    def is_available(): return False
P
    fails_with 1 env PYTHONPATH="$scratch" $python $bench
    cat "$scratch/said" && [ "$(wc -l <"$scratch/said")" = 1 ] &&
        says 'PyTorch 2.0 .* finds no NVIDIA card'
}

without_python_it_says_how_to_get_it() {
    ! make --no-print-directory -o build bench-gpu PYTHON="$scratch/absent" \
        >"$scratch/said" 2>&1 || return 1
    cat "$scratch/said"
    says 'make bench-gpu needs'
}

bad_arguments_are_refused() {
    needs_python $python
    for bad in '--rounds 0' '--rounds x' '--fast'; do
        # shellcheck disable=SC2086 # several words
        fails_with 2 $python $bench $bad
    done
    fails_with 1 $python $bench --json "$scratch/absent/numbers"
    says 'cannot write .*/absent/numbers: No such file'
}

ratios_are_held_against_what_is_required() {
    arguments='' with_known_sides 'gpu.main()' || return 1
    says 'N=64 .* 16 .* training .* 2.000 .* 3.000  graph .* 1.50x .* >= 1.5 (2.5) met$' &&
        says 'N=64 .* 16 .* inference .* 1.000 .* 1.500  graph .* 1.50x .* >= 1.0 (1.5) goal$' &&
        says 'N=512 .* 64 .* training .* 1.50x .* >= 1.0 (1.3) goal$' &&
        [ "$(grep -c 'x .* >= 1' "$scratch/said")" = 8 ] &&
        says 'N=64 .* 16 .* chooser .* 0.80x .* >= 0.8 met' &&
        says 'compiled: no time left to compile' &&
        says 'backward 1.000, forward 0.500, optimiser 0.500'
}

slower_than_required_is_missed() {
    arguments='' with_known_sides 'ours, theirs = [4.0, 2.0, 2.0], [2.8, 2.8, 3.2]' \
        'print(gpu.speed_line((768, 16, 64), "training", ours, theirs, "graph", (1.5, 2.5)))' || return 1
    says ' 1.40x  0.70 ..  1.60   >= 1.5 (2.5) missed'
}

a_floor_is_the_sum_of_its_parts() {
    arguments='' with_known_sides \
        'shape = 768, 64, 512' \
        'limits = {"flops_per_second": 1e14, "bytes_per_second": 1e12}' \
        'parts = gpu.floor(shape, "training", 3.0, limits)' \
        'u = 2 * 64 * 512 * 768' \
        'near = lambda a, b: abs(a - b) < 1e-9 * b' \
        'assert near(parts["attention"], 1e3 * 7 * 4 * 2 * 64 * 512**2 * 768 / 1e14), parts' \
        'assert near(parts["stages"], 1e3 * (4 * 48 + 12) * u / 1e12), parts' \
        'assert 1.7 < parts["AdamW"] < 1.8, parts' \
        'assert near(parts["sum"], sum(v for k, v in parts.items() if k != "sum"))' \
        'one = gpu.floor(shape, "inference", 1.0, limits)' \
        'assert one["AdamW"] == 0 and near(7 * one["attention"], 2 * parts["attention"])' \
        'parts["sum"] = 10.0' \
        'print(gpu.floor_line(shape, "training", parts, 20.0, 14.0, (1.0, 1.5)))' || return 1
    says ' 10.000 *20.000 *2.00x *1.40x  required$'
}

savings_have_limits_where_batches_are_large() {
    arguments='' with_known_sides 'gpu.SAVING_LIMITS["shared"] = 1.13' 'gpu.main()' || return 1
    says 'N=512  batch 32   k=1  0.70 *1.125  0.56  0.80x *0.800  0.80  1.14x missed .* 1.14x met$' &&
        says 'N=512  batch 128  k=2  0.80 .* 1.12x met .* 1.12x met$' &&
        [ "$(grep -c 'k=.*x met$' "$scratch/said")" = 6 ] &&
        [ "$(grep -c 'k=[124]' "$scratch/said")" = 18 ]
}

quick_is_a_part_and_json_has_the_numbers() {
    arguments="--quick --json $scratch/numbers" with_known_sides 'gpu.main()' || return 1
    [ "$(grep -c '>= 1' "$scratch/said")" = 4 ] && [ "$(grep -c 'k=[124]' "$scratch/said")" = 3 ] &&
        $python -c '
import collections, json, sys
n = collections.Counter(json.loads(line)["table"] for line in open(sys.argv[1]))
assert n == dict(card=1, headroom=4, pytorch=2, ways=2, limits=1, floor=4, saving=1), n
' "$scratch/numbers"
}

behaviours without_pytorch_it_says_how_to_get_it without_a_card_it_says_so \
    without_python_it_says_how_to_get_it bad_arguments_are_refused \
    ratios_are_held_against_what_is_required slower_than_required_is_missed \
    a_floor_is_the_sum_of_its_parts savings_have_limits_where_batches_are_large \
    quick_is_a_part_and_json_has_the_numbers
