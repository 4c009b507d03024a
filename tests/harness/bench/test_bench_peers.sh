#!/bin/sh
# The comparison with PyTorch where PyTorch is not: it says how to get it and fails. What it makes
# of the two sides' numbers needs neither side: answers with known times are put in their place.
. tests/build/tap.sh

python=/usr/bin/python3

# Runs the rest of the lines on `peers`, the script as a module. One input is 1 GFLOP, the sgemm peak
# 100 GF/s and the core's limit 125; headroom reaches 80% of it and PyTorch 40%, n threads n times as much.
with_known_sides() { # line...
    needs_python $python
    cat >"$scratch/check.py" <<'E'
import bench_peers as peers

def side(share, batch):
    forward = 0.01 / share
    return {"train_seconds": 3 * batch * forward, "infer_seconds": batch * forward,
            "latency_seconds": forward, "gemm_flops_per_input": 1e9,
            "sgemm_flops_per_second": 1e11, "fma_flops_per_second": 1.25e11,
            "peak_resident_bytes": 2**20}

run_torch = peers.run_torch
peers.run_headroom = lambda shape, processes=1: [side(0.8, shape[1])] * processes
peers.run_torch = lambda shape, threads=1: dict(side(0.4 * threads, shape[1]), threads=threads)
E
    printf '%s\n' "$@" >>"$scratch/check.py"
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=harness/bench $python "$scratch/check.py" >"$scratch/said"
    cat "$scratch/said"
}

without_pytorch_it_says_how_to_get_it() {
    needs_python $python
    echo 'raise ImportError("not here")' >"$scratch/torch.py"
    ! PYTHONPATH=$scratch $python harness/bench/bench_peers.py >"$scratch/said" 2>&1 || return 1
    cat "$scratch/said"
    grep -q 'apt-get install python3-torch' "$scratch/said"
}

without_python_it_says_how_to_get_it() {
    ! make --no-print-directory -o build bench-peers PYTHON="$scratch/absent" \
        >"$scratch/said" 2>&1 || return 1
    cat "$scratch/said"
    grep -q 'apt-get install python3-torch' "$scratch/said"
}

a_missed_target_is_held_against_the_limits_of_products() {
    with_known_sides \
        'targets = {"training speed": 4.0, "inference speed": 2.7, "batch-1 latency": 0.35,' \
        '           "training memory": 0.5}' \
        'for line in peers.compare((128, 32, 128), targets, 3)[0]: print("bound:", line)'
    grep -q 'training speed .* 80.0 GF/s .* 40.0 GF/s .* 2.00x .* >= 4.00x missed' "$scratch/said"
    grep -q 'bound: .* training .* at most  2.50x at sgemm 100.0 GF/s,  3.12x at FMA 125.0 GF/s: 4.00x is out' \
        "$scratch/said"
    grep -q 'bound: .* inference .* at most  2.50x .*  3.12x at FMA .*: 2.70x is within' "$scratch/said"
    grep -q 'bound: .* batch 1 .* at least  0.40x .*  0.32x at FMA .*: 0.35x is within' "$scratch/said"
    grep -q 'training memory .* missed' "$scratch/said"
    [ "$(grep -c '^bound:' "$scratch/said")" = 3 ] # products do not bound memory
}

a_target_that_is_met_needs_no_bound() {
    with_known_sides \
        'targets = {"training speed": 1.9, "inference speed": 1.0, "batch-1 latency": 0.6}' \
        'print("bounds:", peers.compare((128, 32, 128), targets, 1)[0])'
    [ "$(grep -c ' met$' "$scratch/said")" = 3 ]
    grep -qx 'bounds: \[\]' "$scratch/said"
}

all_cores_add_up_processes_against_threads() {
    with_known_sides 'peers.compare_all_cores((128, 32, 128), 4)'
    grep -q ' 320.0 GF/s, 4 x 1 thread  *160.0 GF/s, 1 x 4 threads  *2.00x' "$scratch/said"
}

pytorch_is_given_its_best_of_threads_and_attentions() {
    with_known_sides 'import json' \
        'peers.attentions = lambda: ["sdpa", "matmul"]' \
        'def answer(commands, threads, blas):' \
        '    attention, precision = commands[0][-2:]' \
        '    assert precision == "fp32"' \
        '    train = {(1, 1): 9, (4, 1): 3, (4, 4): 5}[threads, blas] + (attention == "matmul")' \
        '    infer = 7 if attention == "matmul" else 8' \
        '    return [json.dumps({"train_seconds": train, "infer_seconds": infer,' \
        '                        "latency_seconds": 2, "attention": attention})]' \
        'peers.run = answer' \
        'for threads in 1, 4:' \
        '    best = run_torch((128, 32, 128), threads)' \
        '    print(best["train_seconds"], best["infer_seconds"], *best["ways"].values())' \
        '    print(peers.attention_line((128, 32, 128), best))'
    grep -qx '9 7 sdpa matmul sdpa' "$scratch/said"
    grep -qx '3 7 sdpa matmul sdpa' "$scratch/said"
    grep -q 'training by sdpa, inference by matmul, batch 1 by sdpa' "$scratch/said"
}

bfloat16_stands_beside_itself_and_headroom() {
    with_known_sides \
        'known = peers.run_torch' \
        'peers.run_torch = lambda shape, threads=1, precision="fp32": known(' \
        '    shape, 1 if precision == "fp32" else 3)' \
        'peers.compare_bf16((128, 32, 128))'
    grep -q 'training .* 1200.00 ms *2400.00 ms *800.00 ms *3.00x *0.67x' "$scratch/said"
    [ "$(grep -c '3.00x' "$scratch/said")" = 3 ]
}

behaviours without_pytorch_it_says_how_to_get_it without_python_it_says_how_to_get_it \
    a_missed_target_is_held_against_the_limits_of_products a_target_that_is_met_needs_no_bound \
    all_cores_add_up_processes_against_threads pytorch_is_given_its_best_of_threads_and_attentions \
    bfloat16_stands_beside_itself_and_headroom
