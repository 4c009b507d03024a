#!/bin/sh
# What the Makefile hashes as the code behind a result, on a copy of the sources: an edit of one
# method's files makes that method's results old and no other's, an edit of what all share makes all
# old, and what cannot change a number changes no hash.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
unset CUDA SANITIZER # of whoever runs this: the second leaves cards out

# A copy of the sources, hashed once for all behaviours.
hashed=$(mktemp -d)
trap 'rm -rf "$scratch" "$hashed"' EXIT
cp -R Makefile models workloads harness "$hashed" # without its results
mkdir "$hashed/results"

# Another of it with its hashes in build/; the working folder from here on.
copy_sources() {
    cp -R "$hashed/." "$scratch"
    cd "$scratch" || return 1
}

hash_code() { # arguments of make
    NO_INSTALL=1 make -s build/training_code build/profile_code build/cuda_code build/policy_code "$@" >said 2>&1 ||
        { cat said && return 1; }
}

(cd "$hashed" && hash_code && cp -R build before)

# What is hashed anew since it was last asked, or since copy_sources: methods by their names, else `training`,
# `profile` or `cuda`.
changed() { # arguments of make
    hash_code "$@"
    for part in training profile cuda; do
        cmp -s before/${part}_code build/${part}_code || echo $part
    done
    for code in before build; do tr ' ' '\n' <$code/policy_code | paste - - | sort >$code/methods; done
    comm -13 before/methods build/methods | cut -f 1
    cp build/* before
}

edit() { # file
    echo '/* edited */' >>"$1"
}

every_policy_of_the_registry_has_a_hash() {
    copy_sources
    for part in training profile cuda; do [ "$(wc -l <before/${part}_code)" = 1 ]; done
    tr ' ' '\n' <before/policy_code | paste - - | cut -f 1 | sort >hashed
    sed -n 's/^ *\.name = "\(.*\)",$/\1/p' models/policies/*.c | sort >there
    diff there hashed
}

edit_of_a_method_is_its_own() {
    copy_sources
    edit models/policies/budgetformer.c
    [ "$(changed)" = budgetformer ]
}

edit_of_what_methods_share_is_theirs() {
    copy_sources
    edit models/policies/moh_router.c # which they know by its header
    [ "$(changed | tr '\n' ' ')" = 'moh moh-pool ' ]
    edit models/policies/gumbel_top_k.h
    [ "$(changed | tr '\n' ' ')" = 'budgetformer dsp ' ]
    edit models/policies/static_method.h
    [ "$(changed | tr '\n' ' ')" = 'dsp michel random-static voita ' ]
}

edit_of_what_a_card_runs_is_a_card_s() {
    copy_sources
    for file in models/cuda/cuda_device.c models/cuda/number.cuh models/policies/budgetformer_cuda.c \
        models/policies/budgetformer_kernels.cu; do
        edit "$file"
        [ "$(changed)" = cuda ]
    done
}

what_a_shared_file_includes_counts_too() {
    copy_sources
    sed -i '1i #include "models/policies/more.h"' models/policies/moh_router.h
    echo 'int more;' >models/policies/more.c
    : >models/policies/more.h
    changed >said
    edit models/policies/more.c
    [ "$(changed | tr '\n' ' ')" = 'moh moh-pool ' ]
}

edit_of_the_engine_is_everybody_s() {
    copy_sources
    for file in models/trainer.c models/base/rng.h models/cpu/gemm.c workloads/data/split.c \
        harness/trial/stage.c; do
        edit "$file"
        [ "$(changed)" = training ]
    done
    edit harness/measure/counters.c
    [ "$(changed)" = profile ]
}

flags_count_without_those_for_warnings() {
    copy_sources
    [ -z "$(changed WERROR=1 CFLAGS=-Wundef)" ]
    [ "$(changed CFLAGS=-O1)" = training ]
    [ "$(changed CFLAGS=-O1 ARCH=x86-64)" = training ]
}

# What a CPU computed is as new in a program that can use cards too.
cards_in_the_build_change_no_hash() {
    copy_sources
    toolkit=$scratch/toolkit
    mkdir -p "$toolkit/bin" "$toolkit/include" "$toolkit/lib"
    touch "$toolkit/include/cublas_v2.h" "$toolkit/lib/libcudart_static.a"
    fake_program "$toolkit/bin/nvcc" "echo 'INCLUDES=\"-I$toolkit/include\" LIBRARIES= \"-L$toolkit/lib\"'"
    [ -z "$(changed CUDA=0)" ]
    [ -z "$(changed CUDA_HOME="$toolkit")" ]
    NO_INSTALL=1 make -s build/flags CUDA_HOME="$toolkit"
    grep -q -- "-DHAVE_CUDA=1 -isystem$toolkit/include" build/flags
}

edit_of_anything_else_changes_nothing() {
    copy_sources
    for file in harness/cli/main.c harness/sweep/sweep.c harness/store/store.c harness/config/yaml.c \
        models/policies/registry.c models/policies/README.md workloads/topic.yaml; do
        edit "$file"
    done
    [ -z "$(changed)" ]
}

behaviours every_policy_of_the_registry_has_a_hash edit_of_a_method_is_its_own \
    edit_of_what_methods_share_is_theirs edit_of_what_a_card_runs_is_a_card_s what_a_shared_file_includes_counts_too \
    edit_of_the_engine_is_everybody_s flags_count_without_those_for_warnings cards_in_the_build_change_no_hash \
    edit_of_anything_else_changes_nothing
