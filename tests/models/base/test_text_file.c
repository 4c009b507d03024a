/*
 * Files as text: plain and gzip alike, broken ones refused by name and line.
 */
#include "tests/workloads/data/files.h"
#include "models/base/packed_file.h"
#include "models/base/sha256.h"
#include "models/base/text_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct error error;

static void expect_refusal(const char *name, enum text_encoding encoding, const char *part) {
    struct text_file file;
    memset(&error, 0, sizeof error);
    assert_false(text_file_read(files_path(name), encoding, &file, &error));
    if (!strstr(files_message(&error), part))
        fail_msg("expected '%s' in '%s'", part, files_message(&error));
}

/* Text that does not compress, so that a cut gzip file ends inside the deflate stream. */
static void fill(char *text, size_t size) {
    uint32_t x = 1;
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525u + 1013904223u;
        text[i] = (char)('a' + (x >> 24) % 26);
    }
}

static void gzip_and_plain_read_the_same(void **state) {
    (void)state;
    static char text[600000]; /* more than two read chunks */
    fill(text, sizeof text);
    files_write_bytes("plain.txt", text, sizeof text);
    files_write_gzip("packed.txt.gz", text, sizeof text);
    struct text_file plain, packed;
    assert_true(text_file_read(files_path("plain.txt"), ENCODING_UTF_8, &plain, &error));
    assert_true(text_file_read(files_path("packed.txt.gz"), ENCODING_UTF_8, &packed, &error));
    assert_int_equal(plain.size, sizeof text);
    assert_int_equal(packed.size, sizeof text);
    assert_memory_equal(plain.data, text, sizeof text);
    assert_memory_equal(packed.data, text, sizeof text);
    text_file_free(&plain);
    text_file_free(&packed);
}

static void a_truncated_gzip_is_refused_wherever_it_is_cut(void **state) {
    (void)state;
    char text[4000];
    unsigned char packed[8000];
    fill(text, sizeof text);
    files_write_gzip("whole.gz", text, sizeof text);
    FILE *file = fopen(files_path("whole.gz"), "rb");
    assert_non_null(file);
    size_t size = fread(packed, 1, sizeof packed, file);
    fclose(file);
    for (size_t cut = 0; cut < size; cut += cut < 20 || cut + 12 > size ? 1 : 97) {
        files_write_bytes("cut.gz", packed, cut);
        expect_refusal("cut.gz", ENCODING_UTF_8, "cut.gz");
    }
    files_write_bytes("cut.gz", packed, size - 1);
    expect_refusal("cut.gz", ENCODING_UTF_8, "truncated");
    packed[size / 2] ^= 0x55;
    files_write_bytes("cut.gz", packed, size);
    expect_refusal("cut.gz", ENCODING_UTF_8, "cut.gz");
}

/* Two members and what stands between, before or behind them. */
static size_t members(unsigned char *out, const char *first, const char *second) {
    const char *const text[] = {first, second};
    size_t size = 0;
    for (int i = 0; i < 2; i++) {
        files_write_gzip("member.gz", text[i], strlen(text[i]));
        FILE *file = fopen(files_path("member.gz"), "rb");
        assert_non_null(file);
        size += fread(out + size, 1, 400, file);
        fclose(file);
    }
    return size;
}

static void what_follows_a_member_is_another_one_or_zeros(void **state) {
    (void)state;
    unsigned char bytes[2000] = {0};
    struct text_file file;
    size_t size = members(bytes, "one\n", "two\n");
    files_write_bytes("members.gz", bytes, size + 512); /* zeros, as from a tape */
    assert_true(text_file_read(files_path("members.gz"), ENCODING_UTF_8, &file, &error));
    assert_string_equal(file.data, "one\ntwo\n");
    text_file_free(&file);
    bytes[size + 511] = 'x';
    files_write_bytes("members.gz", bytes, size + 512);
    expect_refusal("members.gz", ENCODING_UTF_8, "after 8 unpacked bytes come 1 that are neither");
    size_t second = size / 2; /* both are of the same length */
    assert_int_equal(bytes[second], 0x1f);
    for (size_t bit = 0; bit < 16; bit++) {
        bytes[second + bit / 8] ^= (unsigned char)(1 << bit % 8);
        files_write_bytes("members.gz", bytes, size);
        expect_refusal("members.gz", ENCODING_UTF_8, "neither gzip nor zeros");
        bytes[second + bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    bytes[second + 2] ^= 1; /* a method that there is not */
    files_write_bytes("members.gz", bytes, size);
    expect_refusal("members.gz", ENCODING_UTF_8, "damaged");
}

static void what_is_endless_or_waits_is_never_read(void **state) {
    (void)state;
    static const char *const names[] = {"pipe", "zero", "sparse", "sparse.gz"};
    struct sha256 hash;
    assert_int_equal(mkfifo(files_path("pipe"), 0600), 0);
    assert_int_equal(symlink("/dev/zero", files_path("zero")), 0);
    files_write("sparse", "a\n");
    assert_int_equal(truncate(files_path("sparse"), (off_t)1 << 40), 0);
    assert_int_equal(symlink("sparse", files_path("sparse.gz")), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *part = i < 2 ? "not a regular file" : "holds more than";
        expect_refusal(names[i], ENCODING_UTF_8, part);
        sha256_start(&hash);
        assert_false(text_file_hash(files_path(names[i]), &hash, &error));
        assert_non_null(strstr(error.text, part));
    }
}

/* Ten packed bytes may be ten thousand: both are counted. What is as large as may be is read. */
static void a_bomb_ends_where_too_much_is_unpacked(void **state) {
    (void)state;
    enum { PLAIN = 3 << 20, MOST = PLAIN };
    char *text = calloc(1, PLAIN + 1), *data;
    size_t size;
    assert_non_null(text);
    for (int more = 0; more < 2; more++) {
        files_write_gzip("bomb.gz", text, (size_t)PLAIN + (size_t)more);
        bool ok = packed_file_read(files_path("bomb.gz"), MOST, &data, &size, &error);
        assert_int_equal(ok, !more);
        assert_int_equal(size, more ? 0 : PLAIN);
        free(data);
    }
    assert_non_null(strstr(files_message(&error), "bomb.gz holds more than 3 MiB; split it"));
    free(text);
}

static void what_is_no_text_is_refused(void **state) {
    (void)state;
    files_write("named.gz", "not packed at all\n");
    expect_refusal("named.gz", ENCODING_UTF_8, "is not a gzip file");
    files_write("empty.txt", "");
    expect_refusal("empty.txt", ENCODING_UTF_8, "is empty");
    expect_refusal("absent.txt", ENCODING_UTF_8, "No such file");
    expect_refusal(".", ENCODING_UTF_8, "folder");
    files_write_bytes("nul.txt", "a\nb\0c\n", 6);
    expect_refusal("nul.txt", ENCODING_ISO_8859_1, "nul.txt:2: NUL byte");
}

static void utf_16_names_the_command_that_converts_it(void **state) {
    (void)state;
    files_write_bytes("wide.txt",
                      "\xff\xfe"
                      "a\0\n\0",
                      6);
    expect_refusal("wide.txt", ENCODING_UTF_8, "iconv -f UTF-16 -t UTF-8");
    files_write_bytes("wide.txt", "\0a\0\n", 4);
    expect_refusal("wide.txt", ENCODING_WINDOWS_1252, "iconv -f UTF-16BE -t UTF-8");
}

static bool has_lines(const char *text) {
    struct text_file file;
    files_write("lines.txt", text);
    assert_true(text_file_read(files_path("lines.txt"), ENCODING_UTF_8, &file, &error));
    bool ok = text_file_check_lines(&file, &error);
    text_file_free(&file);
    return ok;
}

static void lines_that_carriage_returns_end_are_refused(void **state) {
    (void)state;
    assert_true(has_lines("a\r\nb\r\n"));
    assert_true(has_lines("one line"));
    assert_true(has_lines("one line\r"));
    assert_true(has_lines("a\rb\n"));
    assert_false(has_lines("a\rb\r"));
    assert_int_equal(error.at.line, 1);
    assert_non_null(strstr(error.text, "tr '\\r' '\\n'"));
}

static void invalid_utf_8_names_its_line_and_the_fix(void **state) {
    (void)state;
    static const char *const bad[] = {"\xe9t\xe9",        "\xc0\x80",    "\xed\xa0\x80",
                                      "\xf5\x80\x80\x80", "\xe2\x82",    "\x80",
                                      "\xf0\x80\x80\x80", "\xe0\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[32];
        snprintf(text, sizeof text, "one\ntwo\n%s\n", bad[i]);
        files_write("latin.txt", text);
        expect_refusal("latin.txt", ENCODING_UTF_8, "latin.txt:3: byte 0x");
        assert_non_null(strstr(error.text, "set encoding: iso-8859-1"));
    }
}

static void iso_8859_1_becomes_utf_8(void **state) {
    (void)state;
    files_write("latin.txt", "sister\xadity \xc9t\xe9\n");
    struct text_file file;
    assert_true(text_file_read(files_path("latin.txt"), ENCODING_ISO_8859_1, &file, &error));
    assert_string_equal(file.data, "sister\xc2\xadity \xc3\x89t\xc3\xa9\n");
    assert_int_equal(file.size, strlen(file.data));
    text_file_free(&file);
}

static void windows_1252_becomes_utf_8(void **state) {
    (void)state;
    files_write("windows.txt", "\x80 \x93no\x94 \xe9\n");
    struct text_file file;
    assert_true(text_file_read(files_path("windows.txt"), ENCODING_WINDOWS_1252, &file, &error));
    assert_string_equal(file.data, "\u20ac \u201cno\u201d \u00e9\n");
    assert_int_equal(file.size, strlen(file.data));
    text_file_free(&file);
    files_write("windows.txt", "good\nb\x81"
                               "d\n");
    expect_refusal("windows.txt", ENCODING_WINDOWS_1252,
                   "windows.txt:2: byte 0x81 is no character of windows-1252");
}

static void a_byte_order_mark_is_dropped(void **state) {
    (void)state;
    files_write("bom.txt", "\xef\xbb\xbf"
                           "a b\n");
    struct text_file file;
    assert_true(text_file_read(files_path("bom.txt"), ENCODING_UTF_8, &file, &error));
    assert_string_equal(file.data, "a b\n");
    text_file_free(&file);
}

static void a_plain_file_is_found_before_its_archive(void **state) {
    (void)state;
    char path[512];
    assert_false(text_file_find(files_folder, "both", path, sizeof path));
    files_write_gzip("both.gz", "b", 1);
    assert_true(text_file_find(files_folder, "both", path, sizeof path));
    assert_string_equal(path, files_path("both.gz"));
    files_write("both", "a");
    assert_true(text_file_find(files_folder, "both", path, sizeof path));
    assert_string_equal(path, files_path("both"));
}

static void an_absolute_path_is_taken_as_it_is(void **state) {
    (void)state;
    char path[512];
    files_write("absolute", "a");
    assert_true(text_file_find("elsewhere", files_path("absolute"), path, sizeof path));
    assert_string_equal(path, files_path("absolute"));
    assert_false(text_file_find("elsewhere", "absolute", path, sizeof path));
    assert_false(text_file_find(files_folder, "absolute", path, strlen(files_path("absolute"))));
}

static void lines_are_handed_out_with_their_place(void **state) {
    (void)state;
    static const char *const lines[] = {"a", "", "b\r", "c"};
    for (int newline = 0; newline < 2; newline++) { /* the last line may lack its own */
        struct text_file file;
        struct text_line line = {0};
        files_write("lines", newline ? "a\n\nb\r\nc\n" : "a\n\nb\r\nc");
        assert_true(text_file_read(files_path("lines"), ENCODING_UTF_8, &file, &error));
        for (int i = 0; i < 4; i++) {
            assert_true(text_file_next_line(&file, &line));
            assert_int_equal(line.size, strlen(lines[i]));
            assert_memory_equal(line.data, lines[i], line.size);
            assert_string_equal(line.at.file, files_path("lines"));
            assert_int_equal(line.at.line, i + 1);
        }
        assert_false(text_file_next_line(&file, &line));
        text_file_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_and_plain_read_the_same),
        cmocka_unit_test(a_truncated_gzip_is_refused_wherever_it_is_cut),
        cmocka_unit_test(what_follows_a_member_is_another_one_or_zeros),
        cmocka_unit_test(what_is_endless_or_waits_is_never_read),
        cmocka_unit_test(a_bomb_ends_where_too_much_is_unpacked),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(utf_16_names_the_command_that_converts_it),
        cmocka_unit_test(lines_that_carriage_returns_end_are_refused),
        cmocka_unit_test(invalid_utf_8_names_its_line_and_the_fix),
        cmocka_unit_test(iso_8859_1_becomes_utf_8),
        cmocka_unit_test(windows_1252_becomes_utf_8),
        cmocka_unit_test(a_byte_order_mark_is_dropped),
        cmocka_unit_test(a_plain_file_is_found_before_its_archive),
        cmocka_unit_test(an_absolute_path_is_taken_as_it_is),
        cmocka_unit_test(lines_are_handed_out_with_their_place),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
