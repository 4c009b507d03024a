#!/bin/sh
# tests/build/includes.sh on this tree, and on small ones with one wrong include each: file, line and
# rule must be named.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
root=${root:?}
scratch=${scratch:?}

# A tree whose arrows all point down.
small_tree() {
    mkdir -p "$scratch"/models/base "$scratch"/models/cpu "$scratch"/models/policies \
        "$scratch"/harness/trial "$scratch"/harness/bench "$scratch"/harness/store "$scratch"/tests/models "$scratch"/build
    cd "$scratch"
    echo '#include <string.h>' >models/base/error.h
    printf '#include "models/base/error.h"\n#include <cblas.h>\n' >models/cpu/gemm.c
    echo '#include "models/cpu/gemm.h"' >models/model.h
    echo '#  include "models/model.h"' >harness/store/store.h
    echo '#include <sqlite3.h>' >harness/store/store.c
    echo '#include "harness/store/store.h" /* results */' >harness/trial/trial.c
    echo '#include "harness/store/store.h"' >harness/bench/bench.c
    echo '#include "harness/bench/bench.h"' >tests/models/test_model.c # tests may look up
    echo '#include <cuda_runtime_api.h>' >models/policies/kernels.h
    echo '#include "nothing/known.h"' >build/text.c                    # no source
}

# One more line in a file must be named with its place and its rule.
is_refused() { # file line-of-the-include rule include
    rm -rf "${scratch:?}"/*
    small_tree
    mkdir -p "$(dirname "$1")"
    echo "$4" >>"$1"
    ! "$root/tests/build/includes.sh" >"$scratch/said" || return 1
    cat "$scratch/said"
    [ "$(grep -c error "$scratch/said")" = 1 ]
    grep -qx "$1:$2: error: $3" "$scratch/said"
}

every_arrow_of_this_tree_points_down() {
    tests/build/includes.sh >"$scratch/said" || { grep error "$scratch/said" && return 1; }
}

the_table_counts_includes_by_room() {
    small_tree
    "$root/tests/build/includes.sh" >said || { cat said && return 1; }
    cat said
    grep -qx 'models  *models  *1' said # models/cpu is of the room
    grep -qx 'models  *models/base  *1' said
    grep -qx 'harness/store  *models  *1' said
    [ "$(wc -l <said)" = 6 ]
}

a_room_above_is_refused() {
    is_refused models/base/error.h 2 'models/base may not include models/model.h' '#include "models/model.h"'
    is_refused harness/store/store.h 2 'harness/store may not include harness/bench/bench.h' \
        '#include "harness/bench/bench.h"'
    is_refused models/cpu/gemm.cu 1 'models may not include workloads/data/split.h' \
        '# include <workloads/data/split.h>'
}

trial_and_bench_do_not_know_each_other() {
    is_refused harness/trial/trial.c 2 'harness/trial may not include harness/bench/bench.h' \
        '#include "harness/bench/bench.h"'
    is_refused harness/bench/bench.c 2 'harness/bench may not include harness/trial/stage.h' \
        '#include "harness/trial/stage.h"'
}

libraries_stay_behind_their_room() {
    is_refused models/model.h 2 'only models/cpu includes dnnl.h' '#include <dnnl.h>'
    is_refused models/base/error.h 2 'only models/cpu includes cblas.h' '#include <cblas.h>'
    is_refused harness/trial/trial.c 2 'only harness/store includes sqlite3.h' '#include <sqlite3.h>'
    is_refused harness/store/store.c 2 'only harness/measure includes papi.h' '#include <papi.h>'
    is_refused harness/bench/bench.c 2 'only harness/config includes yaml.h' '#include <yaml.h>'
    is_refused models/model.h 2 'only models/cuda,models/policies includes cuda_bf16.h' '#include <cuda_bf16.h>'
    is_refused models/policies/gate.cu 1 'only models/cuda includes cublas_v2.h' '#include <cublas_v2.h>'
}

a_new_room_must_say_where_it_stands() {
    is_refused harness/attic/attic.c 1 'harness/attic is no room that tests/build/includes.sh knows' \
        'int attic;'
}

a_file_is_named_from_the_top() {
    is_refused models/cpu/gemm.c 3 'gemm.h is no file of a room, named from the top' '#include "gemm.h"'
    is_refused models/cpu/gemm.c 3 'tests/fuzz.h is no file of a room, named from the top' \
        '#include "tests/fuzz.h"'
}

behaviours every_arrow_of_this_tree_points_down the_table_counts_includes_by_room \
    a_room_above_is_refused trial_and_bench_do_not_know_each_other libraries_stay_behind_their_room \
    a_new_room_must_say_where_it_stands a_file_is_named_from_the_top
