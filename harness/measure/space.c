/*
 * Room on disks; see space.h.
 */
#include "harness/measure/space.h"
#include "harness/measure/temporary.h"
#include "workloads/data/dataset_cache.h"

#include <stdio.h>
#include <sys/statvfs.h>

int64_t space_free(const char *folder) {
    struct statvfs disk;
    return statvfs(folder, &disk) == 0 ? (int64_t)disk.f_bavail * (int64_t)disk.f_frsize : -1;
}

struct space space_temporary(void) {
    struct space out = {.n_files = -1};
    snprintf(out.folder, sizeof out.folder, "%s", temporary_parent());
    out.free_bytes = space_free(out.folder);
    return out;
}

struct space space_cache(void) {
    struct space out = {.free_bytes = -1};
    if (!dataset_cache_folder(out.folder, sizeof out.folder)) {
        out.folder[0] = '\0';
        return out;
    }
    dataset_cache_clear(true, &out.n_files, &out.bytes);
    out.free_bytes = space_free(out.folder);
    return out;
}
