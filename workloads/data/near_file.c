/*
 * The first part of the path that is not there is held against what its folder has. A file NAME.gz
 * is found by NAME, so it is suggested so.
 */
#include "workloads/data/near_file.h"
#include "models/base/closest_name.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_shown(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* The name in the folder that is nearest to a word; false if none is near. */
static bool find_in(const char *folder, const char *word, char *out, size_t size) {
    struct dirent **entries;
    int n = scandir(folder, &entries, is_shown, alphasort);
    if (n < 0) return false;
    const char **names = calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; names && i < n; i++) {
        char *name = entries[i]->d_name;
        size_t length = strlen(name);
        if (length > 3 && strcmp(name + length - 3, ".gz") == 0) name[length - 3] = '\0';
        names[i] = name;
    }
    const char *near = names ? closest_name(word, names, (size_t)n) : NULL;
    if (near) snprintf(out, size, "%s", near);
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
    free(names);
    return near != NULL;
}

static bool is_there(const char *path) {
    char packed[1024];
    snprintf(packed, sizeof packed, "%s.gz", path);
    return access(path, F_OK) == 0 || access(packed, F_OK) == 0;
}

bool near_file_find(const char *path, char *out, size_t size) {
    char folder[1024], word[256], near[256];
    size_t start = path[0] == '/', length = strlen(path);
    if (length >= sizeof folder) return false;
    for (;;) { /* over the parts that are there */
        size_t end = start + strcspn(path + start, "/");
        snprintf(folder, sizeof folder, "%.*s", (int)end, path);
        if (access(folder, F_OK) != 0) {
            snprintf(word, sizeof word, "%.*s", (int)(end - start), path + start);
            snprintf(folder, sizeof folder, "%.*s", (int)start, path);
            if (!find_in(start ? folder : ".", word, near, sizeof near)) return false;
            snprintf(out, size, "%s%s%s", folder, near, path + end);
            return is_there(out);
        }
        if (end == length) return false;
        start = end + 1;
    }
}
