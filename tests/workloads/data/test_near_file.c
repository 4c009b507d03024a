/*
 * Which path was meant by one that is not there.
 */
#include "tests/workloads/data/files.h"
#include "workloads/data/near_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

/* The path below the folder that is found for one below it; "" if none is. */
static const char *near(const char *name) {
    static char out[512];
    return near_file_find(files_path(name), out, sizeof out) ? out + strlen(files_folder) + 1 : "";
}

static void the_part_that_is_misspelt_is_replaced(void **state) {
    (void)state;
    assert_int_equal(mkdir(files_path("tickets"), 0777), 0);
    files_write("tickets/train.csv", "x");
    files_write("tickets/dev.csv.gz", "x");
    files_write("tickets/.trian.csv", "hidden");
    assert_string_equal(near("tickets/trian.csv"), "tickets/train.csv");
    assert_string_equal(near("tickets/train.tsv"), "tickets/train.csv");
    assert_string_equal(near("ticket/train.csv"), "tickets/train.csv");
    assert_string_equal(near("tickets/dve.csv"), "tickets/dev.csv"); /* dev.csv.gz is found by it */
    assert_string_equal(near("ticket/dev.csv"), "tickets/dev.csv");
    assert_string_equal(near("tickets/test.csv"), "");
    assert_string_equal(near("ticket/nothing.csv"), ""); /* two parts are wrong */
    assert_string_equal(near("tickets/train.csv"), "");  /* nothing is */
    assert_string_equal(near(""), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_part_that_is_misspelt_is_replaced)};
    return cmocka_run_group_tests(tests, files_open, files_close);
}
