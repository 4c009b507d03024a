/*
 * Holding a process that is about to start, with all that it starts, to so many bytes of the host's
 * memory.
 *
 * A control group (version 2) counts what is resident, and the kernel kills who wants more. It can be
 * made where this process's own group, or one around it, gives its children the controller of memory
 * and is ours to write to: as root, in a session of systemd's, in what was delegated. A group around
 * it is taken only if nothing in between holds this process to something: its bound on memory, quota
 * or processors would be left as well.
 *
 * Elsewhere RLIMIT_DATA stands for it, for each process alone: memory that only this process can
 * write to, touched or not, so that an allocation fails and is told. RLIMIT_AS would also count
 * what is only reserved, of which CUDA takes more than a machine has memory, and libraries. What of it
 * OpenBLAS takes before anything is computed (GEMM_BUFFERS) sets MEMORY_BOUND_LEAST.
 */
#ifndef HEADROOM_HARNESS_MEASURE_MEMORY_BOUND_H
#define HEADROOM_HARNESS_MEASURE_MEMORY_BOUND_H

#include <stdbool.h>
#include <stdint.h>

enum { MEMORY_GROUP_SIZE = 512, MEMORY_BOUND_LEAST_MIB = 512 };

/* Makes a group below `root` ("" normally) that holds its processes to so many bytes, without swap,
 * and writes its path; number: tells those of this process apart. False, and "", where none can be made.
 * Groups of processes that are gone are removed from beside it. */
bool memory_group_make(const char *root, int64_t bytes, int64_t number,
                       char out[MEMORY_GROUP_SIZE]);

/* How many processes the kernel has killed for memory, as one of its files says: /proc/vmstat of all,
 * memory.events of a group. 0: that cannot be read. */
long memory_kills(const char *path);

/* How many of its processes the kernel has killed for memory. */
long memory_group_kills(const char *group);

/* Removes it once its processes are gone. */
void memory_group_remove(const char *group);

/* Holds the calling process to so many bytes, by entering the group, or where that is "" or cannot be
 * entered by RLIMIT_DATA. False, with errno, if neither could be done. */
bool memory_bound_enter(const char *group, int64_t bytes);

#endif
