/*
 * Checkpoints: the bytes on disk, the way from head-major memory to PyTorch's layout and back, and
 * every way a file can be damaged or a disk can refuse.
 */
#include "models/base/sha256.h"
#include "models/checkpoint.h"
#include "tests/fuzz.h"
#include "tests/temporary.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { HEADS = 3, HEAD_DIM = 2, DIM = 5, ROWS = HEADS * HEAD_DIM };

/* A folder of its own for each test, and one engine-like memory: per head a slab of q rows, k rows
 * and a transposed o block, so that q, k and o all need strides. */
struct fixture {
    char folder[64], path[96];
    float slab[HEADS][3][HEAD_DIM][DIM];
    float bias[DIM];
    struct tensor_view views[4];
};

enum { Q, K, O, BIAS };

static const struct metadata meta[] = {{"format", "headroom-1"},
                                       {"config", "{\"a\":\"\xC3\xA9\"}"}};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    if (!mkdtemp(temporary_template(f->folder, sizeof f->folder))) return -1;
    snprintf(f->path, sizeof f->path, "%s/x.safetensors", f->folder);
    float *flat = &f->slab[0][0][0][0];
    for (int i = 0; i < HEADS * 3 * HEAD_DIM * DIM; i++) flat[i] = 0.1F + (float)i;
    for (int i = 0; i < DIM; i++) f->bias[i] = -(float)i;
    const int64_t slab = 3 * HEAD_DIM * DIM;
    f->views[Q] = (struct tensor_view){
        "attn.q.weight", 2, {ROWS, DIM}, &f->slab[0][0][0][0], HEADS, HEAD_DIM, DIM, slab, DIM, 1};
    f->views[K] = f->views[Q];
    snprintf(f->views[K].name, sizeof f->views[K].name, "attn.k.weight");
    f->views[K].data = &f->slab[0][1][0][0];
    /* One head's o block as [DIM, HEAD_DIM] of a file, kept as [HEAD_DIM][DIM]. */
    f->views[O] = (struct tensor_view){
        "attn.o.weight", 2, {DIM, HEAD_DIM}, &f->slab[1][2][0][0], 1, DIM, HEAD_DIM, 0, 1, DIM};
    f->views[BIAS] = (struct tensor_view){"attn.o.bias", 1, {DIM, 0}, f->bias, 1, DIM, 1, 0, 1, 0};
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    unlink(f->path);
    int left = rmdir(f->folder); /* fails, and the test with it, if a temporary file was left */
    free(f);
    return left;
}

static void must_write(const struct fixture *f) {
    struct error error = {0};
    if (!checkpoint_write(f->path, meta, 2, f->views, 4, &error)) fail_msg("%s", error.text);
}

static unsigned char *slurp(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    unsigned char *bytes = malloc(1 << 16);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1 << 16, file);
    fclose(file);
    return bytes;
}

static void put_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A file with this header, padded as it is, and n bytes of zeros for data. */
static void put_checkpoint(const char *path, const char *header, size_t n_data) {
    size_t size = strlen(header);
    unsigned char *bytes = calloc(1, 8 + size + n_data);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)size >> 8 * i);
    memcpy(bytes + 8, header, size); /* NOLINT(bugprone-not-null-terminated-result): no text */
    put_file(path, bytes, 8 + size + n_data);
    free(bytes);
}

/* Opens and reads; the first error of the two, or none. */
static bool load(const struct fixture *f, const struct tensor_view *views, size_t n,
                 struct error *error) {
    struct checkpoint *checkpoint;
    if (!checkpoint_open(f->path, &checkpoint, error)) {
        assert_null(checkpoint);
        return false;
    }
    bool ok = checkpoint_read(checkpoint, views, n, error);
    checkpoint_close(checkpoint);
    return ok;
}

static void assert_load_fails(const struct fixture *f, const char *problem) {
    struct error error = {0};
    assert_false(load(f, f->views, 4, &error));
    if (!strstr(error.text, problem)) fail_msg("%s; expected %s", error.text, problem);
}

static float float_at(const unsigned char *bytes) {
    uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                    (uint32_t)bytes[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void the_file_is_safetensors_in_pytorch_layout(void **state) {
    const struct fixture *f = *state;
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"headroom-1\",\"config\":\"{\\\"a\\\":\\\"\xC3\xA9\\\"}\"},"
        "\"attn.q.weight\":{\"dtype\":\"F32\",\"shape\":[6,5],\"data_offsets\":[0,120]},"
        "\"attn.k.weight\":{\"dtype\":\"F32\",\"shape\":[6,5],\"data_offsets\":[120,240]},"
        "\"attn.o.weight\":{\"dtype\":\"F32\",\"shape\":[5,2],\"data_offsets\":[240,280]},"
        "\"attn.o.bias\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[280,300]}}";
    must_write(f);
    size_t size, padded = (sizeof header - 1 + 7) / 8 * 8;
    unsigned char *bytes = slurp(f->path, &size);
    assert_int_equal(size, 8 + padded + 300);
    assert_int_equal(bytes[0] | bytes[1] << 8, padded);
    for (int i = 2; i < 8; i++) assert_int_equal(bytes[i], 0);
    assert_memory_equal(bytes + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < padded; i++) assert_int_equal(bytes[8 + i], ' ');
    const unsigned char *data = bytes + 8 + padded;
    for (int row = 0; row < ROWS; row++) /* head h owns rows h*HEAD_DIM and up */
        for (int column = 0; column < DIM; column++) {
            int head = row / HEAD_DIM, in_head = row % HEAD_DIM;
            const unsigned char *q = data + 4 * (row * DIM + column);
            assert_true(float_at(q) == f->slab[head][0][in_head][column]);
            assert_true(float_at(q + 120) == f->slab[head][1][in_head][column]);
        }
    for (int row = 0; row < DIM; row++)
        for (int column = 0; column < HEAD_DIM; column++)
            assert_true(float_at(data + 240 + 4 * (row * HEAD_DIM + column)) ==
                        f->slab[1][2][column][row]);
    for (int i = 0; i < DIM; i++) assert_true(float_at(data + 280 + 4 * i) == f->bias[i]);
    free(bytes);
}

static void data_starts_at_a_multiple_of_eight_for_every_header(void **state) {
    const struct fixture *f = *state;
    for (int n = 0; n < 8; n++) {
        const struct metadata padding = {"k", &"1234567"[n]};
        struct error error = {0};
        assert_true(checkpoint_write(f->path, &padding, 1, f->views, 4, &error));
        size_t size;
        unsigned char *bytes = slurp(f->path, &size);
        assert_int_equal(bytes[0] % 8, 0);
        free(bytes);
    }
}

static void reading_restores_every_bit_and_touches_nothing_else(void **state) {
    struct fixture *f = *state;
    must_write(f);
    struct fixture *saved = malloc(sizeof *saved);
    assert_non_null(saved);
    *saved = *f;
    memset(f->slab, 0xFF, sizeof f->slab);
    memset(f->bias, 0xFF, sizeof f->bias);
    struct checkpoint *checkpoint;
    struct error error = {0};
    assert_true(checkpoint_open(f->path, &checkpoint, &error));
    assert_string_equal(checkpoint_metadata(checkpoint, "format"), "headroom-1");
    assert_string_equal(checkpoint_metadata(checkpoint, "config"), meta[1].value);
    assert_null(checkpoint_metadata(checkpoint, "trial"));
    assert_true(checkpoint_read(checkpoint, f->views, 4, &error));
    checkpoint_close(checkpoint);
    for (int h = 0; h < HEADS; h++) {
        assert_memory_equal(f->slab[h][0], saved->slab[h][0], 2 * sizeof f->slab[h][0]);
        unsigned char untouched[sizeof f->slab[h][2]];
        memset(untouched, 0xFF, sizeof untouched);
        assert_memory_equal(f->slab[h][2], h == 1 ? (void *)saved->slab[h][2] : (void *)untouched,
                            sizeof untouched);
    }
    assert_memory_equal(f->bias, saved->bias, sizeof f->bias);
    free(saved);
}

static void tensors_larger_than_the_copy_buffer_and_empty_ones_pass(void **state) {
    struct fixture *f = *state;
    enum { MANY = 10001 };
    float *numbers = malloc(MANY * sizeof *numbers), *back = malloc(MANY * sizeof *back);
    assert_true(numbers && back);
    for (int i = 0; i < MANY; i++) numbers[i] = (float)i;
    struct tensor_view views[] = {{"empty", 2, {0, 4}, NULL, 0, 1, 4, 0, 4, 1},
                                  {"big", 1, {MANY, 0}, numbers, 1, MANY, 1, 0, 1, 0}};
    struct error error = {0};
    assert_true(checkpoint_write(f->path, NULL, 0, views, 2, &error));
    views[1].data = back;
    if (!load(f, views, 2, &error)) fail_msg("%s", error.text);
    assert_memory_equal(numbers, back, MANY * sizeof *back);
    free(numbers);
    free(back);
}

static void numbers_that_are_not_finite_are_refused_by_the_tensor_s_name(void **state) {
    struct fixture *f = *state;
    static const struct {
        float number;
        const char *said;
    } cases[] = {{NAN, "its number 3 is nan"},
                 {INFINITY, "its number 3 is infinite"},
                 {-INFINITY, "its number 3 is infinite"}};
    for (int i = 0; i < 3; i++) {
        f->bias[3] = cases[i].number;
        must_write(f);
        assert_load_fails(f, "tensor attn.o.bias of");
        assert_load_fails(f, cases[i].said);
    }
    f->bias[3] = FLT_MAX;
    must_write(f);
    struct error error = {0};
    assert_true(load(f, f->views, 4, &error));
}

static void the_hash_is_of_the_file_s_bytes(void **state) {
    const struct fixture *f = *state;
    struct error error = {0};
    struct checkpoint *file;
    size_t size;
    char found[65], wanted[65];
    must_write(f);
    unsigned char *bytes = slurp(f->path, &size);
    sha256_hex(bytes, size, wanted);
    free(bytes);
    assert_true(checkpoint_open(f->path, &file, &error));
    assert_true(checkpoint_sha256(file, found, &error));
    assert_string_equal(found, wanted);
    assert_int_equal(truncate(f->path, (off_t)size - 1), 0);
    assert_false(checkpoint_sha256(file, found, &error));
    assert_non_null(strstr(error.text, "truncated"));
    checkpoint_close(file);
}

/* Somebody's link under the checkpoint's name is replaced; what it leads to stays. */
static void nothing_is_written_through_a_link(void **state) {
    const struct fixture *f = *state;
    char other[96];
    struct stat info;
    size_t size;
    snprintf(other, sizeof other, "%s/other", f->folder);
    put_file(other, (const unsigned char *)"kept", 4);
    assert_int_equal(symlink(other, f->path), 0);
    must_write(f);
    unsigned char *bytes = slurp(other, &size);
    assert_int_equal(size, 4);
    assert_memory_equal(bytes, "kept", 4);
    free(bytes);
    assert_int_equal(lstat(f->path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
    unlink(other);
}

static void a_file_cut_anywhere_is_an_error(void **state) {
    const struct fixture *f = *state;
    must_write(f);
    size_t size;
    unsigned char *bytes = slurp(f->path, &size);
    struct error error;
    for (size_t cut = 0; cut < size; cut++) { /* every byte of length, header and data */
        assert_int_equal(truncate(f->path, (off_t)(size - 1 - cut)), 0);
        error = (struct error){0};
        assert_false(load(f, f->views, 4, &error));
        assert_non_null(strstr(error.text, f->path));
    }
    put_file(f->path, bytes, size - 1);
    assert_load_fails(f, "tensor attn.o.bias of");
    unsigned char *longer = calloc(1, size + 4);
    assert_non_null(longer);
    memcpy(longer, bytes, size);
    put_file(f->path, longer, size + 4);
    assert_load_fails(f, "last 4 bytes belong to no tensor");
    free(longer);
    free(bytes);
}

static void a_file_that_shrinks_after_it_was_opened_is_an_error(void **state) {
    const struct fixture *f = *state;
    must_write(f);
    struct checkpoint *checkpoint;
    struct error error = {0};
    struct stat status;
    assert_true(checkpoint_open(f->path, &checkpoint, &error));
    assert_int_equal(stat(f->path, &status), 0);
    assert_int_equal(truncate(f->path, status.st_size - 30), 0);
    assert_false(checkpoint_read(checkpoint, f->views, 4, &error));
    assert_non_null(strstr(error.text, "cannot read tensor attn.o.weight"));
    assert_non_null(strstr(error.text, "truncated"));
    checkpoint_close(checkpoint);
}

static void a_length_in_the_file_is_never_believed(void **state) {
    const struct fixture *f = *state;
    must_write(f);
    size_t size;
    unsigned char *bytes = slurp(f->path, &size);
    for (int byte = 0; byte < 8; byte++) {
        unsigned char right = bytes[byte];
        bytes[byte] = 0xFF;
        put_file(f->path, bytes, size);
        assert_load_fails(f, f->path);
        bytes[byte] = right;
    }
    free(bytes);
}

/* The header is written with single quotes here, to stay readable. */
static void assert_header_refused(const struct fixture *f, const char *quoted, size_t n_data,
                                  const char *problem) {
    char header[256];
    snprintf(header, sizeof header, "%s", quoted);
    for (char *c = header; *c; c++)
        if (*c == '\'') *c = '"';
    put_checkpoint(f->path, header, n_data);
    assert_load_fails(f, problem);
}

static void wrong_tensors_are_refused_by_name(void **state) {
    const struct fixture *f = *state;
    assert_header_refused(f, "[]", 0, "not a map");
    assert_header_refused(f, "{'a':1}", 0, "tensor a of");
    assert_header_refused(f, "{'a':", 0, "expected a value");
    assert_header_refused(f,
                          "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'a':{'dtype':'F32'"
                          ",'shape':[1],'data_offsets':[4,8]}}",
                          8, "duplicate key 'a'");
    assert_header_refused(f, "{'__metadata__':{'a':1}}", 0, "__metadata__ must be a map of texts");
    assert_header_refused(f, "{'__metadata__':[]}", 0, "__metadata__ must be a map of texts");
    assert_header_refused(f, "{'a':{'dtype':'F16','shape':[2],'data_offsets':[0,4]}}", 4,
                          "dtype is F16");
    assert_header_refused(f, "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4],'x':1}}", 4,
                          "expected dtype, shape");
    assert_header_refused(f, "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}}", 4,
                          "bytes 4 to 0 are not among the 4");
    assert_header_refused(f, "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,8]}}", 4,
                          "bytes 0 to 8 are not among the 4");
    assert_header_refused(f, "{'a':{'dtype':'F32','shape':[1],'data_offsets':[-4,0]}}", 4,
                          "two whole numbers");
    assert_header_refused(f, "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}}", 4,
                          "two whole numbers");
    assert_header_refused(
        f, "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,99999999999999999999]}}", 4,
        "two whole numbers");
    assert_header_refused(f, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}}", 4,
                          "its shape needs 8 bytes and it has 4");
    assert_header_refused(
        f, "{'a':{'dtype':'F32','shape':[999999999999999,999999999999999],'data_offsets':[0,4]}}",
        4, "not a list of sizes");
    assert_header_refused(f, "{'a':{'dtype':'F32','shape':[1.0],'data_offsets':[0,4]}}", 4,
                          "not a list of sizes");
    assert_header_refused(f, "{'a':{'dtype':'F32','shape':4,'data_offsets':[0,4]}}", 4,
                          "not a list");
    assert_header_refused(f,
                          "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32'"
                          ",'shape':[2],'data_offsets':[4,12]}}",
                          12, "tensor b of");
    assert_header_refused(f,
                          "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32'"
                          ",'shape':[2],'data_offsets':[4,12]}}",
                          12, "overlaps tensor a");
    assert_header_refused(f,
                          "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32'"
                          ",'shape':[2],'data_offsets':[0,8]}}",
                          8, "overlaps tensor");
    assert_header_refused(f,
                          "{'b':{'dtype':'F32','shape':[1],'data_offsets':[8,12]},'a':{'dtype':'"
                          "F32','shape':[1],'data_offsets':[0,4]}}",
                          12, "the 4 bytes before it");
    assert_header_refused(f, "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}", 12,
                          "last 8 bytes");
    assert_header_refused(f, "{}", 0, "tensor attn.q.weight is missing");
    assert_header_refused(f,
                          "{'attn.q.weight':{'dtype':'F32','shape':[5,6],'data_offsets':[0,120]}}",
                          120, "has shape [5, 6]; the model needs [6, 5]");
    assert_header_refused(f,
                          "{'attn.q.weight':{'dtype':'F32','shape':[30],'data_offsets':[0,120]}}",
                          120, "has shape [30]");
    must_write(f);
    struct error error = {0};
    assert_false(load(f, f->views, 3, &error)); /* the file has one more than the model */
    assert_non_null(strstr(error.text, "tensor attn.o.bias of"));
    assert_non_null(strstr(error.text, "not part of the model"));
    struct tensor_view wrong = f->views[Q];
    wrong.cols--;
    assert_false(load(f, &wrong, 1, &error));
    assert_non_null(strstr(error.text, "does not cover its shape"));
}

static void what_is_not_a_file_is_refused(void **state) {
    const struct fixture *f = *state;
    struct checkpoint *checkpoint;
    struct error error = {0};
    assert_false(checkpoint_open(f->path, &checkpoint, &error));
    assert_non_null(strstr(error.text, "No such file"));
    assert_false(checkpoint_open(f->folder, &checkpoint, &error));
    assert_non_null(strstr(error.text, "it is a folder"));
    assert_int_equal(mkfifo(f->path, 0600), 0); /* and does not wait for a writer */
    assert_false(checkpoint_open(f->path, &checkpoint, &error));
    assert_non_null(strstr(error.text, "not a regular file"));
}

/* The old file is byte for byte what it was; teardown sees that no temporary file is left. */
static void assert_write_fails(const struct fixture *f, const char *path, const char *problem) {
    struct error error = {0};
    assert_false(checkpoint_write(path, meta, 2, f->views, 4, &error));
    if (!strstr(error.text, problem)) fail_msg("%s; expected %s", error.text, problem);
}

static void an_unwritable_place_is_an_error(void **state) {
    const struct fixture *f = *state;
    char path[128];
    assert_write_fails(f, "/proc/x.safetensors", "cannot create checkpoint /proc/x.safetensors");
    snprintf(path, sizeof path, "%s/absent/x", f->folder);
    assert_write_fails(f, path, "No such file or directory");
    put_file(f->path, "old", 3);
    snprintf(path, sizeof path, "%s/x", f->path);
    assert_write_fails(f, path, "Not a directory");
    assert_write_fails(f, f->folder, "cannot put checkpoint");
    must_write(f); /* over an old file */
    struct error error = {0};
    assert_true(load(f, f->views, 4, &error));
}

static void a_read_only_folder_keeps_the_old_file(void **state) {
    const struct fixture *f = *state;
    put_file(f->path, "old", 3);
    assert_int_equal(chmod(f->folder, 0555), 0);
    bool root = geteuid() == 0; /* whom no permission stops: be somebody else for a moment */
    if (root && seteuid(65534)) {
        print_message("SKIP: runs as root and cannot change user\n");
        skip();
    }
    struct error error = {0};
    bool written = checkpoint_write(f->path, meta, 2, f->views, 4, &error);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_false(written);
    assert_non_null(strstr(error.text, "Permission denied"));
    size_t size;
    unsigned char *bytes = slurp(f->path, &size);
    assert_int_equal(size, 3);
    free(bytes);
}

/* A limit on file size stands in for a full disk: the write fails half way through. */
static void a_full_disk_keeps_the_old_file(void **state) {
    const struct fixture *f = *state;
    enum { MANY = 50000 };
    float *numbers = calloc(MANY, sizeof *numbers);
    assert_non_null(numbers);
    const struct tensor_view view = {"big", 1, {MANY, 0}, numbers, 1, MANY, 1, 0, 1, 0};
    struct rlimit old, small;
    struct error error = {0};
    put_file(f->path, "old", 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 65536;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool written = checkpoint_write(f->path, NULL, 0, &view, 1, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    free(numbers);
    assert_false(written);
    assert_non_null(strstr(error.text, "cannot write tensor big of checkpoint"));
    size_t size;
    unsigned char *bytes = slurp(f->path, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "old", 3);
    free(bytes);
}

static void no_mutation_crashes_the_reader_or_fails_without_a_text(void **state) {
    struct fixture *f = *state;
    static const char *const words[] = {"{",  "}",  "[",       "]",    "\"", ",",  ":",      "0",
                                        "99", "-1", "\"F16\"", "null", "1e", "\\", "{\"a\":"};
    must_write(f);
    size_t size;
    unsigned char *bytes = slurp(f->path, &size);
    unlink(f->path);
    int fd = memfd_create("fuzz", 0); /* ten thousand files would take their time on a disk */
    assert_true(fd >= 0);
    snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", fd);
    size_t header = bytes[0] | (size_t)bytes[1] << 8;
    struct fuzz fuzz = {2604};
    int accepted = 0;
    for (int i = 0; i < 10000; i++) {
        char text[1024 + 300];
        size_t n = fuzz_mutate(&fuzz, (const char *)bytes + 8, header, words,
                               sizeof words / sizeof *words, text + 8, 1024 - 8);
        /* Half of the files say their true length, so that more than the length is tested. */
        uint64_t told = fuzz_below(&fuzz, 2) ? n : fuzz_below(&fuzz, 2 * header);
        for (int b = 0; b < 8; b++) text[b] = (char)(told >> 8 * b);
        size_t data = fuzz_below(&fuzz, 8) ? 300 : fuzz_below(&fuzz, 300);
        memcpy(text + 8 + n, bytes + 8 + header, data);
        assert_int_equal(ftruncate(fd, (off_t)(8 + n + data)), 0);
        assert_int_equal(pwrite(fd, text, 8 + n + data, 0), 8 + n + data);
        struct error error = {0};
        if (load(f, f->views, 4, &error))
            accepted++;
        else
            assert_true(error.text[0] != '\0');
    }
    assert_in_range(accepted, 10, 5000);
    close(fd);
    free(bytes);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_file_is_safetensors_in_pytorch_layout),
        TEST(data_starts_at_a_multiple_of_eight_for_every_header),
        TEST(reading_restores_every_bit_and_touches_nothing_else),
        TEST(tensors_larger_than_the_copy_buffer_and_empty_ones_pass),
        TEST(numbers_that_are_not_finite_are_refused_by_the_tensor_s_name),
        TEST(the_hash_is_of_the_file_s_bytes),
        TEST(nothing_is_written_through_a_link),
        TEST(a_file_cut_anywhere_is_an_error),
        TEST(a_file_that_shrinks_after_it_was_opened_is_an_error),
        TEST(a_length_in_the_file_is_never_believed),
        TEST(wrong_tensors_are_refused_by_name),
        TEST(what_is_not_a_file_is_refused),
        TEST(an_unwritable_place_is_an_error),
        TEST(a_read_only_folder_keeps_the_old_file),
        TEST(a_full_disk_keeps_the_old_file),
        TEST(no_mutation_crashes_the_reader_or_fails_without_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
