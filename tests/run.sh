#!/bin/sh
# Runs test programs and adds up what they say. Each one prints TAP ("ok 1 - name", and a plan
# "1..N"): cmocka does when asked to, and the shell tests do by hand. Counting the lines of the
# plan catches the test that died before it could report, and the last line is always true:
#
#   N passed, N failed, N skipped
#
# Every skip and its reason are a line of build/tests/skips, for those who hold them to a budget (.ci/run).
#
# Usage: tests/run.sh TEST... ; programs, shell tests and .cli files, several at a time; each leaves its output in
# build/tests/logs.
set -eu
[ $# -gt 0 ] || { echo 'tests/run.sh: no tests given' >&2; exit 2; }
logs=build/tests/logs
rm -rf $logs build/tests/closing_line && mkdir -p $logs && : >build/tests/skips

# Tests leave nothing behind, not even those that are killed; what a killed run left is a day old.
find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'headroom-tests-*' -user "$(id -un)" -mtime +0 \
    -exec rm -rf {} + 2>/dev/null || :
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/headroom-tests-XXXXXX")
chmod 755 "$TMPDIR" # some tests become another user
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT TERM

# One more than cores, for a fifth of the time of some is waiting. Asked before OMP_NUM_THREADS is set, which
# nproc believes.
jobs=$(($(nproc 2>/dev/null || echo 2) + 1))
export CMOCKA_MESSAGE_OUTPUT=TAP
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 # as a sweep sets them for its trials
export HEADROOM_CACHE= # no data set of a test ends in the user's cache
# A log's name is the test's, its last line the exit status.
# shellcheck disable=SC2016 # expanded by the inner shell
printf '%s\n' "$@" | xargs -P "$jobs" -I{} sh -c '
    log='$logs'/$(echo "$1" | sed "s,^build/,,; s,/,_,g").log
    under=
    case $1 in
    build-arm64/*) under=qemu-aarch64 ;; # with libraries of QEMU_LD_PREFIX
    *.cli) under=tests/harness/cli/test_cli.sh ;;
    esac
    status=0; $under "./$1" >"$log" 2>&1 </dev/null || status=$?
    printf "\nexit %s %s\n" "$status" "$1" >>"$log"' run {}

# What stands before a result belongs to it: the reason of a skip, the talk of a failure. After a
# failed result cmocka adds "#" lines that say where. A line "#| ..." is shown whatever the results are.
awk '
    FNR == 1                  { plan = -1; seen = bad = 0; talk = reason = ""; name = FILENAME
                                sub(/.*\//, "", name); sub(/\.log$/, "", name) }
    /^1\.\.[0-9]+$/           { plan = substr($0, 4) + 0; next }
    /^(not )?ok [0-9]+ # SKIP/ { seen++; skipped++; sub(/.*# SKIP /, "")
                                if (talk) reason = talk # or that of the skip before
                                line = reason; gsub(/[ \n]+/, " ", line)
                                print name ": " $0 ":" line >"build/tests/skips"
                                print "SKIP " name ": " $0; printf "%s", talk; talk = ""; next }
    /^not ok [0-9]+/          { seen++; failed++; bad++; sub(/^not ok [0-9]+ (- )?/, "")
                                print "FAIL " name ": " $0; printf "%s", talk; talk = ""; next }
    /^ok [0-9]+/              { seen++; passed++; talk = ""; next }
    /^exit [0-9]+ /           { lost = plan - seen
                                if (plan < 0 || lost < 0) lost = 1
                                if (!lost && !bad && $2 != 0) lost = 1
                                if (lost) {
                                    failed += lost
                                    print "FAIL " name ": " lost " unreported, exit status " $2
                                    printf "%s", talk
                                }
                                next }
    /^#\|/                    { print "    " substr($0, 4); next }
    /^#/ && bad               { print "    " $0; next }
    NF                        { talk = talk "    " $0 "\n" }
    END { closing = sprintf("%d passed, %d failed, %d skipped", passed, failed, skipped)
          print closing
          print closing >"build/tests/closing_line"
          exit failed > 0 }
' $logs/*.log
