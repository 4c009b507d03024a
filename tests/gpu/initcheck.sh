#!/bin/sh
# Kernels read no device memory that nobody wrote: compute-sanitizer's initcheck.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
. tests/gpu/card.sh
. tests/gpu/sanitizer.sh

initcheck_finds_nothing() {
    sanitizer_finds_nothing initcheck
}

behaviours initcheck_finds_nothing
