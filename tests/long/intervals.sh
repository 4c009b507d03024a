#!/bin/sh
# What intervals cover, of four times the experiments that `make test` takes. HEADROOM_REPEATS says how many.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh

intervals_cover_what_they_promise() {
    make --no-print-directory build/tests/harness/store/test_coverage >"${scratch:?}/said" 2>&1 || { cat "$scratch/said" && return 1; }
    HEADROOM_REPEATS=${HEADROOM_REPEATS:-1400} build/tests/harness/store/test_coverage >"$scratch/said" 2>&1 || status=1
    sed -n 's/^[^[]/#| &/p' "$scratch/said"
    return "${status:-0}"
}

behaviours intervals_cover_what_they_promise
