/*
 * The main of a fuzz target where there is no fuzzer: every file of tests/fuzz/corpus/<target>/
 * goes through it, as a test of `make test`. These files are what the fuzzer once found, made
 * small, and cases worth keeping. A target ends its process where it fails, so each file is named
 * before it is read, and the plan of TAP tells what did not come after it.
 */
#include "tests/fuzz/input.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>

enum { CPU_SECONDS_MAX = 60, MEGABYTES_MAX = 2048 }; /* for a file: far above any, below a hang's */

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    MUST(file && fseek(file, 0, SEEK_END) == 0);
    long end = ftell(file);
    MUST(end >= 0 && fseek(file, 0, SEEK_SET) == 0);
    *size = (size_t)end;
    uint8_t *data = malloc(*size); /* to the byte, so that a sanitizer sees a read past the end */
    MUST((data || *size == 0) && fread(data, 1, *size, file) == *size);
    fclose(file);
    return data;
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static bool replay(const char *path) {
    struct rusage used;
    size_t size;
    uint8_t *data = read_file(path, &size);
    MUST(getrusage(RUSAGE_SELF, &used) == 0);
    struct rlimit limit;
    MUST(getrlimit(RLIMIT_CPU, &limit) == 0);
    limit.rlim_cur = (rlim_t)used.ru_utime.tv_sec + (rlim_t)used.ru_stime.tv_sec + CPU_SECONDS_MAX;
    MUST(setrlimit(RLIMIT_CPU, &limit) == 0);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    MUST(getrusage(RUSAGE_SELF, &used) == 0);
    return used.ru_maxrss / 1024 <= MEGABYTES_MAX;
}

int main(int argc, char **argv) {
    char folder[256], path[600];
    struct dirent **files;
    const char *name = strrchr(argv[0], '/');
    MUST(argc == 1 && name && strncmp(name, "/replay_", 8) == 0);
    snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", name + 8);
    int n = scandir(folder, &files, is_visible, alphasort);
    MUST(n > 0);
    printf("1..%d\n", n);
    int failed = 0;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        printf("%s\n", path);
        fflush(stdout);
        bool ok = replay(path);
        printf("%sok %d - %s\n", ok ? "" : "not ", i + 1, files[i]->d_name);
        failed += !ok;
        free(files[i]);
    }
    free(files);
    return failed > 0;
}
