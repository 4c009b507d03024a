#!/bin/sh
# Whether there is a clang with libFuzzer; else says what to install, and fails.
scratch=$(mktemp -d) || exit
trap 'rm -rf "$scratch"' EXIT
echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' >"$scratch/target.c"
if ! said=$(clang -fsanitize=fuzzer,address,undefined "$scratch/target.c" -o "$scratch/target" 2>&1); then
    printf '%s\n' "$said" >&2
    echo 'make fuzz needs clang and its libFuzzer: on Debian and Ubuntu apt-get install clang' >&2
    exit 1
fi
