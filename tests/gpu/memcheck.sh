#!/bin/sh
# Kernels touch no memory outside of what was allocated, and no misaligned one: compute-sanitizer's memcheck.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
. tests/gpu/card.sh
. tests/gpu/sanitizer.sh

memcheck_finds_nothing() {
    # What a call of CUDA returns is checked where it is made.
    sanitizer_finds_nothing memcheck --report-api-errors no
}

behaviours memcheck_finds_nothing
