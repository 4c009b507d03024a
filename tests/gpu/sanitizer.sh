# shellcheck shell=sh
# NVIDIA's compute-sanitizer over the tests of the CUDA engine, for the three tests that are named after its
# tools. It slows kernels down 10 to 100 times, so the tools run beside each other, and the tests make their
# quick round on the card alone (tests/models/tested_devices.h), whose first call is to CUDA: a program that
# computes on the processor for minutes before is given up.
scratch=${scratch:?}
seconds=${HEADROOM_SANITIZER_SECONDS:-400} # for each test; on an H100 with 16 cores far less is needed

# In PATH, else beside nvcc or in its toolkit.
find_sanitizer() {
    nvcc=$(cut -d ' ' -f 1 build/nvcc_flags)
    for sanitizer in "$(command -v compute-sanitizer)" "${nvcc%/*}/compute-sanitizer" \
        "${nvcc%/*}/../compute-sanitizer/compute-sanitizer"; do
        [ ! -x "$sanitizer" ] || return 0
    done
    skip "compute-sanitizer is not here: it is in NVIDIA's CUDA toolkit"
}

# A clean report counts only of a test that ran on the card.
sanitizer_finds_nothing() { # tool options...
    needs_card
    find_sanitizer
    tool=$1
    ran=
    shift
    for test in build/tests/models/cuda/test_*; do
        case $test in *.*) continue ;; esac
        status=0
        started=$(date +%s)
        HEADROOM_DEVICES=card HEADROOM_QUICK=1 CMOCKA_MESSAGE_OUTPUT=TAP timeout "$seconds" "$sanitizer" \
            --tool "$tool" "$@" --launch-timeout 120 --error-exitcode 9 "$test" >"$scratch/said" 2>&1 || status=$?
        if grep 'Device not supported' "$scratch/said"; then skip 'compute-sanitizer cannot work here'; fi
        echo "#| $tool: $test: $(($(date +%s) - started)) s, exit status $status"
        # What is only about the clock or the driver is no part of the quick round.
        if grep -q 'terminated before first instrumented' "$scratch/said" && ! grep -q '^ok ' "$scratch/said"; then
            continue
        fi
        ran=1
        [ $status != 124 ] || echo "it was stopped after $seconds s (HEADROOM_SANITIZER_SECONDS)"
        if [ $status != 0 ] || ! grep -q '^========= .*SUMMARY: 0 ' "$scratch/said" ||
            ! grep -q '^ok [0-9]* - card: ' "$scratch/said"; then
            head -n 80 "$scratch/said" | sed 's/^/#| /' # its own TAP is not this test's
            return 1
        fi
    done
    [ "$ran" ]
}
