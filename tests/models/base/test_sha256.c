/*
 * SHA-256 against the vectors that NIST publishes with FIPS 180-4, and against itself in pieces.
 */
#include "models/base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void the_published_vectors_come_out(void **state) {
    (void)state;
    static const struct {
        const char *text, *hex;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
         "lmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"}};
    char hex[65];
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        sha256_hex(vectors[i].text, strlen(vectors[i].text), hex);
        assert_string_equal(hex, vectors[i].hex);
    }
}

static void a_million_letters_in_uneven_pieces_come_out(void **state) {
    (void)state;
    char piece[997], hex[65];
    memset(piece, 'a', sizeof piece);
    struct sha256 hash;
    sha256_start(&hash);
    for (size_t left = 1000000; left > 0;) {
        size_t size = left < sizeof piece ? left : sizeof piece;
        sha256_add(&hash, piece, size);
        left -= size;
    }
    sha256_finish(&hash, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void integers_are_hashed_as_little_endian_bytes(void **state) {
    (void)state;
    const int32_t values[] = {1, -2};
    char of_integers[65], of_bytes[65];
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add_int32(&hash, values, 2);
    sha256_finish(&hash, of_integers);
    sha256_hex("\x01\0\0\0\xfe\xff\xff\xff", 8, of_bytes);
    assert_string_equal(of_integers, of_bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors_come_out),
        cmocka_unit_test(a_million_letters_in_uneven_pieces_come_out),
        cmocka_unit_test(integers_are_hashed_as_little_endian_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
