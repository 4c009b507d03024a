/*
 * Who else wants to run while times are taken: neighbours, but neither the process that times nor
 * the sweep that handed it its turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/measure/process.h"
#include "harness/measure/turn.h"
#include "tests/harness/measure/machine.h"

/* What is counted on a machine whose kernel says that so many threads run. */
static int others(const char *loadavg, pid_t sweep) {
    char root[64];
    machine_open(root);
    if (loadavg) machine_add(root, "/proc/loadavg", loadavg);
    int n = turn_others_running_beside(root, sweep);
    machine_close(root);
    return n;
}

/* A process that wants to run (R), sleeps (S) or was stopped (T): what a sweep may be doing. */
static pid_t start_process(char wanted) {
    struct process process = {0};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(600); /* should the test be killed */
        if (wanted == 'T') raise(SIGSTOP);
        if (wanted == 'S') pause();
        for (volatile unsigned i = 0;; i++) {
        }
    }
    while (process.state != wanted) assert_true(process_read(pid, &process));
    return pid;
}

static void end_process(pid_t pid) {
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void neighbours_are_counted_and_the_process_itself_is_not(void **state) {
    (void)state;
    assert_int_equal(others("0.20 0.18 0.12 1/80 11206\n", 0), 0);
    assert_int_equal(others("0.20 0.18 0.12 3/80 11206\n", 0), 2);
}

/* On one core the sweep still wants to run when the process that it continued reads this. */
static void sweep_that_is_about_to_wait_is_no_neighbour(void **state) {
    (void)state;
    pid_t sweep = start_process('R');
    assert_int_equal(others("0.20 0.18 0.12 2/80 11206\n", sweep), 0);
    assert_int_equal(others("0.20 0.18 0.12 4/80 11206\n", sweep), 2);
    end_process(sweep);
}

static void sweep_that_waits_is_not_taken_away_from_the_neighbours(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        pid_t sweep = start_process("ST"[i]);
        assert_int_equal(others("0.20 0.18 0.12 2/80 11206\n", sweep), 1);
        end_process(sweep);
    }
}

static void where_the_kernel_does_not_tell_it_is_unknown(void **state) {
    (void)state;
    assert_int_equal(others(NULL, 0), -1);
    assert_int_equal(others("none\n", 0), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_counted_and_the_process_itself_is_not),
        cmocka_unit_test(sweep_that_is_about_to_wait_is_no_neighbour),
        cmocka_unit_test(sweep_that_waits_is_not_taken_away_from_the_neighbours),
        cmocka_unit_test(where_the_kernel_does_not_tell_it_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
