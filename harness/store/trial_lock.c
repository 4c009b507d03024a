/*
 * Lock files; see trial_lock.h. The classical race of such files is that one process opens a file,
 * its holder removes it, and a third makes a new one: then two hold "the" lock. So whoever has locked
 * a file looks whether it is still the one of that name, and else begins again.
 */
#include "harness/store/trial_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100, PATH_SIZE = 4096 + 80 };

struct held {
    char *key;
    int file;
};

struct trial_locks {
    char folder[4096];
    char missing[128];
    struct held *held;
    size_t n_held;
};

struct trial_locks *trial_locks_new(const char *folder) {
    struct trial_locks *locks = calloc(1, sizeof *locks);
    if (locks) snprintf(locks->folder, sizeof locks->folder, "%s", folder);
    return locks;
}

/* Keys are hashes. Whatever else stands in a database that came from elsewhere must not lead out of
 * the folder. */
static void lock_path(const struct trial_locks *locks, const char *key, char path[PATH_SIZE]) {
    int length = snprintf(path, PATH_SIZE, "%s/", locks->folder);
    char *name = path + length;
    snprintf(name, (size_t)(PATH_SIZE - length), "%.64s.lock", key);
    for (; *name; name++)
        if (*name == '/') *name = '_';
}

static struct held *find_held(const struct trial_locks *locks, const char *key) {
    for (size_t i = 0; i < locks->n_held; i++)
        if (strcmp(locks->held[i].key, key) == 0) return &locks->held[i];
    return NULL;
}

static bool is_named(int file, const char *path) {
    struct stat ours, there;
    return fstat(file, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

static bool keep(struct trial_locks *locks, const char *key, int file) {
    struct held *grown = realloc(locks->held, (locks->n_held + 1) * sizeof *grown);
    if (!grown) return false;
    locks->held = grown;
    grown[locks->n_held] = (struct held){.key = strdup(key), .file = file};
    if (!grown[locks->n_held].key) return false;
    locks->n_held++;
    return true;
}

static enum lock_state lock_file(struct trial_locks *locks, int file) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_OFD_SETLK, &whole) == 0) return LOCK_OURS;
    if (errno == EAGAIN || errno == EACCES) return LOCK_TAKEN;
    snprintf(locks->missing, sizeof locks->missing, "%s", strerror(errno));
    return LOCK_UNKNOWN;
}

/* A finished trial may remove its file, and the folder with it, between any two of these steps. */
bool trial_locks_take(struct trial_locks *locks, const char *key, enum lock_state *state,
                      bool *is_new, struct error *error) {
    char path[PATH_SIZE];
    *is_new = false;
    *state = LOCK_OURS;
    if (find_held(locks, key)) return true;
    lock_path(locks, key, path);
    errno = ENOENT;
    for (int i = 0; i < TRIES && errno == ENOENT; i++) {
        mkdir(locks->folder, 0777);
        int file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (file < 0) continue;
        *state = lock_file(locks, file);
        *is_new = *state == LOCK_OURS && is_named(file, path);
        if (*is_new && !keep(locks, key, file)) return error_set(error, "out of memory");
        if (*is_new) return true;
        close(file);
        if (*state != LOCK_OURS) return true;
        errno = ENOENT;
    }
    return error_set(error, "%s: %s; who runs a trial holds a lock in that folder", path,
                     strerror(errno));
}

void trial_locks_drop(struct trial_locks *locks, const char *key) {
    char path[PATH_SIZE];
    struct held *held = find_held(locks, key);
    if (!held) return;
    lock_path(locks, key, path);
    if (is_named(held->file, path)) unlink(path);
    close(held->file);
    free(held->key);
    *held = locks->held[--locks->n_held];
    rmdir(locks->folder); /* only where it is empty */
}

void trial_locks_free(struct trial_locks *locks) {
    if (!locks) return;
    while (locks->n_held > 0) trial_locks_drop(locks, locks->held[0].key);
    free(locks->held);
    free(locks);
}

enum lock_state trial_locks_look(const struct trial_locks *locks, const char *key) {
    char path[PATH_SIZE];
    struct flock other = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (find_held(locks, key)) return LOCK_OURS;
    lock_path(locks, key, path);
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return errno == ENOENT ? LOCK_FREE : LOCK_UNKNOWN;
    enum lock_state state = fcntl(file, F_OFD_GETLK, &other) != 0 ? LOCK_UNKNOWN
                            : other.l_type == F_UNLCK             ? LOCK_FREE
                                                                  : LOCK_TAKEN;
    close(file);
    return state;
}

void trial_locks_clean(struct trial_locks *locks) {
    struct dirent *entry;
    struct error ignored;
    char key[65];
    DIR *folder = opendir(locks->folder);
    while (folder && (entry = readdir(folder))) {
        enum lock_state state;
        bool is_new;
        snprintf(key, sizeof key, "%.*s", (int)strcspn(entry->d_name, "."), entry->d_name);
        if (strlen(key) == 64 && strcmp(entry->d_name + 64, ".lock") == 0 &&
            trial_locks_take(locks, key, &state, &is_new, &ignored) && is_new)
            trial_locks_drop(locks, key);
    }
    if (folder) closedir(folder);
}

bool trial_locks_any(const struct trial_locks *locks, const char *prefix) {
    struct dirent *entry;
    char key[65];
    DIR *folder = locks->missing[0] ? NULL : opendir(locks->folder);
    bool any = !folder && (locks->missing[0] || errno != ENOENT);
    while (folder && !any && (entry = readdir(folder))) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) continue;
        snprintf(key, sizeof key, "%.*s", (int)strcspn(entry->d_name, "."), entry->d_name);
        any = trial_locks_look(locks, key) != LOCK_FREE;
    }
    if (folder) closedir(folder);
    return any;
}

const char *trial_locks_missing(const struct trial_locks *locks) {
    return locks->missing;
}
