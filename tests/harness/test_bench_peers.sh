#!/bin/sh
# The comparison with PyTorch where PyTorch is not: it says how to get it and fails.
. tests/build/tap.sh

python=/usr/bin/python3

without_pytorch_it_says_how_to_get_it() {
    [ -x $python ] || skip "$python is not here"
    echo 'raise ImportError("not here")' >"$scratch/torch.py"
    ! PYTHONPATH=$scratch $python harness/bench_peers.py >"$scratch/said" 2>&1 || return 1
    cat "$scratch/said"
    grep -q 'apt-get install python3-torch' "$scratch/said"
}

without_python_it_says_how_to_get_it() {
    ! make --no-print-directory -o build bench-peers PYTHON="$scratch/absent" \
        >"$scratch/said" 2>&1 || return 1
    cat "$scratch/said"
    grep -q 'apt-get install python3-torch' "$scratch/said"
}

behaviours without_pytorch_it_says_how_to_get_it without_python_it_says_how_to_get_it
