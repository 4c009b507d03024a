/*
 * Where the quota stands: version 2 of control groups has one tree in /sys/fs/cgroup and says
 * "50000 100000" or "max 100000", in microseconds, in cpu.max; version 1 has a tree for each
 * controller, named after those that share it, and two files. A group is held by the quotas of all
 * around it as well, so every folder up to the tree's own is asked. In a container that folder may
 * be the group itself while the path is its host's: folders that are not there say nothing.
 */
#include "harness/measure/cpu_quota.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/base/system_file.h"

enum { FOLDER_SIZE = 480 }; /* what system_file.h takes, with a file's name and a root */

/* Whether a list, "cpu,cpuacct", has a controller: cpuset is another one. */
static bool has_cpu(const char *controllers) {
    for (const char *at = controllers; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strcspn(at, ",") == 3 && strncmp(at, "cpu", 3) == 0) return true;
    }
    return false;
}

/* The tree and this process's folder in it, from lines like "4:cpu,cpuacct:/a/b" and "0::/a/b". A
 * machine may have both versions; the controller is in one of them. False where there is none. */
static bool find_group(const char *root, char tree[FOLDER_SIZE], char folder[FOLDER_SIZE]) {
    char path[FOLDER_SIZE + 32], *line = NULL;
    size_t capacity = 0;
    bool found = false, old = false;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && !old && getline(&line, &capacity, file) > 0) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *group++ = '\0';
        controllers++;
        group[strcspn(group, "\n")] = '\0';
        old = has_cpu(controllers);
        if (!old && *controllers) continue;
        snprintf(tree, FOLDER_SIZE, "/sys/fs/cgroup%s%s", old ? "/" : "", controllers);
        int length = snprintf(folder, FOLDER_SIZE, "%s%s", tree, strcmp(group, "/") ? group : "");
        found = length < FOLDER_SIZE;
    }
    free(line);
    if (file) fclose(file);
    return found;
}

/* A file of a group; text "" and false where it is not there. */
static bool read_line(const char *root, const char *folder, const char *name, char text[64]) {
    char path[FOLDER_SIZE + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return system_line(root, path, text, 64);
}

/* Of one folder, in cores; NaN: none, which is "max" or -1. */
static double quota_of(const char *root, const char *folder) {
    char text[64], period_text[64], *end;
    double quota, period;
    if (read_line(root, folder, "cpu.max", text)) {
        quota = strtod(text, &end);
        period = end == text ? 0 : strtod(end, NULL);
    } else {
        if (!read_line(root, folder, "cpu.cfs_quota_us", text) ||
            !read_line(root, folder, "cpu.cfs_period_us", period_text))
            return NAN;
        quota = strtod(text, NULL);
        period = strtod(period_text, NULL);
    }
    return quota > 0 && period > 0 ? quota / period : NAN;
}

/* The number behind a word of cpu.stat; -1: none. */
static int64_t count_of(const char *root, const char *folder, const char *word) {
    char path[FOLDER_SIZE + 32], line[128];
    size_t length = strlen(word);
    int64_t count = -1;
    snprintf(path, sizeof path, "%s%s/cpu.stat", root, folder);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, word, length) == 0 && line[length] == ' ')
            count = strtoll(line + length, NULL, 10);
    if (file) fclose(file);
    return count;
}

struct cpu_quota cpu_quota_read(const char *root) {
    struct cpu_quota out = {NAN, -1, -1};
    char tree[FOLDER_SIZE], folder[FOLDER_SIZE];
    if (!find_group(root, tree, folder)) return out;
    for (size_t end = strlen(folder); end >= strlen(tree); end--) {
        if (folder[end] != '\0' && folder[end] != '/') continue;
        folder[end] = '\0';
        double cores = quota_of(root, folder);
        if (!(cores < out.cores || (isnan(out.cores) && !isnan(cores)))) continue;
        out.cores = cores;
        out.periods = count_of(root, folder, "nr_periods");
        out.throttled = count_of(root, folder, "nr_throttled");
    }
    return out;
}

int cpu_quota_cores(const char *root) {
    cpu_set_t allowed;
    double quota = cpu_quota_read(root).cores;
    long cores = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                     ? CPU_COUNT(&allowed)
                     : sysconf(_SC_NPROCESSORS_ONLN);
    if (quota < (double)cores) cores = (long)quota;
    return cores > 1 ? (int)cores : 1;
}

void cpu_quota_describe(const struct cpu_quota *before, const struct cpu_quota *after, char *out,
                        size_t size) {
    int64_t throttled = after->throttled - before->throttled;
    if (before->throttled < 0 || after->throttled < 0 || throttled <= 0) return;
    snprintf(out, size,
             "throttled in %" PRId64 " of %" PRId64 " periods by a CPU quota of %.2f cores",
             throttled, after->periods - before->periods, after->cores);
}
