/*
 * What the way a process ended says: each end once, and a kill beside a machine that has killed
 * something for memory meanwhile, or has not.
 */
#include "harness/sweep/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <limits.h>
#include <signal.h>
#include <string.h>

/* As wait4 writes them: a signal in the low bits, an exit status above them. */
#define EXITED(number) ((number) << 8)

static void expect(const struct process_end *end, const char *status, const char *reason) {
    char text[400];
    assert_string_equal(verdict_of(end, text, sizeof text), status);
    if (strncmp(text, reason, strlen(reason)) != 0) fail_msg("'%s' is not '%s'", text, reason);
}

/* More kills at the start than there can be by now: none came after. Fewer than any number: one did. */
static void a_kill_is_out_of_memory_only_if_the_machine_killed_for_memory(void **state) {
    (void)state;
    const struct process_end calm = {.status = SIGKILL, .oom_kills = LONG_MAX, .last = "epoch 3"};
    const struct process_end short_of_memory = {.status = SIGKILL, .oom_kills = -1, .last = ""};
    const struct process_end crashed = {.status = SIGSEGV, .oom_kills = -1, .last = ""};
    expect(&calm, "killed", "signal 9 (Killed): epoch 3");
    expect(&short_of_memory, "oom", "out of memory, signal 9 (Killed)");
    expect(&crashed, "killed", "signal 11 (Segmentation fault)");
    const struct process_end bounded = {
        .status = SIGKILL, .oom_kills = LONG_MAX, .over = (int64_t)3 << 29, .last = "epoch 3"};
    expect(&bounded, "oom", "out of memory of 1.5 GiB, signal 9 (Killed): epoch 3");
}

static void what_the_sweep_did_itself_comes_first(void **state) {
    (void)state;
    struct process_end end = {.status = SIGKILL, .oom_kills = -1, .last = "", .stopped = true};
    expect(&end, "interrupted", "the sweep was stopped");
    end.stall = 30;
    expect(&end, "timeout", "for 30 s it used no processor time and wrote nothing");
    end.timeout = 600;
    expect(&end, "timeout", "longer than 600 s");
}

static void an_exit_without_a_result_is_a_failure(void **state) {
    (void)state;
    const struct process_end quiet = {.status = EXITED(0), .last = ""};
    const struct process_end loud = {.status = EXITED(3), .last = "no room"};
    expect(&quiet, "failed", "the process ended without storing a result");
    expect(&loud, "failed", "exit status 3: no room");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_is_out_of_memory_only_if_the_machine_killed_for_memory),
        cmocka_unit_test(what_the_sweep_did_itself_comes_first),
        cmocka_unit_test(an_exit_without_a_result_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
