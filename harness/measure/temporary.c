/*
 * Temporary folders; see temporary.h. The lock is flock's on the folder itself: the kernel drops it
 * with the last file that is open on it, and no program that is started inherits that.
 */
#include "harness/measure/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "headroom-run-"

const char *temporary_parent(void) {
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

static int open_folder(const char *path) {
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool temporary_make(struct temporary *out, struct error *error) {
    enum { TRIES = 10 };
    char name[sizeof out->path];
    bool fits =
        snprintf(name, sizeof name, "%s/" NAME "XXXXXX", temporary_parent()) < (int)sizeof name;
    if (!fits) errno = ENAMETOOLONG;
    for (int i = 0; fits && i < TRIES; i++) {
        memcpy(out->path, name, sizeof name);
        if (!mkdtemp(out->path)) break;
        out->lock = open_folder(out->path);
        if (out->lock >= 0) flock(out->lock, LOCK_EX);
        if (access(out->path, F_OK) == 0) return true;
        /* Between these two lines it looked as if its maker were gone. */
        if (out->lock >= 0) close(out->lock);
    }
    out->path[0] = '\0';
    return error_set(error, "no folder in %s: %s", temporary_parent(), strerror(errno));
}

/* No folder of ours has folders in it, so none is looked for: then this one stays. */
static void remove_folder(const char *path, int folder) {
    struct dirent *entry;
    DIR *files = fdopendir(dup(folder));
    while (files && (entry = readdir(files))) unlinkat(folder, entry->d_name, 0);
    if (files) closedir(files);
    rmdir(path);
}

void temporary_remove(struct temporary *temporary) {
    if (!temporary->path[0]) return;
    if (temporary->lock >= 0) remove_folder(temporary->path, temporary->lock);
    if (temporary->lock >= 0) close(temporary->lock);
    temporary->path[0] = '\0';
}

static bool remove_if_left_over(const char *path) {
    struct stat info;
    int folder = open_folder(path);
    bool ours = folder >= 0 && fstat(folder, &info) == 0 && info.st_uid == geteuid();
    bool gone = ours && flock(folder, LOCK_EX | LOCK_NB) == 0;
    if (gone) remove_folder(path, folder);
    if (folder >= 0) close(folder);
    return gone;
}

int temporary_remove_left_over(void) {
    char path[512];
    struct dirent *entry;
    int n = 0;
    DIR *folder = opendir(temporary_parent());
    while (folder && (entry = readdir(folder)))
        if (strncmp(entry->d_name, NAME, sizeof NAME - 1) == 0 &&
            snprintf(path, sizeof path, "%s/%s", temporary_parent(), entry->d_name) <
                (int)sizeof path)
            n += remove_if_left_over(path);
    if (folder) closedir(folder);
    return n;
}
