#!/bin/sh
# `make check`: what can be said of the code without running it. Each tool that is here reads all of the
# code; one that is not here is skipped, with the command that installs it. In the end there is a line
# for each tool, and the exit status is 1 if one of them found anything.
#
#   tests/check.sh FOLDER GCC_FOLDER
#
# FOLDER gets what each tool said, clang's objects and cppcheck's notes. GCC_FOLDER gets gcc's objects
# and clang-tidy's stamps. Both are kept: a second run reads only what has changed.
set -u
folder=$1
gcc_folder=$2
make="${MAKE:-make} -s -k"
mkdir -p "$folder/cppcheck"
rm -f "$folder/summary"

sources=$(find models workloads harness tests -name '*.c')
headers=$(find models workloads harness tests -name '*.h')
kernels=$(find models -name '*.cu' -o -name '*.cuh')
scripts=$(find .ci harness models workloads plots tests -name '*.sh' -o -path .ci/run)

# The build says with CUDA=1 that it is one for NVIDIA's cards, whose files are not compiled otherwise.
compiled=$sources
[ "${CUDA:-0}" = 1 ] || compiled=$(echo "$sources" | grep -v '^models/cuda/\|^models/.*_cuda\.c$')

# What lines are findings: those of compilers, of clang-tidy and of shellcheck, whose notes count.
compiler=': (fatal error|error|warning): '
cuda='^ptxas (fatal|error|warning)|(:|\):) (fatal error|error|warning)'
tidy=': error: .*\[[a-z][^]]*\]$'
script=': (error|warning|note): '

check() { # program package finding files... -- command...
    program=$1 package=$2 finding=$3 files=0
    shift 3
    while [ "$1" != -- ]; do shift && files=$((files + 1)); done
    shift
    if ! command -v "$program" >/dev/null; then
        echo "SKIP $program: install with apt-get install $package" >>"$folder/summary"
        return
    fi
    echo "$program ..."
    log=$folder/${program##*/}.log status=0
    "$@" >"$log" 2>&1 || status=$?
    sed -i "s,^$PWD/,,; s,^\./,,; /^[0-9]* warnings\{0,1\} generated\.$/d" "$log"
    # A line of a header is found once for each file that includes it.
    found=$(grep -E "$finding" "$log" | sort -u | wc -l)
    [ $status = 0 ] || [ "$found" -gt 0 ] || found=1
    [ "$found" = 0 ] || cat "$log"
    version=$("$program" --version 2>/dev/null | grep -o '[0-9]\+\(\.[0-9]\+\)\+' | head -n 1)
    echo "$program${version:+ $version}: $files files, findings: $found" >>"$folder/summary"
}

# shellcheck disable=SC2046,SC2086 # lists of words throughout
{
    check clang-format clang-format "$compiler" $sources $headers $kernels -- \
        clang-format --dry-run --Werror $sources $headers $kernels
    check shellcheck shellcheck "$script" $scripts -- shellcheck -f gcc $scripts
    check tests/build/includes.sh - "$compiler" $sources $headers $kernels -- tests/build/includes.sh
    check gcc gcc "$compiler" $compiled -- $make B="$gcc_folder" CC=gcc WERROR=1 objects
    check clang clang "$compiler" $compiled -- $make B="$folder/clang" CC=clang WERROR=1 objects
    check nvcc nvidia-cuda-toolkit "$cuda" $kernels -- $make B="$gcc_folder" WERROR=1 kernels
    # The build's own macros, so that it reads what is compiled.
    check cppcheck cppcheck "$compiler" $sources -- \
        cppcheck -j 2 --quiet --std=c17 --enable=warning,performance,portability --library=gnu \
        --inline-suppr --suppressions-list=tests/cppcheck.txt --cppcheck-build-dir="$folder/cppcheck" \
        --error-exitcode=1 --template='{file}:{line}: error: {message} [{id}]' \
        $(grep -o ' -[DI][^ ]*' "$gcc_folder/flags") -DHEADROOM_DATA_CODE='"code"' $sources
    check clang-tidy clang-tidy "$tidy" $compiled -- $make B="$gcc_folder" CC=gcc WERROR=1 tidy
}
cat "$folder/summary"
! grep -qv '^SKIP\|findings: 0$' "$folder/summary"
