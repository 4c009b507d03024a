#!/bin/sh
# Continuous integration itself: the budget of skips on made-up runs, and that a forge runs jobs which there
# are. What the jobs do is `make`'s, and tested there.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}

made_up_budget() {
    printf '%s\n' '# text' '# full plain bare  part of the reason' ' 0 2 2 set DATA' '  1    1 9   no card here' >"$scratch/budget"
}

hold() { # column; skips on standard input
    cat >"$scratch/skips"
    status=0
    .ci/skips.sh "$1" "$scratch/budget" "$scratch/skips" >"$scratch/said" 2>&1 || status=$?
    cat "$scratch/said"
    return $status
}

skips_within_the_budget_pass_and_are_counted_by_reason() {
    made_up_budget
    printf 'test_a: x: no card here, sorry\ntest_b: y: no file; set DATA\ntest_b: z: no file; set DATA\n' | hold plain
    grep -qx '1 of 1 may skip: no card here' "$scratch/said"
    grep -qx '2 of 2 may skip: set DATA' "$scratch/said"
    hold full </dev/null
}

one_skip_more_than_the_budget_fails() {
    made_up_budget
    ! echo 'test_b: y: no file; set DATA' | hold full || return 1
    grep -qx 'more skip than may: set DATA' "$scratch/said"
    ! printf 'a: x: no card here\nb: x: no card here\n' | hold plain || return 1
}

a_skip_for_another_reason_fails() {
    made_up_budget
    ! echo 'test_a: x: I did not feel like it' | hold bare || return 1
    grep -q 'no skip is allowed for this reason: test_a: x: I did not feel like it' "$scratch/said"
}

no_run_and_no_such_column_are_failures() {
    made_up_budget
    ! hold fall </dev/null || return 1
    ! .ci/skips.sh full "$scratch/budget" "$scratch/absent" || return 1
}

# What tests/run.sh leaves is what the budget reads, a skip without words having the reason of the one before.
reasons_of_a_run_are_what_is_held_to_the_budget() {
    mkdir -p "$scratch/run/build/tests" && cp tests/run.sh "$scratch/run"
    # shellcheck disable=SC2016 # expanded by the fake
    fake_program "$scratch/run/test_a" 'echo 1..3; echo "no card"; echo " here"; echo "ok 1 # SKIP x"; echo "ok 2 # SKIP y"; echo "ok 3 - z"'
    fake_program "$scratch/run/test_b" 'echo 1..1; echo "set DATA"; echo "not ok 1 # SKIP b"'
    (cd "$scratch/run" && ./run.sh test_a test_b) >"$scratch/said"
    printf 'test_a: x: no card here \ntest_a: y: no card here \ntest_b: b: set DATA \n' | diff - "$scratch/run/build/tests/skips"
}

# Every job of the forge is one of .ci/run, and the other way round.
a_forge_runs_the_jobs_that_there_are() {
    sed -n 's/^#   \.ci\/run \[\(.*\)\]$/\1/p' .ci/run | tr '|' '\n' | sort >"$scratch/jobs"
    test -s "$scratch/jobs"
    while read -r job; do grep -qE "^([a-z0-9-]+ \| )*$job\)" .ci/run; done <"$scratch/jobs"
    { sed -n 's/^ *job: \[\(.*\)\]$/\1/p' .github/workflows/ci.yml | tr -d ' ' | tr ',' '\n'
      sed -n 's/^ *- job: //p' .github/workflows/ci.yml; } | sort -u | diff "$scratch/jobs" -
    ! .ci/run no-such-job 2>"$scratch/said" || return 1
    grep -q "there is no job 'no-such-job'" "$scratch/said"
}

behaviours skips_within_the_budget_pass_and_are_counted_by_reason one_skip_more_than_the_budget_fails \
    a_skip_for_another_reason_fails no_run_and_no_such_column_are_failures \
    reasons_of_a_run_are_what_is_held_to_the_budget a_forge_runs_the_jobs_that_there_are
