#!/bin/sh
# Kernels read no device memory that nobody wrote: compute-sanitizer's initcheck. It does not see what cuBLAS's
# kernels for bfloat16 write on an H100: a program of one cublasGemmEx and a kernel that reads its result, which
# is right, gets the same report. So kernels in bfloat16, the same templates, are left to the far device, whose
# memory is NaN before it is written.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
. tests/gpu/card.sh
. tests/gpu/sanitizer.sh

initcheck_finds_nothing() {
    export HEADROOM_PRECISIONS='fp32 tf32'
    sanitizer_finds_nothing initcheck
}

behaviours initcheck_finds_nothing
