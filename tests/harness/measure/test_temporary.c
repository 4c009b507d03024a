/*
 * Temporary folders: where they are, that nothing of them stays, and that only those of dead
 * processes are removed by others.
 */
#include "harness/measure/temporary.h"
#include "tests/harness/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct scratch scratch;

static int open_scratch(void **state) {
    (void)state;
    return scratch_make(&scratch) ? setenv("TMPDIR", scratch.folder, 1) : -1;
}

static int close_scratch(void **state) {
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static void fill(const struct temporary *temporary) {
    char path[640];
    snprintf(path, sizeof path, "%s/file", temporary->path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void a_folder_is_in_tmpdir_and_goes_with_its_files(void **state) {
    (void)state;
    struct temporary temporary;
    struct error error;
    assert_true(temporary_make(&temporary, &error));
    assert_int_equal(strncmp(temporary.path, scratch.folder, strlen(scratch.folder)), 0);
    fill(&temporary);
    assert_int_equal(temporary_remove_left_over(), 0); /* it is in use */
    char path[512];
    strcpy(path, temporary.path);
    temporary_remove(&temporary);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_folder_of_a_killed_process_is_removed(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct temporary temporary;
        struct error error;
        if (!temporary_make(&temporary, &error)) _exit(1);
        fill(&temporary);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(temporary_remove_left_over(), 1);
    assert_int_equal(rmdir(scratch.folder), 0); /* it is empty */
    assert_int_equal(mkdir(scratch.folder, 0700), 0);
}

static void a_folder_of_another_name_or_with_folders_stays(void **state) {
    (void)state;
    static const char *const names[] = {"headroom-test-abcdef", "headroom-run-abcdef",
                                        "headroom-run-abcdef/inside"};
    char path[160];
    for (int i = 0; i < 3; i++)
        assert_int_equal(mkdir(scratch_path(&scratch, names[i], path, sizeof path), 0700), 0);
    temporary_remove_left_over();
    for (int i = 0; i < 3; i++)
        assert_int_equal(access(scratch_path(&scratch, names[i], path, sizeof path), F_OK), 0);
}

static void a_missing_tmpdir_is_named(void **state) {
    (void)state;
    struct temporary temporary;
    struct error error;
    setenv("TMPDIR", "/nonexistent", 1);
    assert_false(temporary_make(&temporary, &error));
    assert_string_equal(error.text, "no folder in /nonexistent: No such file or directory");
    assert_int_equal(temporary_remove_left_over(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_in_tmpdir_and_goes_with_its_files),
        cmocka_unit_test(a_folder_of_a_killed_process_is_removed),
        cmocka_unit_test(a_folder_of_another_name_or_with_folders_stays),
        cmocka_unit_test(a_missing_tmpdir_is_named),
    };
    return cmocka_run_group_tests(tests, open_scratch, close_scratch);
}
