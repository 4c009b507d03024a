/*
 * The folder of /proc/self/exe tells an installation from a checkout by its name alone: whether
 * ../share/headroom is there would not, because a checkout may stand in any folder of a home.
 */
#include "harness/config/installation.h"
#include "models/base/path.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool installation_program(const char *name, char *out, size_t size) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) return false;
    self[length] = '\0';
    return path_beside(self, name, out, size);
}

bool installation_path(const char *name, char *out, size_t size) {
    static const char programs[] = "/bin/";
    char folder[PATH_MAX];
    if (!installation_program("", folder, sizeof folder)) return false;
    size_t n = strlen(folder), tail = sizeof programs - 1;
    bool installed = n >= tail && strcmp(folder + n - tail, programs) == 0;
    int length = installed
                     ? snprintf(out, size, "%.*s/share/headroom/%s", (int)(n - tail), folder, name)
                     : snprintf(out, size, "%s%s", folder, name);
    return length >= 0 && (size_t)length < size;
}

void installation_workloads(char *out, size_t size) {
    struct stat info;
    bool here = stat("workloads", &info) == 0 && S_ISDIR(info.st_mode);
    if (here || !installation_path("workloads", out, size)) snprintf(out, size, "workloads");
}
