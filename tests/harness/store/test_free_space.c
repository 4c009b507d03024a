/*
 * A disk that is nearly full is told before anything is written to it. How full it is, the test says
 * itself: its statvfs stands before the C library's.
 */
#include "harness/store/store.h"
#include "tests/harness/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What is free whenever somebody asks, in blocks of 4 KiB, and how often somebody did. */
static unsigned long free_blocks[2];
static int n_asked;

int statvfs(const char *restrict file, struct statvfs *restrict buf) {
    (void)file;
    memset(buf, 0, sizeof *buf);
    buf->f_bsize = 1 << 20; /* what is best to read at once: no unit of the rest */
    buf->f_frsize = 4096;
    buf->f_bavail = free_blocks[n_asked++ > 0];
    buf->f_bfree = buf->f_bavail + 100000; /* of which only root may have the rest */
    return 0;
}

static bool opens(unsigned long at_first, unsigned long later, struct error *error) {
    struct scratch scratch;
    struct store *store = NULL;
    char path[160];
    assert_true(scratch_make(&scratch));
    scratch_path(&scratch, "results.db", path, sizeof path);
    free_blocks[0] = at_first;
    free_blocks[1] = later;
    n_asked = 0;
    bool ok = store_open(path, &store, error);
    store_close(store);
    unlink(path);
    scratch_remove(&scratch);
    return ok;
}

/* 16 MiB are 4096 blocks. */
static void a_disk_without_room_for_a_trial_is_told_when_the_database_is_opened(void **state) {
    struct error error = {0};
    (void)state;
    assert_false(opens(4095, 4095, &error));
    assert_non_null(strstr(error.text, "is nearly full (16380 KiB left, 16 MiB needed)"));
    assert_true(opens(4096, 4096, &error));
}

static void a_new_database_that_takes_the_last_room_is_told(void **state) {
    struct error error = {0};
    (void)state;
    assert_false(opens(4096, 0, &error));
    assert_non_null(strstr(error.text, "is nearly full (0 KiB left, 16 MiB needed)"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_without_room_for_a_trial_is_told_when_the_database_is_opened),
        cmocka_unit_test(a_new_database_that_takes_the_last_room_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
