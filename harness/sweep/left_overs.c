/*
 * Left-overs; see left_overs.h. Only names that this program gives are touched.
 */
#include "harness/sweep/left_overs.h"
#include "harness/measure/temporary.h"
#include "models/base/path.h"

#include <dirent.h>
#include <unistd.h>

int left_overs_remove(const struct store *store, const char *db) {
    char path[4096], key[17];
    struct dirent *entry;
    int n = temporary_remove_left_over();
    if (!path_beside(db, "checkpoints", path, sizeof path)) return n;
    DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder)))
        if (store_is_draft(entry->d_name, key) && !store_may_run(store, key))
            n += unlinkat(dirfd(folder), entry->d_name, 0) == 0;
    if (folder) closedir(folder);
    return n;
}
