/*
 * The thread settings and the question for room come before the constructors of libraries: what
 * stands in .preinit_array, which an executable alone may have, is called before them (System V
 * ABI). On a machine with 64 cores OpenBLAS would otherwise ask for 64 buffers, 8 GB of addresses,
 * and start 63 threads that nobody uses. Which kernels it chose is known once it is loaded.
 */
#include "harness/cli/blas_start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/cli/command.h"
#include "harness/measure/blas_kernels.h"
#include "models/base/system_file.h"
#include "models/cpu/gemm.h"

/* Every command runs in the environment that a sweep gives its trials: times are those of one
 * thread, a signal finds the thread that waits for it, and a limit on memory leaves no thread that
 * the exit waits for. Returns only if nothing was to be set or it failed; what is set once is not
 * wanted again, so this ends. */
static bool start_again(char **argv, const char *kernels, struct error *error) {
    const struct {
        const char *name, *value;
    } settings[] = {{"OPENBLAS_NUM_THREADS", "1"},
                    {"OMP_NUM_THREADS", "1"},
                    {BLAS_KERNELS_VARIABLE, kernels},
                    {BLAS_KERNELS_CHOSEN, kernels}};
    bool again = false;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const char *name = settings[i].name, *wanted = settings[i].value, *value = getenv(name);
        if (!wanted || (value && strcmp(value, wanted) == 0)) continue;
        again = true;
        if (setenv(name, wanted, 1) != 0)
            return error_set(error, "cannot set %s: %s", name, strerror(errno));
    }
    if (again) execv("/proc/self/exe", argv);
    return !again ||
           error_set(error,
                     "cannot restart with other settings of BLAS: %s; set OPENBLAS_NUM_THREADS=1, "
                     "OMP_NUM_THREADS=1%s%s",
                     strerror(errno), kernels ? ", " BLAS_KERNELS_VARIABLE "=" : "",
                     kernels ? kernels : "");
}

/* Other libraries take a little of the room, too, when they start. */
enum { ROOM = GEMM_BUFFERS + (16 << 20) };

/* Whether OpenBLAS will get its buffers: by asking for as much, untouched, since a limit on
 * addresses, one on data and a kernel that never promises too much all answer so. */
static bool has_room(void) {
    void *room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return room != MAP_FAILED && munmap(room, ROOM) == 0;
}

static void say_what_is_needed(void) {
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    getrlimit(RLIMIT_AS, &limit);
    char mapped[64] = ""; /* kB */
    system_value("", "/proc/self/status", "VmSize", mapped, sizeof mapped);
    unsigned long have = limit.rlim_cur >> 10, least = strtoul(mapped, NULL, 10) + (ROOM >> 10);
    fprintf(stderr,
            "headroom: no room for the %d MB of addresses that OpenBLAS takes: ", ROOM >> 20);
    if (have < least)
        fprintf(stderr, "ulimit -v is %lu, the least is %lu\n", have, least);
    else
        fputs("raise the limit on memory (ulimit -v, ulimit -d, vm.overcommit_memory)\n", stderr);
}

/* libc is loaded here and its functions work, but its own constructor, which sets environ, is to
 * come. Returning without room would be to hang, so this one does not return. */
static void before_libraries(int argc, char **argv, char **environment) {
    (void)argc;
    struct error error;
    environ = environment;
    if (!start_again(argv, NULL, &error)) return; /* main meets the same and can say so */
    if (has_room()) return;
    say_what_is_needed();
    _exit(EXIT_FAILED);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const first)(int, char **, char **) = before_libraries;

bool blas_start(char **argv, struct error *error) {
    if (!start_again(argv, blas_kernels_wanted("", gemm_core()), error)) return false;
    gemm_take_buffers();
    return true;
}
