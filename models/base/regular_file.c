/*
 * What a path leads to is asked of the open file, so that nobody can put another there in between.
 */
#include "models/base/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int regular_file_open(const char *path, int64_t *size, const char **reason) {
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0 || fstat(file, &info) != 0)
        *reason = strerror(errno);
    else if (S_ISDIR(info.st_mode))
        *reason = "it is a folder, not a file: name the file in it";
    else if (!S_ISREG(info.st_mode))
        *reason = "it is not a regular file";
    else {
        *size = (int64_t)info.st_size;
        return file;
    }
    if (file >= 0) close(file);
    return -1;
}

FILE *regular_file_stream(const char *path, int64_t *size, const char **reason) {
    int file = regular_file_open(path, size, reason);
    FILE *stream = file >= 0 ? fdopen(file, "rb") : NULL;
    if (file >= 0 && !stream) {
        *reason = strerror(errno);
        close(file);
    }
    return stream;
}

int64_t regular_file_read(int file, void *out, size_t size) {
    ssize_t n;
    do n = read(file, out, size);
    while (n < 0 && errno == EINTR);
    return n;
}
