#!/bin/sh
# tests/check.sh on a small house with tools that are made up: what it skips, counts and refuses.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
root=${root:?}
scratch=${scratch:?}

# A house of one source and one script; $bin is its PATH, with a make and a compiler that are content.
small_house() {
    bin=$scratch/bin
    mkdir -p "$scratch"/models "$scratch"/workloads "$scratch"/harness "$scratch"/plots "$scratch"/.ci \
        "$scratch"/tests/build "$scratch"/build/gcc
    only_programs "$bin" sh find grep sed sort wc head mkdir rm cat
    for program in make gcc tests/build/includes.sh; do
        case $program in */*) at=$scratch/$program ;; *) at=$bin/$program ;; esac
        # shellcheck disable=SC2016 # expanded by the fake
        fake_program "$at" '[ "$1" != --version ] || echo "made up 1.2.3 of 4.5"'
    done
    cd "$scratch"
    echo 'int one;' >models/one.c
    echo '-D_GNU_SOURCE' >build/gcc/flags
    cp "$root/tests/check.sh" tests
    echo true >.ci/run
}

run_check() { # expected status
    status=0
    PATH=$bin tests/check.sh build/check build/gcc >said 2>&1 || status=$?
    cat said
    [ $status = "$1" ]
}

absent_tools_are_skipped_with_the_command_that_installs_them() {
    small_house
    run_check 0
    for tool in clang-format shellcheck clang cppcheck clang-tidy; do
        grep -qx "SKIP $tool: install with apt-get install $tool" said
    done
    grep -qx 'SKIP nvcc: install with apt-get install nvidia-cuda-toolkit' said
    grep -qx 'gcc 1.2.3: 1 files, findings: 0' said
    [ "$(tail -n 8 said | grep -c '^SKIP \|: [0-9]* files, findings: ')" = 8 ]
}

# Files for NVIDIA's cards count where the build has them; kernels are nvcc's.
what_is_for_cards_is_read_where_it_is_compiled() {
    small_house
    mkdir models/cuda
    touch models/cuda/card.c models/one_cuda.c models/cuda/sum.cu
    run_check 0
    grep -qx 'gcc 1.2.3: 1 files, findings: 0' said
    # shellcheck disable=SC2016 # expanded by the fakes
    fake_program "$bin/nvcc" '[ "$1" != --version ] || echo "release 13.0, V13.0.88"'
    export CUDA=1
    run_check 0
    grep -qx 'gcc 1.2.3: 3 files, findings: 0' said
    grep -qx 'nvcc 13.0: 1 files, findings: 0' said
    # The three ways in which nvcc complains.
    # shellcheck disable=SC2016
    fake_program "$bin/make" 'case $* in *kernels)
        echo "models/cuda/sum.cu(3): error #177-D: variable declared but never referenced"
        echo "models/cuda/sum.cu:4:1: error: unused parameter"
        echo "ptxas warning : Stack size cannot be determined"; exit 1 ;; esac'
    run_check 1
    grep -qx 'nvcc 13.0: 1 files, findings: 3' said
}

findings_are_shown_and_counted_once_and_fail() {
    small_house
    fake_program "$bin/cppcheck" 'for i in 1 2; do echo "./models/one.h:3: error: unset [uninitvar]"; done; exit 1'
    fake_program "$bin/shellcheck" 'echo ".ci/run:1:1: note: quote this [SC2086]"; exit 1'
    run_check 1
    grep -qx 'models/one.h:3: error: unset \[uninitvar\]' said
    grep -qx 'cppcheck: 1 files, findings: 1' said
    grep -qx 'shellcheck: 3 files, findings: 1' said
}

a_tool_that_fails_without_a_finding_is_a_finding() {
    small_house
    fake_program "$bin/clang-format" 'echo no such style; exit 2'
    run_check 1
    grep -qx 'no such style' said
    grep -qx 'clang-format: 1 files, findings: 1' said
}

a_broken_arrow_fails() {
    small_house
    fake_program tests/build/includes.sh 'echo "models/one.c:1: error: up"; exit 1'
    run_check 1
    grep -q 'includes.sh: 1 files, findings: 1' said
}

# The real compiler and the real Makefile: each object is made once, and again when it must be.
a_warning_is_found_and_what_has_not_changed_is_not_compiled_again() {
    small_house
    cp "$root/Makefile" .
    mkdir results harness/config
    cp "$root/results/tables.sql" "$root/results/views.sql" results
    cp "$root/harness/config/starter.yaml" harness/config
    fake_program harness/install_packages.sh true
    objects() { make -k CC="${CC:-cc}" WERROR=1 objects >said 2>&1 || { cat said && return 1; }; }
    objects
    grep -q 'c models/one.c' said
    objects
    ! grep -q 'c models/one.c' said || return 1
    echo 'static int two(void) { return 2; }' >>models/one.c
    ! objects || return 1
    grep -q 'models/one.c:2:.*unused-function' said
}

behaviours absent_tools_are_skipped_with_the_command_that_installs_them \
    findings_are_shown_and_counted_once_and_fail a_tool_that_fails_without_a_finding_is_a_finding \
    a_broken_arrow_fails what_is_for_cards_is_read_where_it_is_compiled \
    a_warning_is_found_and_what_has_not_changed_is_not_compiled_again
