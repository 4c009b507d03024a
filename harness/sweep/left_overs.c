/*
 * Left-overs; see left_overs.h. Only names that this program gives are touched.
 */
#include "harness/sweep/left_overs.h"
#include "harness/measure/temporary.h"
#include "models/base/path.h"

#include <dirent.h>
#include <unistd.h>

static bool is_left_over(struct store *store, const char *name) {
    char key[17];
    return (store_is_draft(name, key) ||
            (store_is_state(name, key) && store_has_result(store, key))) &&
           !store_may_run(store, key);
}

int left_overs_remove(struct store *store, const char *db) {
    char path[4096];
    struct dirent *entry;
    int n = temporary_remove_left_over();
    if (!path_beside(db, "checkpoints", path, sizeof path)) return n;
    DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder)))
        if (is_left_over(store, entry->d_name)) n += unlinkat(dirfd(folder), entry->d_name, 0) == 0;
    if (folder) closedir(folder);
    return n;
}
