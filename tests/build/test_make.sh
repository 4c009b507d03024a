#!/bin/sh
# The Makefile itself, on a small house of stand-in sources: what is built when, and that the schema
# in the program is the file, byte for byte.
. tests/build/tap.sh
unset MAKEFLAGS MAKEOVERRIDES MFLAGS CC WERROR SANITIZER CUDA CUDA_ARCH NVCC_CCBIN DB TIER # of the make that runs this test

# A house with the Makefile's folders, four small sources and three texts; the working folder from here on.
small_house() {
    mkdir -p "$scratch"/models/base "$scratch"/workloads/data "$scratch"/harness/config \
        "$scratch"/harness/measure "$scratch"/harness/cli "$scratch"/results "$scratch"/tests/models
    cp Makefile "$scratch"
    cp harness/install_packages.sh "$scratch/harness"
    cp tests/run.sh "$scratch/tests"
    cd "$scratch"
    echo 'int one(void);' >models/one.h
    printf '#include "models/one.h"\nint one(void) {\n    return 1;\n}\n' >models/one.c
    cat >harness/measure/environment.c <<'EOF'
const char *environment(void);
const char *environment(void) {
    return HEADROOM_CFLAGS " at " HEADROOM_GIT;
}
EOF
    cat >harness/cli/main.c <<'EOF'
#include <stdio.h>
extern const char results_tables_sql[];
const char *environment(void);
int main(int count, char **argument) {
    (void)argument;
    return puts(count > 1 ? environment() : results_tables_sql) < 0;
}
EOF
    echo 'CREATE TABLE t (x);' | tee results/tables.sql >results/views.sql
    echo 'workload: starter' >harness/config/starter.yaml
}

# Runs make, prints what it says, and puts the file names it compiled into $compiled.
build() { # arguments of make
    NO_INSTALL=1 make "$@" >said 2>&1 || { cat said && return 1; }
    cat said
    compiled=$(sed -n 's/.* -c \([^ ]*\) .*/\1/p' said | sort | tr '\n' ' ')
}

# The same, built: made once, and copied with its times.
built=$(mktemp -d)
trap 'rm -rf "$scratch" "$built"' EXIT
(small_house && build) >"$built/said" || cat "$built/said"
cp -a "$scratch/." "$built"

built_house() {
    cp -a "$built/." "$scratch"
    cd "$scratch"
}

dry_run_makes_nothing() {
    small_house
    build -n
    echo "$compiled" | grep -q models/one.c
    [ ! -e build ] && [ ! -e headroom ]
}

second_build_does_nothing() {
    built_house
    build
    [ -z "$compiled" ]
}

changed_header_rebuilds_its_users() {
    built_house
    touch models/one.h
    build
    [ "$compiled" = 'models/one.c ' ]
}

changed_flags_rebuild_everything() {
    small_house
    build ARCH=x86-64
    ./headroom flags | grep -q 'march=x86-64 .* at unknown'
    build ARCH=x86-64 CFLAGS=-DMORE=1
    [ "$compiled" = 'build/harness/config/starter.yaml.c build/results/tables.sql.c build/results/views.sql.c harness/cli/main.c harness/measure/environment.c models/one.c ' ]
    ./headroom flags | grep -q 'march=x86-64 .*-DMORE=1 at unknown'
}

changed_revision_rebuilds_only_what_names_it() {
    command -v git >/dev/null || skip 'git is not here'
    small_house
    printf '/build/\n/headroom\n/said\n' >.gitignore
    git init -q . && git add .
    git -c user.name=n -c user.email=e@x commit -q -m one
    revision=$(git rev-parse --short HEAD)
    build
    ./headroom flags | grep -q " at $revision\$"
    echo '/* more */' >>models/one.h && git add .
    build
    [ "$compiled" = 'harness/measure/environment.c models/one.c ' ]
    ./headroom flags | grep -q " at $revision-dirty\$"
}

warning_is_an_error_only_when_asked() {
    built_house
    echo 'static int unused(int x) { return x; }' >>models/one.c
    build
    ! build WERROR=1 || return 1
    grep -q 'Werror=unused-function' said
}

# A house with a card's three kinds of files, and a toolkit that is made up: its nvcc compiles as C what is
# behind -c, and writes down what it is asked. No other toolkit is found.
house_with_cards() {
    small_house
    toolkit=$scratch/toolkit
    mkdir -p models/cuda models/policies "$toolkit/bin" "$toolkit/include" "$toolkit/lib"
    echo 'int card(void); int sum(void); int card(void) { return sum(); }' >models/cuda/card.c
    echo 'int form(void); int form(void) { return HAVE_CUDA; }' >models/policies/one_cuda.c
    echo 'int sum(void); int sum(void) { return 7; }' >models/cuda/sum.cu
    touch "$toolkit/include/cublas_v2.h"
    ar rcs "$toolkit/lib/libcudart_static.a"
    # shellcheck disable=SC2016 # expanded by the fake
    fake_program "$toolkit/bin/nvcc" 'toolkit=$(realpath "$(dirname "$0")/..")
        if [ "$1" = --dryrun ]; then
            echo "#\$ INCLUDES=\"-I$toolkit/bin/../include\"  "
            echo "#\$ LIBRARIES=  \"-L$toolkit/lib/stubs\" \"-L$toolkit/lib\""
            exit
        fi >&2
        [ "$1" != --help ] || exit 0
        echo "$*" >>nvcc-asked
        while [ "$1" != -c ]; do shift; done
        exec cc -x c -c "$2" -o "$4"'
    PATH=$(echo "$PATH" | tr : '\n' | while read -r folder; do
        [ -e "$folder/nvcc" ] || printf '%s:' "$folder"
    done)
    sed -i 's,/usr/local/cuda/bin/nvcc,/nowhere/nvcc,' Makefile
    unset CUDA_HOME CUDA_PATH
}

for_cards() {
    grep -q HAVE_CUDA build/flags
}

a_toolkit_is_found_and_its_kernels_are_in_the_program() {
    house_with_cards
    build # none is here
    ! for_cards && [ ! -e build/models/cuda ] || return 1
    for way in PATH="$toolkit/bin:$PATH" CUDA_HOME="$toolkit" CUDA_PATH="$toolkit"; do
        (export "${way?}" && build)
        ar t build/headroom.a >objects
        for object in card.o one_cuda.o sum.cu.o; do grep -qx $object objects; done
        grep -q -- " -DHAVE_CUDA=1 -isystem$toolkit/include$"  build/flags
        grep -q " $toolkit/lib/libcudart_static.a -Wl,-rpath,$toolkit/lib " build/libraries
    done
    (export "${way?}" && build CUDA=0)
    ! for_cards || return 1
    ! ar t build/headroom.a | grep 'card.o\|cuda.o\|cu.o' || return 1
}

kernels_are_compiled_again_when_their_flags_change() {
    house_with_cards
    export CUDA_HOME="$toolkit"
    build
    build
    [ "$(wc -l <nvcc-asked)" = 1 ]
    grep -q -- '-gencode arch=compute_80,code=sm_80 .*-gencode arch=compute_90,code=compute_90 ' nvcc-asked
    ! grep -q 'fast.math\|Werror' nvcc-asked || return 1
    build CUDA_ARCH='75 86' NVCC_CCBIN=clang-14 WERROR=1
    [ "$(wc -l <nvcc-asked)" = 2 ]
    grep -q -- 'code=sm_75 .*code=sm_86 .*code=compute_86 .*-ccbin clang-14 .*--Werror all-warnings' nvcc-asked
}

cuda_is_off_with_sanitizers_unless_it_is_asked_for() {
    house_with_cards
    export CUDA_HOME="$toolkit"
    build SANITIZER=undefined
    ! for_cards || return 1
    build SANITIZER=undefined CUDA=1
    for_cards
}

a_wish_for_cuda_that_cannot_be_met_is_one_sentence() {
    house_with_cards
    ! build CUDA=1 || return 1
    [ "$(grep -c error: said)" = 1 ] && [ ! -e headroom ]
    grep -q "error: CUDA=1 needs nvcc and cuBLAS's headers .* or build with CUDA=0" said
    ! build CUDA=yes || return 1
    grep -q 'error: CUDA=yes is neither CUDA=1 nor CUDA=0' said
    # A toolkit in parts is none, unless it is asked for.
    rm "$toolkit/include/cublas_v2.h"
    export CUDA_HOME="$toolkit"
    build
    ! for_cards || return 1
    ! build CUDA=1 || return 1
}

sanitizer_finds_an_overflow() {
    small_house
    sed -i 's/return puts.*/volatile int sum = 0x7fffffff; return (sum += count) > 0;/' harness/cli/main.c
    build SANITIZER=undefined CFLAGS=-O0
    ! ./headroom >said 2>&1 || return 1
    grep -q 'signed integer overflow' said
}

schema_is_embedded_byte_for_byte() {
    built_house
    cp "$root/results/tables.sql" results
    build
    ./headroom | sed '$d' | cmp - results/tables.sql
    # Bytes that a C string literal would mangle.
    printf -- '-- "quoted" \\n \\ ??/ %%s \303\251 \t\nSELECT 1;\n' >results/tables.sql
    build
    ./headroom | sed '$d' | cmp - results/tables.sql
}

plots_are_drawn_by_a_program_that_is_up_to_date() {
    built_house
    cat >harness/cli/main.c <<'EOF'
#include <stdio.h>
int main(int count, char **argument) {
    return printf("%s|%s\n", count > 1 ? argument[1] : "", argument[count - 1]) < 0;
}
EOF
    build plots DB='my results/a b.db'
    grep -qx 'plot|my results/a b.db' said
}

# A program whose sweep makes the database and ends as told by $END, and that writes down what it is asked.
sweep_draws_and_ends_with_the_table() {
    built_house
    cat >harness/cli/main.c <<'EOF'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int count, char **argument) {
    FILE *asked = fopen("asked", "a");
    for (int i = 1; i < count; i++) fprintf(asked, "%s ", argument[i]);
    fclose(asked);
    if (count < 2 || strcmp(argument[1], "sweep") != 0) return puts(argument[1]) < 0;
    return system("touch results/results.db") || system("exit $END");
}
EOF
    export END=0
    build sweep
    [ "$(cat asked)" = 'sweep --tier default --db results/results.db plot --db results/results.db report --db results/results.db ' ]
    [ "$(make sweep 2>"$scratch/talk" | tail -n 1)" = report ]
    grep -qx plot "$scratch/talk" # the talk of drawing is no data
    # A failed trial: figures and table all the same, and the failure is not forgotten.
    rm asked
    ! END=1 build sweep || return 1
    grep -q 'plot .*report' asked
}

database_may_have_blanks_and_quotes_in_its_path() {
    built_house
    db="my new results/it's x.db"
    mkdir "my new results" && touch "$db"
    cat >harness/cli/main.c <<'EOF'
#include <stdio.h>
int main(int count, char **argument) {
    FILE *calls = fopen("calls", "a");
    for (int i = 1; i < count; i++) fprintf(calls, "%s|", argument[i]);
    return fclose(calls);
}
EOF
    for target in sweep plots bench; do
        rm -f calls
        build "$target" DB="$db"
        echo >>calls
        cat calls
        case $target in
        sweep) grep -qF "sweep|--tier|default|--db|$db|plot|--db|$db|report|--db|$db|" calls ;;
        plots) grep -qF "plot|--db|$db|" calls ;;
        bench) grep -qF "bench|--db|$db|" calls ;;
        esac
    done
}

clean_keeps_results_and_data() {
    built_house
    mkdir data && touch data/kept results/results.db
    build clean
    [ ! -e build ] && [ ! -e headroom ] && [ -e data/kept ] && [ -e results/results.db ]
}

fuzzing_without_clang_says_what_to_install() {
    small_house
    mkdir bin tests/fuzz
    cp "$root/tests/fuzz/clang.sh" tests/fuzz
    fake_program bin/clang 'echo "cannot find libclang_rt.fuzzer" >&2; exit 1'
    status=0
    PATH=$PWD/bin:$PATH build fuzz || status=1
    [ $status = 1 ] && grep -q 'libclang_rt.fuzzer' said && grep -q 'apt-get install clang' said
}

help_names_every_target() {
    make help >"$scratch/said"
    cat "$scratch/said"
    for target in build install uninstall dist headroom-v3 sweep test test-pmu test-arm64 test-gpu test-long coverage fuzz check cross-arm64 plots report screenshots data bench bench-peers parity parity-golden format clean help; do
        grep -q "^make $target  *[a-z]" "$scratch/said"
    done
}

behaviours dry_run_makes_nothing second_build_does_nothing changed_header_rebuilds_its_users \
    changed_flags_rebuild_everything changed_revision_rebuilds_only_what_names_it \
    warning_is_an_error_only_when_asked a_toolkit_is_found_and_its_kernels_are_in_the_program \
    kernels_are_compiled_again_when_their_flags_change cuda_is_off_with_sanitizers_unless_it_is_asked_for \
    a_wish_for_cuda_that_cannot_be_met_is_one_sentence sanitizer_finds_an_overflow \
    schema_is_embedded_byte_for_byte plots_are_drawn_by_a_program_that_is_up_to_date \
    sweep_draws_and_ends_with_the_table database_may_have_blanks_and_quotes_in_its_path \
    clean_keeps_results_and_data fuzzing_without_clang_says_what_to_install help_names_every_target
