/*
 * Any bytes as the data set that a file of the cache holds. Whoever forges one gets its name and
 * its sum right, so these are put around the input; what is believed then must be a data set that a
 * model can run on.
 */
#include "tests/fuzz/data_set.h"
#include "workloads/data/dataset_cache.h"

#include <zlib.h>

enum { KEY_SIZE = 65 };

/* A key is 64 characters, the name of a file in the folder. Slashes and dots in front lead nowhere
 * else, so that the file can be one in memory. */
static void key_of(const struct input_file *file, char key[KEY_SIZE]) {
    int digits = snprintf(key, KEY_SIZE, "%d", file->fd), at = 0;
    for (int left = KEY_SIZE - 1 - digits; left > 0; left--, at++) key[at] = left % 2 ? '/' : '.';
    snprintf(key + at, KEY_SIZE - (size_t)at, "%d", file->fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char key[KEY_SIZE];
    struct input_file file = input_open("", 0);
    key_of(&file, key);
    unsigned long crc = crc32_z(crc32_z(0, (const Bytef *)key, sizeof key), data, size);
    MUST(write(file.fd, key, sizeof key) == sizeof key);
    MUST(write(file.fd, data, size) == (ssize_t)size);
    MUST(write(file.fd, &crc, sizeof crc) == sizeof crc);
    MUST(setenv("HEADROOM_CACHE", "/proc/self/fd", 1) == 0);
    struct dataset *found = dataset_cache_read(key);
    if (found) must_be_sound(found);
    dataset_free(found);
    input_close(&file);
    return 0;
}
