#!/bin/sh
# Fuzzes and sums up: `make fuzz` has built the targets.
#
#   tests/fuzz/fuzz.sh FOLDER TARGET...
#
# Each target runs for FUZZ_SECONDS (60), as many at a time as there are cores, with inputs of at most 64
# KiB, 25 seconds for one and 2 GiB of memory. What it learns stays in FOLDER/corpus, so that the next run
# goes on from there. What it finds is made small and put into tests/fuzz/corpus, where `make test` replays
# it from then on; the exit status is 1 then.
set -eu
folder=$1
shift
export FUZZ_SECONDS="${FUZZ_SECONDS:-60}" folder
jobs=$(nproc 2>/dev/null || echo 2) # asked before OMP_NUM_THREADS is set, which nproc believes
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
export UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS=quarantine_size_mb=16 # with the 256 of its own, pages are taken anew for each input
rm -rf "$folder/found" "$folder/seeds"
tests/fuzz/seeds.sh "$folder/seeds"

# shellcheck disable=SC2016 # expanded by the inner shell
printf '%s\n' "$@" | xargs -P "$jobs" -I{} sh -c '
    mkdir -p "$folder/corpus/$1" "$folder/found/$1" "tests/fuzz/corpus/$1"
    "$folder/tests/fuzz/fuzz_$1" -max_total_time="$FUZZ_SECONDS" -max_len=65536 -timeout=25 -rss_limit_mb=2048 \
        -report_slow_units=25 -print_final_stats=1 -artifact_prefix="$folder/found/$1/" \
        "$folder/corpus/$1" "tests/fuzz/corpus/$1" "$folder/seeds/$1" >"$folder/$1.log" 2>&1' run {} || :

status=0
printf '%-12s %12s %8s %9s %7s  %s\n' target executions edges features inputs found
for target; do
    log=$folder/$target.log
    n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    covered=$(sed -n 's/.* cov: \([0-9]*\) ft: \([0-9]*\) corp: \([0-9]*\).*/\1 \2 \3/p' "$log" | tail -n 1)
    # shellcheck disable=SC2086 # three words
    set -- ${covered:-0 0 0}
    found=
    for file in "$folder/found/$target"/*; do
        [ -e "$file" ] || continue
        kept=tests/fuzz/corpus/$target/${file##*/}
        "$folder/tests/fuzz/fuzz_$target" -minimize_crash=1 -max_total_time=60 -timeout=25 -rss_limit_mb=2048 \
            -exact_artifact_path="$kept" "$file" >"$log.minimized" 2>&1 || :
        [ -e "$kept" ] || cp "$file" "$kept"
        found="$found $kept"
    done
    [ -n "$found$n" ] || found=" nothing was run: see $log"
    [ -z "$found" ] || status=1
    printf '%-12s %12s %8s %9s %7s %s\n' "$target" "${n:-0}" "$1" "$2" "$3" "$found"
done
exit $status
