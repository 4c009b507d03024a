/*
 * Paths beside a file, as text alone.
 */
#include "models/base/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void a_name_is_put_into_the_folder_of_the_file(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"results/a.db", "logs", "results/logs"},
        {"/var/lib/a.db", "logs/1", "/var/lib/logs/1"},
        {"/a.db", "logs", "/logs"},
        {"a.db", "logs", "logs"},
        {"results/a.db", "../b.yaml", "results/../b.yaml"},
        {"results/a.db", "", "results/"},
        {"a.db", "", ""},
        {"results/a.db", "/tmp/b", "/tmp/b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[64];
        assert_true(path_beside(cases[i][0], cases[i][1], path, sizeof path));
        assert_string_equal(path, cases[i][2]);
    }
}

static void a_path_that_does_not_fit_is_refused(void **state) {
    (void)state;
    char path[8];
    assert_true(path_beside("a/b", "12345", path, sizeof path));
    assert_false(path_beside("a/b", "123456", path, sizeof path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_put_into_the_folder_of_the_file),
        cmocka_unit_test(a_path_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
