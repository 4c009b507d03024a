/*
 * Left-overs; see left_overs.h. Only names that this program gives are touched.
 */
#include "harness/sweep/left_overs.h"
#include "harness/measure/temporary.h"
#include "models/base/path.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "0123456789abcdef.safetensors.draft-x" or ".candidate-x": the key's first digits come out. */
static bool is_draft(const char *name, char key[17]) {
    static const char middle[] = ".safetensors.";
    const char *rest = name + 16;
    if (strspn(name, "0123456789abcdef") != 16) return false;
    if (strncmp(rest, middle, sizeof middle - 1) != 0) return false;
    rest += sizeof middle - 1;
    snprintf(key, 17, "%.16s", name);
    return strncmp(rest, "draft-", 6) == 0 || strncmp(rest, "candidate-", 10) == 0;
}

int left_overs_remove(const struct store *store, const char *db) {
    char path[4096], key[17];
    struct dirent *entry;
    int n = temporary_remove_left_over();
    if (!path_beside(db, "checkpoints", path, sizeof path)) return n;
    DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder)))
        if (is_draft(entry->d_name, key) && !store_may_run(store, key))
            n += unlinkat(dirfd(folder), entry->d_name, 0) == 0;
    if (folder) closedir(folder);
    return n;
}
