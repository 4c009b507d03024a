/*
 * Caches are not filled to be missed: a walk over more than the last level takes hundreds of
 * megabytes and tens of milliseconds on a server. The processors that Headroom is built for let any
 * program write a line back and drop it from every level, so a handful of lines misses all of them.
 */
#include "harness/measure/known_work.h"

#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

enum {
    LOOP = 500000, /* turns of a loop of two instructions: most of all instructions */
    OPERATIONS = 20000,
    BRANCHES = 5000,
    BYTES = 1 << 20, /* more than a first-level cache; below the size of a huge page */
    PAGE = 4096,
    PAGES = BYTES / PAGE,
    LINE = 64,
    STRIDE = 1024, /* further than a prefetcher of pairs of lines looks */
    LINES = BYTES / STRIDE
};

/* Exactly two instructions a turn where their encoding is known here. */
static void count_down(long n) {
#if defined(__x86_64__)
    __asm__ volatile("0: decq %0; jnz 0b" : "+r"(n) : : "cc");
#elif defined(__aarch64__)
    __asm__ volatile("0: subs %0, %0, #1; b.ne 0b" : "+r"(n) : : "cc");
#else
    for (volatile long left = n; left > 0; left--) {
    }
#endif
}

/* Dependent and volatile, so that nothing is left out, merged or vectorised: an addition and a
 * multiplication of each precision a step. */
static void compute(void) {
    volatile float single = 1.0f;
    volatile double twice = 1.0;
    for (int i = 0; i < OPERATIONS; i++) {
        single = single * 0.999f + 0.5f;
        twice = twice * 0.999 + 0.5;
    }
}

/* Every second one is taken, in an order that no predictor learns in time. */
static void branch(void) {
    volatile unsigned odd = 0, even = 0;
    uint32_t bits = 2463534242u; /* xorshift */
    for (int i = 0; i < BRANCHES; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 17;
        bits ^= bits << 5;
        if (bits & 1)
            odd = odd + bits;
        else
            even = even + bits;
    }
}

/* Elsewhere the lines stay, and an event that reads nothing then remains unproven. */
static void drop_line(const volatile unsigned char *line) {
#if defined(__SSE2__)
    __builtin_ia32_clflush((const void *)line);
#elif defined(__aarch64__)
    __asm__ volatile("dc civac, %0" : : "r"(line) : "memory");
#else
    (void)line;
#endif
}

/* Fresh pages are first read, for load misses of the data TLB, then written. The lines are read in
 * an order that no prefetcher guesses, each at an address that waits for the one before: the memory
 * holds only zeros after this was written, but the compiler cannot know. */
static void touch(volatile unsigned char *memory) {
    unsigned sum = 0;
    for (size_t i = 0; i < BYTES; i += PAGE) sum += memory[i];
    for (size_t i = 0; i < BYTES; i += LINE) memory[i] = (unsigned char)sum;
    for (size_t i = 0; i < BYTES; i += STRIDE) drop_line(memory + i);
    __sync_synchronize(); /* drop them before the first is read */
    for (size_t i = 0, at = 0; i < LINES; i++)
        at = (at + 389 + memory[at * STRIDE]) % LINES; /* odd: all lines of a power of two */
}

static int64_t thread_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0) return 0;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t known_work_run(void) {
    int64_t start = thread_ns();
    void *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    count_down(LOOP);
    compute();
    branch();
    if (memory != MAP_FAILED) {
        touch(memory);
        munmap(memory, BYTES);
    }
    nanosleep(&(struct timespec){.tv_nsec = 1}, NULL); /* one context switch */
    return thread_ns() - start;
}

static struct known_range between(int64_t least, int64_t most) {
    return (struct known_range){least, most};
}

struct known_range known_work_range(enum counter_role_id role, int64_t cpu_ns) {
    const int64_t loop = LOOP, lines = LINES, pages = PAGES, operations = OPERATIONS;
    switch (role) {
    case ROLE_CYCLES:
        return between(loop / 4, 20 * loop);
    case ROLE_INSTRUCTIONS:
        return between(2 * loop, 4 * loop);
    case ROLE_FP_OPERATIONS:
        return between(4 * operations, 5 * operations);
    case ROLE_FP_SINGLE:
    case ROLE_FP_DOUBLE:
        return between(2 * operations, 5 * operations / 2);
    case ROLE_L1D_MISSES:
    case ROLE_L2_MISSES:
    case ROLE_LLC_MISSES: /* up to two for each line of the pages, where their writing misses too */
        return between(lines / 2, 2 * lines * STRIDE / LINE);
    case ROLE_BRANCH_MISSES:
        return between(BRANCHES / 8, BRANCHES);
    case ROLE_DTLB_MISSES: /* one for sixteen pages, as of faults below */
        return between(pages / 16, pages * PAGE / LINE);
    case ROLE_STALLED_CYCLES:
        return between(10 * lines, 20 * loop);
    case ROLE_TASK_CLOCK_NS:
        return between(cpu_ns / 2, 2 * cpu_ns);
    case ROLE_PAGE_FAULTS: /* one for sixteen pages where the kernel hands out 64 KiB */
        return between(pages / 16, 4 * pages);
    case ROLE_CONTEXT_SWITCHES:
        return between(1, 1000);
    case COUNTER_ROLES:
        break;
    }
    return between(0, INT64_MAX);
}
