#!/bin/sh
# The program starts itself again with kernels for a processor that OpenBLAS does not know. None is at
# hand, so a library before OpenBLAS says what that would: the generic kernels run, unless it is told others.
. tests/build/tap.sh
scratch=${scratch:?}
unset OPENBLAS_CORETYPE HEADROOM_CHOSE_KERNELS

unknown_processor() {
    not_with_address_sanitizer 'takes no library before itself'
    grep -w avx2 /proc/cpuinfo | grep -qw fma || skip 'this processor has no AVX2'
    best=Haswell
    if grep -w avx512f /proc/cpuinfo | grep -w avx512vl | grep -qw avx512dq; then best=SkylakeX; fi
    cat >"$scratch/unknown.c" <<'END'
#include <stdlib.h>
char *openblas_get_corename(void);
char *openblas_get_corename(void) {
    char *told = getenv("OPENBLAS_CORETYPE");
    return told ? told : "Prescott";
}
END
    ${CC:-cc} -shared -fPIC -o "$scratch/unknown.so" "$scratch/unknown.c"
}

doctor() { # [variable=value] [option...]
    env LD_PRELOAD="$scratch/unknown.so" "$@" >"$scratch/page"
}

assert_kernels() { # set, who chose it
    grep -q "\"blas_core\": \"$1\", \"blas_core_chosen_by\": \"$2\"" "$scratch/page"
}

kernels_of_an_unknown_processor_are_chosen_by_its_flags() {
    unknown_processor
    doctor ./headroom doctor --json --db "$scratch/r.db"
    assert_kernels "$best" Headroom
    doctor ./headroom doctor --db "$scratch/r.db"
    tr -s '\n ' '  ' <"$scratch/page" | grep -q ', chosen by flags for a processor that OpenBLAS does not know'
    ! grep -q 'generic kernels' "$scratch/page"
}

a_choice_of_the_user_stands_and_doctor_warns_of_generic_kernels() {
    unknown_processor
    doctor OPENBLAS_CORETYPE=Prescott ./headroom doctor --json --db "$scratch/r.db"
    assert_kernels Prescott user
    doctor OPENBLAS_CORETYPE=Prescott ./headroom doctor --db "$scratch/r.db"
    tr -s '\n ' '  ' <"$scratch/page" |
        grep -q "generic kernels: OpenBLAS runs Prescott.* $best; OPENBLAS_CORETYPE says so: unset it"
}

a_processor_that_openblas_knows_keeps_its_kernels() {
    [ "$(uname -m)" = x86_64 ] || skip 'kernels are chosen on x86-64 only'
    ./headroom doctor --json --db "$scratch/r.db" >"$scratch/page"
    core=$(grep -o '"blas_core": "[^"]*"' "$scratch/page")
    [ "$core" != '"blas_core": "Prescott"' ] || skip 'and here is none'
    ! grep -q '"blas_core_chosen_by": "Headroom"' "$scratch/page" || skip 'this one it does not know'
    grep -q '"blas_core_chosen_by": "OpenBLAS"' "$scratch/page"
}

behaviours kernels_of_an_unknown_processor_are_chosen_by_its_flags \
    a_choice_of_the_user_stands_and_doctor_warns_of_generic_kernels \
    a_processor_that_openblas_knows_keeps_its_kernels
