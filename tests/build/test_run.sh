#!/bin/sh
# tests/run.sh on tests that pass, fail, skip and die: its closing line and exit status are what CI
# believes.
. tests/build/tap.sh

run_tests() { # expected exit status, closing line
    status=0
    (cd "$scratch" && "$root/tests/run.sh" test_*) >"$scratch/said" 2>&1 || status=$?
    cat "$scratch/said"
    [ $status = "$1" ] && [ "$(tail -n 1 "$scratch/said")" = "$2" ]
}

passes_are_added_up_over_programs() {
    fake_program "$scratch/test_a" 'echo 1..2; echo ok 1 - x; echo ok 2 - y'
    fake_program "$scratch/test_b" 'echo 1..1; echo talk; echo ok 1 - z'
    run_tests 0 '3 passed, 0 failed, 0 skipped'
}

failure_is_named_with_its_talk() {
    fake_program "$scratch/test_a" 'echo 1..2; echo quiet; echo ok 1 - x; echo loud; echo not ok 2 - y
        echo "# line 7"; exit 1'
    run_tests 1 '1 passed, 1 failed, 0 skipped'
    grep -q 'FAIL test_a: y' "$scratch/said"
    grep -q loud "$scratch/said"
    grep -q 'line 7' "$scratch/said"
    ! grep -q quiet "$scratch/said" || return 1
}

skip_is_named_with_its_reason() {
    fake_program "$scratch/test_a" 'echo 1..1; echo no such hardware; echo "not ok 1 # SKIP x"'
    run_tests 0 '0 passed, 0 failed, 1 skipped'
    grep -q 'SKIP test_a: x' "$scratch/said" && grep -q 'no such hardware' "$scratch/said"
}

what_a_test_wants_shown_is_shown_whatever_the_results() {
    fake_program "$scratch/test_a" 'echo 1..1; echo ok 1 - x; echo "#| 12 per input"; echo "# 34"'
    run_tests 0 '1 passed, 0 failed, 0 skipped'
    grep -qx '    12 per input' "$scratch/said" && ! grep -q 34 "$scratch/said"
}

death_fails_what_it_left_unreported() {
    # shellcheck disable=SC2016 # expanded by the fake
    fake_program "$scratch/test_a" 'echo 1..3; echo ok 1 - x; kill -s SEGV $$'
    run_tests 1 '1 passed, 2 failed, 0 skipped'
}

silence_is_a_failure() {
    fake_program "$scratch/test_a" 'exit 0'
    run_tests 1 '0 passed, 1 failed, 0 skipped'
}

bad_exit_after_good_results_is_a_failure() {
    fake_program "$scratch/test_a" 'echo 1..1; echo ok 1 - x; exit 23'
    run_tests 1 '1 passed, 1 failed, 0 skipped'
}

a_cli_file_is_run_by_its_shell_test() {
    mkdir -p "$scratch/tests/harness/cli" && echo 'headroom version' >"$scratch/test_a.cli"
    # shellcheck disable=SC2016 # expanded by the fake
    fake_program "$scratch/tests/harness/cli/test_cli.sh" 'echo 1..1; grep -q headroom "$1" && echo "ok 1 - x"'
    run_tests 0 '1 passed, 0 failed, 0 skipped'
}

behaviours passes_are_added_up_over_programs failure_is_named_with_its_talk \
    skip_is_named_with_its_reason what_a_test_wants_shown_is_shown_whatever_the_results \
    death_fails_what_it_left_unreported silence_is_a_failure \
    bad_exit_after_good_results_is_a_failure a_cli_file_is_run_by_its_shell_test
