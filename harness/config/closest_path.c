/*
 * A path, part by part; see closest_path.h. What begins with a point is meant by nobody who did not say so.
 */
#include "harness/config/closest_path.h"
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

/* The nearest name in a folder, "" for this one. */
static bool find_name(const char *folder, const char *word, char name[NAME_MAX + 1]) {
    struct dirent **entries;
    int n = scandir(*folder ? folder : ".", &entries, is_shown, alphasort);
    const char **names = n > 0 ? calloc((size_t)n, sizeof *names) : NULL;
    for (int i = 0; names && i < n; i++) names[i] = entries[i]->d_name;
    const char *found = names ? closest_name(word, names, (size_t)n) : NULL;
    if (found) snprintf(name, NAME_MAX + 1, "%s", found);
    free(names);
    for (int i = 0; i < n; i++) free(entries[i]);
    if (n >= 0) free(entries);
    return found != NULL;
}

bool closest_path(const char *path, char *out, size_t size) {
    size_t used = 0;
    if (size > 0) out[0] = '\0';
    while (*path) {
        char word[NAME_MAX + 1], name[NAME_MAX + 1], folder[PATH_MAX];
        size_t slashes = strspn(path, "/"), length = strcspn(path + slashes, "/");
        if (used + slashes + NAME_MAX + 1 >= size || length > NAME_MAX || used >= sizeof folder)
            return false;
        memcpy(out + used, path, slashes);
        out[used += slashes] = '\0';
        snprintf(folder, sizeof folder, "%s", out);
        snprintf(word, sizeof word, "%.*s", (int)length, path + slashes);
        path += slashes + length;
        if (length == 0) break;
        memcpy(out + used, word, length + 1);
        if (access(out, F_OK) != 0) {
            if (!find_name(folder, word, name)) return false;
            length = strlen(name);
            memcpy(out + used, name, length + 1);
        }
        used += length;
    }
    return used > 0 && access(out, R_OK) == 0;
}
