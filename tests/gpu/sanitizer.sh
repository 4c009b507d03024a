# shellcheck shell=sh
# NVIDIA's compute-sanitizer over the tests of the CUDA engine, for the three tests that are named after its
# tools. It slows kernels down 10 to 100 times, so the tools run beside each other.
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

sanitizer_finds_nothing() { # tool
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
