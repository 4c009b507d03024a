/*
 * Peak memory: that it rises and can be reset here, that a large parent does not show in its child,
 * and that strange files give a reason instead of a number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/measure/memory.h"
#include "tests/temporary.h"

#define MEGABYTE ((int64_t)1 << 20)

static void *touch(int64_t size) {
    void *memory =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    memset(memory, 1, (size_t)size);
    return memory;
}

/* The peak of this process, or a skipped test where the kernel does not tell. */
static int64_t peak_or_skip(void) {
    char reason[160];
    int64_t peak = memory_peak_resident(reason, sizeof reason);
    if (peak < 0) {
        print_message("SKIP: %s\n", reason);
        skip();
    }
    assert_string_equal(reason, "");
    return peak;
}

static void peak_holds_what_was_freed_until_it_is_reset(void **state) {
    (void)state;
    char reason[160];
    int64_t before = peak_or_skip();
    munmap(touch(64 * MEGABYTE), (size_t)(64 * MEGABYTE));
    int64_t held = peak_or_skip();
    assert_true(held - before > 50 * MEGABYTE);
    if (!memory_reset_peak(reason, sizeof reason)) {
        print_message("SKIP: %s\n", reason);
        skip();
    }
    assert_true(held - peak_or_skip() > 50 * MEGABYTE);
}

/* wait4() says 300 MB here (ru_maxrss survives exec); the child's own VmHWM does not. */
static void large_parent_does_not_show_in_the_child(void **state) {
    (void)state;
    int pipe_ends[2];
    long long reported = 0;
    peak_or_skip();
    void *large = touch(300 * MEGABYTE);
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipe_ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", "test_memory", "report-peak", (char *)NULL);
        _exit(127);
    }
    close(pipe_ends[1]);
    FILE *answer = fdopen(pipe_ends[0], "r");
    assert_non_null(answer);
    assert_int_equal(fscanf(answer, "%lld", &reported), 1);
    fclose(answer);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    munmap(large, (size_t)(300 * MEGABYTE));
    assert_true(reported > 0);
    assert_true(reported < 100 * MEGABYTE);
}

static int64_t peak_of_text(const char *text, char *reason, size_t size) {
    char path[64];
    int file = mkstemp(temporary_template(path, sizeof path));
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
    int64_t peak = memory_peak_resident_at(path, reason, size);
    unlink(path);
    return peak;
}

static void status_file_is_read_in_kilobytes(void **state) {
    (void)state;
    char reason[160];
    assert_int_equal(peak_of_text("Name:\tx\nVmHWM:\t    1788 kB\nVmRSS:\t 5 kB\n", reason, 160),
                     1788 * 1024);
    assert_string_equal(reason, "");
}

static void unreadable_peak_is_minus_one_with_a_reason(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "Name:\tx\n",
        "VmHWM:\n",
        "VmHWM:\t many kB\n",
        "VmHWM:\t 0 kB\n",
        "VmHWM:\t -5 kB\n",
        "VmHWM:\t 5 MB\n",
        "VmHWM:\t 99999999999999999999 kB\n",
        "VmHWM:\t 9223372036854775807 kB\n",
        "VmHWMx:\t 5 kB\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char reason[160] = "";
        assert_int_equal(peak_of_text(texts[i], reason, sizeof reason), -1);
        assert_non_null(strstr(reason, "VmHWM"));
    }
    char reason[160] = "";
    assert_int_equal(memory_peak_resident_at("/nowhere/status", reason, sizeof reason), -1);
    assert_non_null(strstr(reason, "/nowhere/status"));
}

static void peak_that_cannot_be_reset_says_so(void **state) {
    (void)state;
    char reason[160] = "";
    assert_false(memory_reset_peak_at("/nowhere/clear_refs", reason, sizeof reason));
    assert_non_null(strstr(reason, "/nowhere/clear_refs"));
}

/* What an earlier stretch needed does not count. A huge page is one fault of 2 MiB. */
static void a_stretch_has_its_own_peak_and_page_faults(void **state) {
    (void)state;
    const int64_t sizes[2] = {48 * MEGABYTE, 8 * MEGABYTE};
    struct memory_phase phase[2];
    int64_t peak[2], faults[2];
    for (int i = 0; i < 2; i++) {
        memory_phase_start(&phase[i]);
        if (phase[i].reason[0]) {
            print_message("SKIP: %s\n", phase[i].reason);
            skip();
        }
        void *memory = touch(sizes[i]);
        peak[i] = memory_phase_end(&phase[i], &faults[i]);
        munmap(memory, (size_t)sizes[i]);
        assert_true(peak[i] >= phase[i].resident + sizes[i] - MEGABYTE);
        assert_true(faults[i] >= sizes[i] / (2 * MEGABYTE));
    }
    assert_true(peak[1] < peak[0] - 20 * MEGABYTE);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "report-peak") == 0) {
        char reason[160];
        printf("%lld\n", (long long)memory_peak_resident(reason, sizeof reason));
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peak_holds_what_was_freed_until_it_is_reset),
        cmocka_unit_test(large_parent_does_not_show_in_the_child),
        cmocka_unit_test(status_file_is_read_in_kilobytes),
        cmocka_unit_test(unreadable_peak_is_minus_one_with_a_reason),
        cmocka_unit_test(peak_that_cannot_be_reset_says_so),
        cmocka_unit_test(a_stretch_has_its_own_peak_and_page_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
