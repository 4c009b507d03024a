/*
 * Starting valgrind and reading what it says. The child gets its inputs as lines of token indices,
 * so that no data set is read under simulation, and an environment of its own: stray settings, and
 * even the size of the environment, would change addresses and with them the misses.
 */
#include "harness/measure/simulated_counters.h"
#include "harness/config/installation.h"
#include "harness/measure/environment.h"
#include "harness/measure/temporary.h"
#include "models/base/last_line.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS_PER_ROLE_MAX = 3, EVENTS_MAX = 24, REPLY_MAX = 128 };

/* Where a role's value comes from: the sum of callgrind's events (Ir: instructions; Bc, Bi:
 * conditional and indirect branches; m: missed; 1, L: first and last level; r, w: read and
 * write), or a line of the child's own output. */
static const struct {
    const char *role, *what; /* `what` as stored beside the value */
    const char *events[EVENTS_PER_ROLE_MAX];
    const char *line;
} roles[SIMULATED_ROLES] = {
    {"instructions", "Ir", {"Ir"}, NULL},
    {"branches", "Bc + Bi", {"Bc", "Bi"}, NULL},
    {"branch_misses", "Bcm + Bim", {"Bcm", "Bim"}, NULL},
    {"l1d_misses", "D1mr + D1mw", {"D1mr", "D1mw"}, NULL},
    {"llc_misses", "ILmr + DLmr + DLmw", {"ILmr", "DLmr", "DLmw"}, NULL},
    {"executed_flops", "booked by the kernels in the passes", {NULL}, "executed_flops"},
    {"heads_run", "booked in the passes", {NULL}, "heads_run"},
};

/* What goes into the child and comes out of it: files of one private folder. */
enum file { INPUTS, REPLY, TALK, COUNTS, N_FILES };
static const char *const file_names[N_FILES] = {"inputs", "reply", "talk", "counts"};

struct run {
    const struct simulation *simulation;
    char program[1024], valgrind[1024];
    struct temporary folder;
    char path[N_FILES][540];
    char reason[256]; /* why it failed; "" so far */
    char tool[32];    /* "callgrind-3.19.0" */
    char build[REPLY_MAX], kernels[REPLY_MAX];
    int n_events;
    struct {
        char name[16];
        double count;
    } event[EVENTS_MAX];
};

static bool explain(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool explain(struct run *run, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->reason, sizeof run->reason, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- what is needed ---- */

static bool find_valgrind(const char *at, char *out, size_t size) {
    while (at && *at) {
        int length = (int)strcspn(at, ":");
        snprintf(out, size, "%.*s/valgrind", length, at);
        if (length > 0 && access(out, X_OK) == 0) return true;
        at += length + (at[length] == ':');
    }
    return false;
}

static bool find_tools(const char *path, const char *program, struct run *run) {
    if (!installation_program("headroom-v3", run->program, sizeof run->program))
        return explain(run, "/proc does not tell where this program is");
    if (program) snprintf(run->program, sizeof run->program, "%s", program);
    if (!find_valgrind(path, run->valgrind, sizeof run->valgrind))
        return explain(run, "valgrind is not in PATH: `sudo apt-get install valgrind`");
    if (access(run->program, X_OK) != 0)
        return explain(run,
                       "%.150s, a build for x86-64 without AVX-512, which valgrind cannot run, is "
                       "not there: make headroom-v3",
                       run->program);
    return true;
}

bool simulated_counters_usable(const char *path, const char *program, char *detail, size_t size) {
    struct run run = {0};
    bool ok = find_tools(path, program, &run);
    if (ok)
        snprintf(detail, size, "%.100s with %.100s", run.valgrind, run.program);
    else
        snprintf(detail, size, "%s", run.reason);
    return ok;
}

/* ---- running ---- */

static bool make_folder(struct run *run) {
    struct error error;
    if (!temporary_make(&run->folder, &error)) return explain(run, "%.200s", error.text);
    for (int i = 0; i < N_FILES; i++)
        snprintf(run->path[i], sizeof run->path[i], "%s/%s", run->folder.path, file_names[i]);
    return true;
}

/* One line an input: its index in the split (which keys random choices), then its tokens. */
static bool write_inputs(struct run *run) {
    const struct simulation *s = run->simulation;
    FILE *out = fopen(run->path[INPUTS], "w");
    if (!out) return explain(run, "%s: %s", run->path[INPUTS], strerror(errno));
    for (int i = 0; i < s->n_inputs; i++) {
        fprintf(out, "%" PRId32, s->index[i]);
        for (int t = s->split->offsets[s->index[i]]; t < s->split->offsets[s->index[i] + 1]; t++)
            fprintf(out, " %" PRId32, s->split->tokens[t]);
        fputc('\n', out);
    }
    bool ok = !ferror(out);
    ok = fclose(out) == 0 && ok;
    return ok || explain(run, "%s: %s", run->path[INPUTS], strerror(errno));
}

static bool redirect(const char *path, int flags, int to) {
    int file = open(path, flags, 0600);
    return file >= 0 && dup2(file, to) >= 0;
}

/* Runs in the new process and does not come back. */
static void become_valgrind(const struct run *run, pid_t parent) {
    char counts[600], checkpoint[1200], batch[16], seed[24], library[1100] = "LD_LIBRARY_PATH=";
    const char *path = getenv("LD_LIBRARY_PATH");
    snprintf(counts, sizeof counts, "--callgrind-out-file=%s", run->path[COUNTS]);
    snprintf(checkpoint, sizeof checkpoint, "%s", run->simulation->checkpoint);
    snprintf(batch, sizeof batch, "%d", run->simulation->batch_size);
    snprintf(seed, sizeof seed, "%" PRIu64, run->simulation->seed);
    snprintf(library, sizeof library, "LD_LIBRARY_PATH=%s", path ? path : "");
    char *const arguments[] = {"valgrind",
                               "-q",
                               "--tool=callgrind",
                               "--collect-atstart=no",
                               ("--toggle-collect=" SIMULATED_FUNCTION),
                               "--cache-sim=yes",
                               "--branch-sim=yes",
                               "--I1=32768,8,64",
                               "--D1=32768,8,64",
                               "--LL=8388608,16,64",
                               counts,
                               (char *)run->program,
                               "forward",
                               checkpoint,
                               batch,
                               seed,
                               NULL};
    char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                 "OPENBLAS_CORETYPE=Haswell",
                                 "OPENBLAS_NUM_THREADS=1",
                                 "OMP_NUM_THREADS=1",
                                 path ? library : NULL,
                                 NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || !redirect(run->path[INPUTS], O_RDONLY, 0) ||
        !redirect(run->path[REPLY], O_WRONLY | O_CREAT, 1) ||
        !redirect(run->path[TALK], O_WRONLY | O_CREAT, 2))
        _exit(127);
    execve(run->valgrind, arguments, environment);
    dprintf(2, "cannot start %s: %s\n", run->valgrind, strerror(errno));
    _exit(127);
}

static bool run_valgrind(struct run *run) {
    int status = 0;
    char talk[151];
    pid_t parent = getpid(), child = fork();
    if (child == 0) become_valgrind(run, parent);
    if (child < 0) return explain(run, "cannot start a process: %s", strerror(errno));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return explain(run, "lost valgrind: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    last_line_read(run->path[TALK], talk, sizeof talk);
    return explain(run, "valgrind ended with %s %d%s%s", WIFEXITED(status) ? "status" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), talk[0] ? ": " : "",
                   talk);
}

/* ---- reading ---- */

/* The rest of the first line that starts with `name` and what follows it; false if there is
 * none. */
static bool find_line(const char *path, const char *name, const char *follows, char *out,
                      size_t size) {
    char line[1024];
    bool found = false;
    size_t length = strlen(name), gap = strlen(follows);
    FILE *in = fopen(path, "r");
    while (in && !found && fgets(line, sizeof line, in)) {
        found = strncmp(line, name, length) == 0 && strncmp(line + length, follows, gap) == 0;
        line[strcspn(line, "\n")] = '\0';
        if (found) snprintf(out, size, "%s", line + length + gap);
    }
    if (in) fclose(in);
    return found;
}

/* A count as written, or NaN: a negative one, or one with something behind it, is none. */
static double read_count(const char *text) {
    char *end;
    double value = strtod(text, &end);
    return end != text && !*end && value >= 0 && isfinite(value) ? value : (double)NAN;
}

/* Callgrind's file names the events in one line and has their totals in another. */
static bool read_counts(struct run *run) {
    char names[512], totals[512], *name_end, *total_end;
    if (!find_line(run->path[COUNTS], "events", ": ", names, sizeof names) ||
        !find_line(run->path[COUNTS], "totals", ": ", totals, sizeof totals) ||
        !find_line(run->path[COUNTS], "creator", ": ", run->tool, sizeof run->tool))
        return explain(run, "valgrind wrote no totals");
    char *name = strtok_r(names, " ", &name_end), *total = strtok_r(totals, " ", &total_end);
    for (; name && total && run->n_events < EVENTS_MAX; run->n_events++) {
        snprintf(run->event[run->n_events].name, sizeof run->event->name, "%s", name);
        run->event[run->n_events].count = read_count(total);
        name = strtok_r(NULL, " ", &name_end);
        total = strtok_r(NULL, " ", &total_end);
    }
    return true;
}

/* Another revision may run other passes: its counts would stand beside times they do not
 * explain. */
static bool read_build(struct run *run) {
    if (!find_line(run->path[REPLY], "build", " ", run->build, sizeof run->build) ||
        !find_line(run->path[REPLY], "kernels", " ", run->kernels, sizeof run->kernels))
        return explain(run, "%.150s does not say what it is: make headroom-v3", run->program);
    if (strcmp(run->build, environment_revision()) == 0) return true;
    return explain(run,
                   "headroom-v3 is of revision %.40s and this program of %.40s: make headroom-v3",
                   run->build, environment_revision());
}

/* The sum of a role's events over all passes; NaN if valgrind did not count one of them. */
static double sum_events(const struct run *run, const char *const events[EVENTS_PER_ROLE_MAX]) {
    double sum = 0;
    for (int i = 0; i < EVENTS_PER_ROLE_MAX && events[i]; i++) {
        int at = 0;
        while (at < run->n_events && strcmp(run->event[at].name, events[i]) != 0) at++;
        sum += at < run->n_events ? run->event[at].count : (double)NAN;
    }
    return sum;
}

static double value_of(const struct run *run, int role) {
    char text[REPLY_MAX];
    if (!roles[role].line) return sum_events(run, roles[role].events) / run->simulation->n_inputs;
    if (!find_line(run->path[REPLY], roles[role].line, " ", text, sizeof text)) return (double)NAN;
    return read_count(text);
}

static void fill(const struct run *run, int role, struct counter_result *out) {
    const struct simulation *s = run->simulation;
    double value = run->reason[0] ? (double)NAN : value_of(run, role);
    memset(out, 0, sizeof *out);
    snprintf(out->role, sizeof out->role, "%s", roles[role].role);
    snprintf(out->scope, sizeof out->scope, "simulator");
    out->available = isfinite(value);
    out->value = value;
    snprintf(out->status, sizeof out->status, out->available ? "simulated" : "unavailable");
    out->pass = out->available ? 0 : -1;
    if (!out->available) {
        snprintf(out->reason, sizeof out->reason, "%s",
                 run->reason[0] ? run->reason : "neither valgrind nor headroom-v3 reports it");
        return;
    }
    out->repeats = (s->n_inputs + s->batch_size - 1) / s->batch_size;
    snprintf(out->event, sizeof out->event, "%s of %s; headroom-v3 %.40s, %.60s", roles[role].what,
             run->tool, run->build, run->kernels);
}

void simulate_counters(const struct simulation *simulation,
                       struct counter_result out[SIMULATED_ROLES]) {
    struct run run = {.simulation = simulation};
    bool ok = find_tools(getenv("PATH"), simulation->program, &run) && make_folder(&run) &&
              write_inputs(&run) && run_valgrind(&run) && read_counts(&run) && read_build(&run);
    if (ok && !(sum_events(&run, roles[0].events) > 0))
        explain(&run, "valgrind never saw %s: is headroom-v3 stripped?", SIMULATED_FUNCTION);
    for (int role = 0; role < SIMULATED_ROLES; role++) fill(&run, role, &out[role]);
    temporary_remove(&run.folder);
}
