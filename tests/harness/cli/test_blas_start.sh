#!/bin/sh
# What the program does before OpenBLAS starts. Where OpenBLAS has no room for its buffers, in a small
# `ulimit -v`, it asks for them without end: what spins here is killed after a minute of a core, however
# long that is on a busy machine.
# shellcheck disable=SC3045 # dash has these limits
. tests/build/tap.sh
scratch=${scratch:?}
unset OPENBLAS_NUM_THREADS OMP_NUM_THREADS
ulimit -t 60

within() { # kB words...; sets status
    limit=$1
    shift
    status=0
    (ulimit -v "$limit"; exec ./headroom "$@") >"$scratch/said" 2>&1 || status=$?
}

libraries_start_once_and_with_one_thread() {
    not_with_address_sanitizer 'takes no library before itself'
    cat >"$scratch/start.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void start(void) {
    const char *threads = getenv("OPENBLAS_NUM_THREADS"), *openmp = getenv("OMP_NUM_THREADS");
    fprintf(stderr, "%s %s\n", threads ? threads : "none", openmp ? openmp : "none");
}
END
    ${CC:-cc} -shared -fPIC -o "$scratch/start.so" "$scratch/start.c"
    for threads in 1 4; do
        OPENBLAS_NUM_THREADS=$threads LD_PRELOAD="$scratch/start.so" ./headroom --version 2>"$scratch/said" >"$scratch/version"
        [ "$(sort -u "$scratch/said")" = '1 1' ] # twice where other kernels are wanted
    done
}

every_command_says_that_a_limit_leaves_no_room() {
    not_with_address_sanitizer 'takes more memory'
    tiny=tests/harness/cli/tiny.yaml
    for words in --version 'list policies' "validate $tiny" "data $tiny" doctor 'trial 1'; do
        # shellcheck disable=SC2086 # words
        within 200000 $words
        [ "$status" = 1 ]
        grep -q '^headroom: no room for .* that OpenBLAS takes: ulimit -v is 200000, the least is [0-9]*$' "$scratch/said"
        [ "$(wc -l <"$scratch/said")" = 1 ]
    done
    (ulimit -d 200000; ! ./headroom --version 2>"$scratch/said")
    grep -q '^headroom: no room .* (ulimit -v, ulimit -d' "$scratch/said"
}

# With the least and little more there may be no room for a training: it ends with a reason, and not where
# OpenBLAS wants its second buffer.
the_limit_that_is_named_is_enough_and_trainings_end_within_it() {
    not_with_address_sanitizer 'takes more memory'
    within 200000 --version
    least=$(sed -n 's/.*the least is //p' "$scratch/said")
    within "$least" --version
    [ "$status" = 0 ]
    for more in 0 5000 20000 100000; do
        within $((least + more)) sweep tests/harness/cli/tiny.yaml --seeds 1 --no-profile --db "$scratch/$more.db"
        [ "$status" -lt 128 ]
        if grep -i killed "$scratch/said"; then return 1; fi
    done
    [ "$status" = 0 ]
}

behaviours libraries_start_once_and_with_one_thread every_command_says_that_a_limit_leaves_no_room \
    the_limit_that_is_named_is_enough_and_trainings_end_within_it
