/*
 * Bounds of memory; see memory_bound.h. A group is a folder: who makes it has it, what is written to
 * its files is done when the call returns, and it can be removed once it is empty.
 */
#include "harness/measure/memory_bound.h"
#include "models/base/system_file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char tree[] = "/sys/fs/cgroup", prefix[] = "headroom-";

enum { FOLDER_SIZE = MEMORY_GROUP_SIZE - 64 }; /* leaves room for a group's name */

/* A file of a group is written whole, or the kernel refuses. */
static bool write_file(const char *group, const char *name, const char *text) {
    char path[MEMORY_GROUP_SIZE + 64];
    snprintf(path, sizeof path, "%s/%s", group, name);
    FILE *file = fopen(path, "we");
    bool ok = file && fputs(text, file) >= 0;
    if (file) ok = fclose(file) == 0 && ok;
    return ok;
}

/* This process's folder in the tree; in a container it may be one of the host's, which is not there. */
static bool find_own(const char *root, char out[FOLDER_SIZE]) {
    char path[FOLDER_SIZE], line[FOLDER_SIZE];
    bool found = false;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) != 0) continue;
        const char *group = strcmp(line, "0::/") == 0 ? "" : line + 3;
        found = snprintf(out, FOLDER_SIZE, "%s%s%s", root, tree, group) < FOLDER_SIZE;
    }
    if (file) fclose(file);
    return found;
}

/* Whether its children have the controller of memory, and processes may be moved to them. */
static bool gives_memory(const char *group) {
    char words[256], path[MEMORY_GROUP_SIZE];
    snprintf(path, sizeof path, "%s/cgroup.procs", group);
    if (access(path, W_OK) != 0 || !system_line(group, "/cgroup.subtree_control", words, 256))
        return false;
    for (char *rest, *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (strcmp(word, "memory") == 0) return true;
    return false;
}

/* Whether a group holds its processes to something that one beside it would not. */
static bool holds(const char *group) {
    static const char *const files[] = {"/memory.max", "/memory.high", "/cpu.max", "/cpuset.cpus"};
    char text[64];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (system_line(group, files[i], text, sizeof text) && strncmp(text, "max", 3) != 0)
            return true;
    return false;
}

/* A group that still has processes cannot be removed, whoever made it. */
static void remove_left_over(const char *around) {
    char path[MEMORY_GROUP_SIZE + 256];
    struct dirent *entry;
    DIR *folder = opendir(around);
    while (folder && (entry = readdir(folder))) {
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0) continue;
        pid_t maker = (pid_t)strtol(entry->d_name + sizeof prefix - 1, NULL, 10);
        if (maker <= 0 || kill(maker, 0) == 0 || errno != ESRCH) continue;
        snprintf(path, sizeof path, "%s/%s", around, entry->d_name);
        rmdir(path);
    }
    if (folder) closedir(folder);
}

static bool make_in(const char *around, int64_t bytes, int64_t number,
                    char out[MEMORY_GROUP_SIZE]) {
    char text[24];
    if (!gives_memory(around)) return false;
    remove_left_over(around);
    snprintf(out, MEMORY_GROUP_SIZE, "%s/%s%ld-%" PRId64, around, prefix, (long)getpid(), number);
    snprintf(text, sizeof text, "%" PRId64 "\n", bytes);
    if (mkdir(out, 0755) != 0) return false;
    if (write_file(out, "memory.max", text)) {
        write_file(out, "memory.swap.max", "0\n"); /* where there is swap: a bound is a bound */
        return true;
    }
    rmdir(out);
    return false;
}

bool memory_group_make(const char *root, int64_t bytes, int64_t number,
                       char out[MEMORY_GROUP_SIZE]) {
    char at[FOLDER_SIZE];
    size_t top = strlen(root) + strlen(tree);
    if (find_own(root, at))
        for (;;) {
            if (make_in(at, bytes, number, out)) return true;
            if (strlen(at) <= top || access(at, F_OK) != 0 || holds(at)) break;
            *strrchr(at, '/') = '\0';
        }
    out[0] = '\0';
    return false;
}

long memory_kills(const char *path) {
    char line[128];
    long n = 0;
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "oom_kill ", 9) == 0) n = strtol(line + 9, NULL, 10);
    if (file) fclose(file);
    return n;
}

long memory_group_kills(const char *group) {
    char path[MEMORY_GROUP_SIZE + 16];
    snprintf(path, sizeof path, "%s/memory.events", group);
    return memory_kills(path);
}

void memory_group_remove(const char *group) {
    if (group[0]) rmdir(group);
}

bool memory_bound_enter(const char *group, int64_t bytes) {
    struct rlimit limit;
    if (group[0] && write_file(group, "cgroup.procs", "0\n")) return true;
    if (getrlimit(RLIMIT_DATA, &limit) != 0) return false;
    if (limit.rlim_cur <= (rlim_t)bytes) return true;
    limit.rlim_cur = (rlim_t)bytes;
    return setrlimit(RLIMIT_DATA, &limit) == 0;
}
