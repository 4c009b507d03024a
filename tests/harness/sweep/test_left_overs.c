/*
 * What killed processes left is removed, and nothing that is in use, finished, or somebody else's.
 */
#include "harness/sweep/left_overs.h"
#include "tests/harness/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

static const char *const dead[] = {
    "checkpoints/0123456789abcdef.safetensors.draft-abcdef",
    "checkpoints/0123456789abcdef.safetensors.candidate-2",
    "checkpoints/0123456789abcdef.safetensors.candidate-3.draft-abcdef",
};
static const char *const kept[] = {
    "checkpoints/0123456789abcdef.safetensors",
    "checkpoints/0123456789abcdef.safetensors.backup",
    "checkpoints/0123456789abcdef.safetensors.1",
    "checkpoints/my.safetensors.draft-abcdef",
    "checkpoints/fedcba9876543210.safetensors.draft-abcdef", /* its lock is held */
};
enum { DEAD = sizeof dead / sizeof *dead, KEPT = sizeof kept / sizeof *kept };

static void only_what_no_process_can_be_writing_is_removed(void **state) {
    (void)state;
    struct scratch scratch;
    struct store *store;
    struct error error;
    char path[160];
    assert_true(scratch_make(&scratch));
    setenv("TMPDIR", scratch.folder, 1);
    assert_int_equal(mkdir(scratch_path(&scratch, "checkpoints", path, sizeof path), 0700), 0);
    assert_int_equal(mkdir(scratch_path(&scratch, "locks", path, sizeof path), 0700), 0);
    for (int i = 0; i < DEAD; i++) assert_true(scratch_write(&scratch, dead[i], ""));
    for (int i = 0; i < KEPT; i++) assert_true(scratch_write(&scratch, kept[i], ""));

        /* One lock is held, as by a trial of another database in this folder; one was left. */
#define REST "000000000000000000000000000000000000000000000000.lock"
    static const char held[] = "locks/fedcba9876543210" REST;
    static const char left[] = "locks/0123456789abcdef" REST;
    assert_true(scratch_write(&scratch, left, "") && scratch_write(&scratch, held, ""));
    int file = open(scratch_path(&scratch, held, path, sizeof path), O_RDWR | O_CLOEXEC);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(file, F_OFD_SETLK, &whole), 0);

    scratch_path(&scratch, "r.db", path, sizeof path);
    assert_true(store_open(path, &store, &error));
    assert_int_equal(left_overs_remove(store, path), DEAD);
    for (int i = 0; i < DEAD; i++)
        assert_int_equal(access(scratch_path(&scratch, dead[i], path, sizeof path), F_OK), -1);
    for (int i = 0; i < KEPT; i++)
        assert_int_equal(access(scratch_path(&scratch, kept[i], path, sizeof path), F_OK), 0);
    close(file);
    scratch_path(&scratch, "r.db", path, sizeof path);
    assert_int_equal(left_overs_remove(store, path), 1);
    store_close(store);
    scratch_remove(&scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_no_process_can_be_writing_is_removed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
