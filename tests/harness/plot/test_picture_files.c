/*
 * Which files belong to a figure, and when its pictures are those of its data.
 */
#include "harness/plot/picture_files.h"
#include "tests/harness/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct scratch scratch;
    struct picture_files files;
};

static int setup(void **state) {
    static struct fixture fixture;
    struct error error = {0};
    char out[128], db[128];
    assert_true(scratch_make(&fixture.scratch));
    scratch_path(&fixture.scratch, "out", out, sizeof out);
    scratch_path(&fixture.scratch, "r.db", db, sizeof db);
    assert_true(picture_files_open(out, db, &fixture.files, &error));
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    picture_files_close(&f->files);
    scratch_remove(&f->scratch);
    return 0;
}

static bool is_there(const struct fixture *f, const char *name) {
    char path[160];
    return access(scratch_path(&f->scratch, name, path, sizeof path), F_OK) == 0;
}

static void figures_lie_beside_the_database_unless_told_otherwise(void **state) {
    struct fixture *f = *state;
    struct picture_files files;
    struct error error = {0};
    char db[128], expected[128], real[4096];
    scratch_path(&f->scratch, "r.db", db, sizeof db);
    assert_true(picture_files_open(NULL, db, &files, &error));
    assert_non_null(
        realpath(scratch_path(&f->scratch, "figures", expected, sizeof expected), real));
    assert_string_equal(files.folder, real);
    assert_true(is_there(f, "figures/data"));
    picture_files_close(&files);
    scratch_path(&f->scratch, "a/b", expected, sizeof expected);
    assert_false(picture_files_open(expected, db, &files, &error));
    assert_non_null(strstr(error.text, "--out"));
}

static void a_folder_is_for_one_process_at_a_time(void **state) {
    struct fixture *f = *state;
    char data[160];
    int other = open(scratch_path(&f->scratch, "out/data", data, sizeof data), O_RDONLY);
    assert_true(other >= 0);
    assert_int_not_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    picture_files_close(&f->files);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    close(other);
}

static void pages_from_the_second_on_have_numbers(void **state) {
    struct fixture *f = *state;
    const struct {
        size_t page;
        const char *ending, *path;
    } cases[] = {{0, "svg", "/name.svg"},
                 {0, "dat", "/data/name.dat"},
                 {1, "png", "/name-2.png"},
                 {11, "gnuplot", "/data/name-12.gnuplot"},
                 {1, "svg.part", "/data/name-2.svg.part"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = picture_files_path(&f->files, "name", cases[i].page, cases[i].ending);
        assert_string_equal(path + strlen(f->files.folder), cases[i].path);
        free(path);
    }
}

static void pages_too_many_are_removed_and_files_of_others_stay(void **state) {
    struct fixture *f = *state;
    struct error error = {0};
    static const char *const kept[] = {
        "out/name.svg",  "out/data/name.dat",  "out/name-2.png",  "out/name-more.svg",
        "out/names.svg", "out/name-3.svg.bak", "out/other-3.svg", "out/data/name-2.gnuplot"};
    /* A user's own. */
    static const char *const foreign[] = {
        "out/name.csv",        "out/name.gp",       "out/name-3.txt",
        "out/name-1.svg",      "out/name-3.dat",    "out/name.drawn",
        "out/data/name-3.svg", "out/data/name.png", "out/data/name.csv"};
    static const char *const removed[] = {"out/name-3.svg", "out/name-3.png", "out/name-3.pdf",
                                          "out/name-12.svg", "out/data/name-3.gnuplot"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) scratch_write(&f->scratch, kept[i], "");
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        scratch_write(&f->scratch, foreign[i], "");
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++)
        scratch_write(&f->scratch, removed[i], "");
    assert_true(picture_files_remove(&f->files, "name", 2, &error));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) assert_true(is_there(f, kept[i]));
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++)
        assert_false(is_there(f, removed[i]));
    assert_true(picture_files_remove(&f->files, "name", 0, &error));
    assert_false(is_there(f, "out/name.svg"));
    assert_false(is_there(f, "out/data/name.dat"));
    assert_true(is_there(f, "out/names.svg"));
    assert_true(is_there(f, "out/name-more.svg"));
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        assert_true(is_there(f, foreign[i]));
}

static void pictures_are_of_their_data_while_signed_and_there(void **state) {
    struct fixture *f = *state;
    struct error error = {0};
    char hash[65], other[65], path[160];
    memset(hash, 'a', 64);
    memset(other, 'b', 64);
    hash[64] = other[64] = '\0';
    assert_false(picture_files_are_of(&f->files, "n", 1, hash));
    assert_true(picture_files_sign(&f->files, "n", hash, &error));
    assert_false(picture_files_are_of(&f->files, "n", 1, hash)); /* no picture; signature removed */
    scratch_write(&f->scratch, "out/n.svg", "");
    scratch_write(&f->scratch, "out/n.png", "");
    assert_true(picture_files_sign(&f->files, "n", hash, &error));
    f->files.format = "png";
    assert_true(picture_files_are_of(&f->files, "n", 1, hash));
    f->files.format = "pdf";
    assert_false(picture_files_are_of(&f->files, "n", 1, hash));
    f->files.format = NULL;
    assert_true(picture_files_sign(&f->files, "n", hash, &error));
    assert_false(picture_files_are_of(&f->files, "n", 1, hash)); /* no PDF */
    scratch_write(&f->scratch, "out/n.pdf", "");
    assert_false(picture_files_are_of(&f->files, "n", 1, hash));
    assert_true(picture_files_sign(&f->files, "n", hash, &error));
    assert_true(picture_files_are_of(&f->files, "n", 1, hash));
    assert_false(picture_files_are_of(&f->files, "n", 2, hash));
    assert_true(picture_files_sign(&f->files, "n", hash, &error));
    assert_false(picture_files_are_of(&f->files, "n", 1, other));
    assert_false(picture_files_are_of(&f->files, "n", 1, hash));
    assert_int_not_equal(
        access(scratch_path(&f->scratch, "out/data/n.drawn", path, sizeof path), F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(figures_lie_beside_the_database_unless_told_otherwise,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_is_for_one_process_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_from_the_second_on_have_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_too_many_are_removed_and_files_of_others_stay, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(pictures_are_of_their_data_while_signed_and_there, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
