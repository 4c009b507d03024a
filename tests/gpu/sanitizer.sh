#!/bin/sh
# NVIDIA's compute-sanitizer over the tests of the CUDA engine: accesses outside of allocations, races in
# shared memory, reads of device memory that nobody wrote. It slows kernels down 10 to 100 times.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
. tests/gpu/card.sh
scratch=${scratch:?}

# In PATH, else beside nvcc or in its toolkit.
find_sanitizer() {
    nvcc=$(cut -d ' ' -f 1 build/nvcc_flags)
    for sanitizer in "$(command -v compute-sanitizer)" "${nvcc%/*}/compute-sanitizer" \
        "${nvcc%/*}/../compute-sanitizer/compute-sanitizer"; do
        [ ! -x "$sanitizer" ] || return 0
    done
    skip "compute-sanitizer is not here: it is in NVIDIA's CUDA toolkit"
}

finds_nothing() { # tool
    needs_card
    find_sanitizer
    checked=0
    for test in build/tests/models/cuda/test_*; do
        case $test in *.*) continue ;; esac
        status=0
        "$sanitizer" --tool "$1" --error-exitcode 9 "$test" >"$scratch/said" 2>&1 || status=$?
        if grep 'Device not supported' "$scratch/said"; then skip 'compute-sanitizer cannot work here'; fi
        # A test of what is planned on the host alone.
        ! grep -q 'No attachable process' "$scratch/said" || continue
        [ $status = 0 ] || { echo "$test: exit status $status" && head -n 80 "$scratch/said" && return 1; }
        grep -q '^========= .*SUMMARY: 0 ' "$scratch/said"
        checked=$((checked + 1))
    done
    [ $checked -gt 0 ]
}

memcheck_finds_nothing() { finds_nothing memcheck; }
racecheck_finds_nothing() { finds_nothing racecheck; }
initcheck_finds_nothing() { finds_nothing initcheck; }

behaviours memcheck_finds_nothing racecheck_finds_nothing initcheck_finds_nothing
