#!/bin/sh
# The fuzz targets, ten minutes each, and none finds anything. FUZZ_SECONDS says how long.
. tests/build/tap.sh

no_target_finds_anything() {
    lacking=$(tests/fuzz/clang.sh 2>&1) || skip "$lacking"
    FUZZ_SECONDS=${FUZZ_SECONDS:-600} make --no-print-directory fuzz >"${scratch:?}/said" 2>&1 || status=1
    sed -n '/^target /,$s/^/#| /p' "$scratch/said"
    [ -z "${status:-}" ] || { tail -n 20 "$scratch/said" && return 1; }
}

behaviours no_target_finds_anything
