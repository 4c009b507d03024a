/*
 * A path, part by part: what is not there is held against what its folder has. A file NAME.gz is found by
 * NAME, so it is suggested so. What begins with a point is meant by nobody who did not say so.
 */
#include "workloads/data/near_file.h"
#include "models/base/closest_name.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_shown(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* The name in the folder, "" for this one, that is nearest to a word; false if none is near. */
static bool find_in(const char *folder, const char *word, char out[NAME_MAX + 1]) {
    struct dirent **entries;
    int n = scandir(*folder ? folder : ".", &entries, is_shown, alphasort);
    if (n < 0) return false;
    const char **names = calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; names && i < n; i++) {
        char *name = entries[i]->d_name;
        size_t length = strlen(name);
        if (length > 3 && strcmp(name + length - 3, ".gz") == 0) name[length - 3] = '\0';
        names[i] = name;
    }
    const char *near = names ? closest_name(word, names, (size_t)n) : NULL;
    if (near) snprintf(out, NAME_MAX + 1, "%s", near);
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
    free(names);
    return near != NULL;
}

static bool is_there(const char *path) {
    char packed[PATH_MAX + sizeof ".gz"];
    snprintf(packed, sizeof packed, "%s.gz", path);
    return access(path, F_OK) == 0 || access(packed, F_OK) == 0;
}

bool near_file_find(const char *path, char *out, size_t size) {
    char so_far[PATH_MAX] = "", word[NAME_MAX + 1], near[NAME_MAX + 1], folder[PATH_MAX];
    size_t used = 0;
    bool replaced = false;
    while (*path) {
        size_t slashes = strspn(path, "/"), length = strcspn(path + slashes, "/");
        if (length > NAME_MAX || used + slashes + NAME_MAX + 1 > sizeof so_far) return false;
        memcpy(so_far + used, path, slashes);
        so_far[used += slashes] = '\0';
        snprintf(folder, sizeof folder, "%s", so_far);
        snprintf(word, sizeof word, "%.*s", (int)length, path + slashes);
        snprintf(so_far + used, sizeof so_far - used, "%s", word);
        if (!is_there(so_far)) {
            if (!find_in(folder, word, near)) return false;
            snprintf(so_far + used, sizeof so_far - used, "%s", near);
            replaced = true;
        }
        used = strlen(so_far);
        path += slashes + length;
    }
    if (!replaced || !is_there(so_far) || used >= size) return false;
    memcpy(out, so_far, used + 1);
    return true;
}
