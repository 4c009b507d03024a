/*
 * The parent of all trial processes. Signals are blocked and fetched with sigtimedwait, so that
 * there is no handler, no global and no race: one loop sees ends of children, interruptions and
 * time. A child dies with its parent (PR_SET_PDEATHSIG) and stands in its own process group, so
 * that Ctrl-C reaches it only through the parent, which then knows why it ended.
 *
 * Trainings run beside each other. Profiles run alone, but interleaved: all of a workload are
 * started, each stops itself before every block of timed passes (turn.h), and rounds of turns in a
 * shuffled order continue them one by one.
 */
#include "harness/sweep/sweep.h"
#include "models/base/clock.h"
#include "harness/store/report.h"
#include "models/base/path.h"
#include "harness/sweep/progress.h"
#include "models/base/system_file.h"
#include "harness/measure/turn.h"
#include "harness/sweep/verdict.h"
#include "models/base/rng.h"
#include "workloads/data/data_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STOP_GRACE_SECONDS = 5 };

struct child {
    pid_t pid;
    const struct plan_trial *trial;
    double started;    /* moved by its pauses, so that now - started is how long it ran */
    double stopped_at; /* waiting for its turn since then; 0: running */
    long oom_kills;    /* of the machine when it started */
    bool timed_out;
};

struct sweep {
    struct store *store;
    const struct sweep_options *options;
    struct sweep_result *result;
    struct progress progress;
    sigset_t watched, before; /* signals this loop fetches; the mask children get back */
    char logs[512];
    struct child *children;
    int n_children, slots;
    double ended_cpu; /* seconds that children of this queue used until they ended */
    bool stopping;
    double kill_at; /* when children that ignore SIGTERM get SIGKILL; 0: done or not stopping */
};

static int default_jobs(void) {
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

/* ---- logs ---- */

bool sweep_log_folder(const char *db, char *out, size_t size, struct error *error) {
    if (!path_beside(db, "logs", out, size))
        return error_set(error, "%s: the path is too long", db);
    if (mkdir(out, 0777) == 0 || errno == EEXIST) return true;
    return error_set(error, "%s: %s; results and logs need a folder that can be written", out,
                     strerror(errno));
}

static void log_path(const struct sweep *sweep, int64_t id, char *out, size_t size) {
    snprintf(out, size, "%s/trial-%" PRId64 ".log", sweep->logs, id);
}

/* ---- starting ---- */

/* Runs in the new process and does not come back. */
static void become_trial(const struct sweep *sweep, const struct plan_trial *trial, pid_t parent,
                         int log) {
    const char *program = sweep->options->program ? sweep->options->program : "/proc/self/exe";
    char number[24], *db = strdup(sweep->options->db);
    int null = open("/dev/null", O_RDONLY);
    snprintf(number, sizeof number, "%" PRId64, trial->id);
    char *arguments[] = {"headroom", "trial", number, "--db", db, NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127); /* it died before the line above */
    setpgid(0, 0);
    sigprocmask(SIG_SETMASK, &sweep->before, NULL);
    setenv("OPENBLAS_NUM_THREADS", "1", 1); /* read when the library is loaded, so before exec */
    setenv("OMP_NUM_THREADS", "1", 1);
    if (trial->profile) setenv(TURN_VARIABLE, "1", 1);
    if (!db || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(127);
    execv(program, arguments);
    dprintf(2, "cannot start %s: %s\n", program, strerror(errno));
    _exit(127);
}

static bool start_trial(struct sweep *sweep, const struct plan_trial *trial, struct error *error) {
    char path[600];
    log_path(sweep, trial->id, path, sizeof path);
    int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log < 0) return error_set(error, "%s: %s", path, strerror(errno));
    struct child child = {
        .trial = trial, .started = clock_seconds(), .oom_kills = verdict_oom_kills()};
    pid_t parent = getpid();
    child.pid = fork();
    if (child.pid == 0) become_trial(sweep, trial, parent, log);
    int code = errno;
    close(log);
    if (child.pid < 0) return error_set(error, "cannot start a process: %s", strerror(code));
    setpgid(child.pid, child.pid); /* whoever of the two comes first */
    sweep->children[sweep->n_children++] = child;
    return true;
}

/* ---- ending ---- */

static const char *kind_of(const struct plan_trial *trial) {
    return trial->again ? "profile again " : trial->profile ? "profile " : "";
}

/* A trial of the plan that this sweep does not run, or no longer: the counts and the talk. */
static void skip_trial(struct sweep *sweep, const struct plan_trial *trial, const char *why) {
    sweep->result->n_skipped++;
    progress_skip(&sweep->progress, trial->expected_flops);
    progress_clear(&sweep->progress);
    fprintf(sweep->options->talk, "skipped %s%s: %s\n", kind_of(trial), trial->label, why);
}

/* One that another process has: its results come without this sweep, or not at all. `what` says which
 * trial that is, id which one is run there. */
static bool leave_elsewhere(struct sweep *sweep, const struct plan_trial *trial, const char *what,
                            int64_t id, struct error *error) {
    char owner[512];
    if (!store_describe_owner(sweep->store, id, owner, sizeof owner, error)) return false;
    sweep->result->n_elsewhere++;
    progress_skip(&sweep->progress, trial->expected_flops);
    progress_clear(&sweep->progress);
    fprintf(sweep->options->talk, "left %s%s: %strial %" PRId64 " is run by %s\n", kind_of(trial),
            trial->label, what, id, owner);
    return true;
}

/* How long a child has run, without the pauses between its turns. */
static double seconds_run(const struct child *child) {
    return (child->stopped_at > 0 ? child->stopped_at : clock_seconds()) - child->started;
}

static bool is_pending(const struct trial_row *row) {
    return strcmp(row->status, "planned") == 0 || strcmp(row->status, "running") == 0;
}

/* Settles one ended child: its row, the counts, the talk. */
static bool finish_trial(struct sweep *sweep, const struct child *child, int status,
                         struct error *error) {
    struct trial_row row = {0};
    char reason[512], text[1024];
    const char *kind = kind_of(child->trial);
    bool ok;
    if (!store_load_trial(sweep->store, child->trial->id, &row, error)) return false;
    ok = strcmp(row.status, "ok") == 0;
    if (!ok) {
        char log[600];
        log_path(sweep, child->trial->id, log, sizeof log);
        struct process_end end = {.status = status,
                                  .timeout = child->timed_out ? sweep->options->timeout : 0,
                                  .stopped = sweep->stopping,
                                  .oom_kills = child->oom_kills,
                                  .log = log};
        const char *verdict = verdict_of(&end, reason, sizeof reason);
        trial_row_free(&row); /* its own word, if it had one, stays: read the row again */
        if (!store_end_trial(sweep->store, child->trial->id, verdict, reason, error) ||
            !store_load_trial(sweep->store, child->trial->id, &row, error))
            return false;
        ok = strcmp(row.status, "ok") == 0; /* by now: another sweep's process was faster */
    }
    if (is_pending(&row)) { /* another process was faster */
        trial_row_free(&row);
        return leave_elsewhere(sweep, child->trial, "", child->trial->id, error);
    }
    if (ok) {
        char outcome[128];
        struct error ignored; /* it is only talk */
        report_outcome(sweep->store, child->trial->id, outcome, sizeof outcome, &ignored);
        snprintf(text, sizeof text, "ok %s%s%s%s", kind, child->trial->label,
                 outcome[0] ? ": " : "", outcome);
        sweep->result->n_ok++;
    } else {
        snprintf(text, sizeof text, "%s %s%s: %s (log: %s/trial-%" PRId64 ".log)", row.status, kind,
                 child->trial->label, row.reason, sweep->logs, child->trial->id);
        if (strcmp(row.status, "interrupted") == 0)
            sweep->result->n_left++;
        else
            sweep->result->n_failed++;
    }
    trial_row_free(&row);
    progress_trial(&sweep->progress, ok, child->trial->expected_flops, seconds_run(child), text);
    return true;
}

static double seconds_of(const struct timeval *time) {
    return (double)time->tv_sec + 1e-6 * (double)time->tv_usec;
}

static bool reap(struct sweep *sweep, struct error *error) {
    for (int i = 0; i < sweep->n_children;) {
        int status;
        struct rusage used;
        pid_t pid = wait4(sweep->children[i].pid, &status, WNOHANG | WUNTRACED, &used);
        if (pid == sweep->children[i].pid && WIFSTOPPED(status))
            sweep->children[i].stopped_at = clock_seconds();
        if (pid != sweep->children[i].pid || WIFSTOPPED(status)) {
            i++;
            continue;
        }
        sweep->ended_cpu += seconds_of(&used.ru_utime) + seconds_of(&used.ru_stime);
        struct child child = sweep->children[i];
        sweep->children[i] = sweep->children[--sweep->n_children];
        if (!finish_trial(sweep, &child, status, error)) return false;
    }
    return true;
}

/* SIGCONT, because a stopped process would keep any signal but SIGKILL for later. */
static void signal_children(const struct sweep *sweep, int number) {
    for (int i = 0; i < sweep->n_children; i++) {
        kill(-sweep->children[i].pid, number);
        kill(-sweep->children[i].pid, SIGCONT);
    }
}

/* ---- the loop ---- */

static void draw(struct sweep *sweep) {
    char running[512] = "";
    size_t used = 0;
    double busy = 0;
    for (int i = 0; i < sweep->n_children && used < sizeof running; i++) {
        busy += seconds_run(&sweep->children[i]);
        if (sweep->children[i].stopped_at > 0) continue;
        used += (size_t)snprintf(running + used, sizeof running - used, "%s%s", used ? ", " : "",
                                 sweep->children[i].trial->label);
    }
    progress_draw(&sweep->progress, running, busy);
}

/* Waits up to half a second for something to happen, then looks at the clock. */
static void wait_for_event(struct sweep *sweep) {
    struct timespec tick = {.tv_nsec = 500000000};
    int number = sigtimedwait(&sweep->watched, NULL, &tick);
    if (number == SIGINT || number == SIGTERM) {
        /* The second request does not wait for trials to end by themselves. */
        signal_children(sweep, sweep->stopping ? SIGKILL : SIGTERM);
        if (!sweep->stopping) {
            progress_clear(&sweep->progress);
            fprintf(sweep->options->talk, "stopping %d running trial%s\n", sweep->n_children,
                    PLURAL_S(sweep->n_children));
            sweep->kill_at = clock_seconds() + STOP_GRACE_SECONDS;
        }
        sweep->stopping = sweep->result->interrupted = true;
    }
    if (sweep->kill_at > 0 && clock_seconds() > sweep->kill_at) {
        signal_children(sweep, SIGKILL);
        sweep->kill_at = 0;
    }
    for (int i = 0; sweep->options->timeout > 0 && i < sweep->n_children; i++) {
        struct child *child = &sweep->children[i];
        if (seconds_run(child) < sweep->options->timeout) continue;
        child->timed_out = true;
        kill(-child->pid, SIGKILL);
    }
}

/* Processor seconds of all children of this queue up to now. */
static double cpu_seconds(const struct sweep *sweep) {
    double seconds = sweep->ended_cpu;
    for (int i = 0; i < sweep->n_children; i++) {
        clockid_t clock;
        struct timespec used;
        if (clock_getcpuclockid(sweep->children[i].pid, &clock) == 0 &&
            clock_gettime(clock, &used) == 0)
            seconds += (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
    }
    return seconds;
}

/* Whether the trial that this one needs the checkpoint of has a result. Where it has none and none
 * is to come, the trial is skipped with the reason; *settled says that its fate is known. */
static bool settle_base(struct sweep *sweep, const struct plan_trial *trial, bool *ready,
                        bool *settled, struct error *error) {
    struct trial_row base;
    const char *what = trial->profile ? "training" : "base";
    char reason[128];
    *ready = *settled = trial->base_id == 0;
    if (*ready) return true;
    if (!store_load_trial(sweep->store, trial->base_id, &base, error)) return false;
    bool elsewhere = strcmp(base.status, "running") == 0;
    *ready = strcmp(base.status, "ok") == 0;
    /* Else one of ours may be it, or lead to it; profiles come when all trainings have ended. */
    *settled = !is_pending(&base) || trial->profile || sweep->n_children == 0;
    snprintf(reason, sizeof reason, "its %s, trial %" PRId64 ", is %s", what, base.id, base.status);
    trial_row_free(&base);
    if (*ready || !*settled) return true;
    if (elsewhere) {
        snprintf(reason, sizeof reason, "its %s, ", what);
        return leave_elsewhere(sweep, trial, reason, trial->base_id, error);
    }
    skip_trial(sweep, trial, reason);
    return store_end_trial(sweep->store, trial->id, "skipped", reason, error);
}

/* Whether a trial is still to be run: since it was planned another sweep may have run it. */
static bool settle_trial(struct sweep *sweep, const struct plan_trial *trial, bool *ready,
                         struct error *error) {
    struct trial_row row;
    if (!store_load_trial(sweep->store, trial->id, &row, error)) return false;
    bool done = strcmp(row.status, "ok") == 0, elsewhere = strcmp(row.status, "running") == 0;
    trial_row_free(&row);
    *ready = !done && !elsewhere;
    if (done) progress_skip(&sweep->progress, trial->expected_flops);
    return !elsewhere || leave_elsewhere(sweep, trial, "", trial->id, error);
}

/* Two workloads may hold the same trial, and what it writes is named by its key. */
static bool runs_already(const struct sweep *sweep, const struct plan_trial *trial) {
    for (int i = 0; i < sweep->n_children; i++)
        if (strcmp(sweep->children[i].trial->key, trial->key) == 0) return true;
    return false;
}

/* Starts the first trials of the queue whose bases have results, until the slots are taken, and
 * takes them and what had to be skipped out of it. A base is longer than what waits for it, so it
 * comes first. */
static bool start_ready(struct sweep *sweep, const struct plan_trial **queue, size_t *n, int slots,
                        struct error *error) {
    for (size_t i = 0; i < *n && sweep->n_children < slots;) {
        const struct plan_trial *trial = queue[i];
        bool ready, settled;
        if (!settle_base(sweep, trial, &ready, &settled, error)) return false;
        if (!settled || (ready && runs_already(sweep, trial))) {
            i++;
            continue;
        }
        memmove(queue + i, queue + i + 1, (--*n - i) * sizeof *queue);
        if (ready && !settle_trial(sweep, trial, &ready, error)) return false;
        if (ready && !start_trial(sweep, trial, error)) return false;
    }
    return true;
}

/* Only after an error are there any left. */
static void kill_children(struct sweep *sweep) {
    signal_children(sweep, SIGKILL);
    while (sweep->n_children > 0) waitpid(sweep->children[--sweep->n_children].pid, NULL, 0);
}

/* Runs the trainings, at most `slots` at a time. Leaves no process behind, whatever happens. */
static bool run_trainings(struct sweep *sweep, const struct plan_trial **queue, size_t n, int slots,
                          struct error *error) {
    double flops = 0, start = clock_seconds();
    size_t n_waiting = n;
    bool ok = true;
    sweep->ended_cpu = 0;
    for (size_t i = 0; i < n; i++) flops += queue[i]->expected_flops;
    progress_start(&sweep->progress, sweep->options->talk, "training", (int)n, slots, flops);
    while (ok && ((n_waiting > 0 && !sweep->stopping) || sweep->n_children > 0)) {
        if (!sweep->stopping) ok = start_ready(sweep, queue, &n_waiting, slots, error);
        if (n_waiting == 0 && n > (size_t)slots && slots > 1 && sweep->result->cores_used < 0) {
            /* The last one has started: until here every core had its trial. */
            int cores = slots < default_jobs() ? slots : default_jobs();
            sweep->result->cores_used = cpu_seconds(sweep) / (cores * (clock_seconds() - start));
        }
        draw(sweep);
        wait_for_event(sweep);
        ok = ok && reap(sweep, error);
    }
    progress_clear(&sweep->progress);
    sweep->result->n_left += (int)n_waiting;
    kill_children(sweep);
    return ok;
}

/* ---- turns ---- */

/* Until no child runs: each has ended or has stopped itself. */
static bool wait_for_stop(struct sweep *sweep, struct error *error) {
    for (;;) {
        int n_running = 0;
        for (int i = 0; i < sweep->n_children; i++) n_running += sweep->children[i].stopped_at == 0;
        if (n_running == 0) return true;
        draw(sweep);
        wait_for_event(sweep);
        if (!reap(sweep, error)) return false;
    }
}

/* Continues a child that has stopped itself, until it stops again or ends. */
static bool give_turn(struct sweep *sweep, pid_t pid, struct error *error) {
    for (int i = 0; i < sweep->n_children; i++) {
        struct child *child = &sweep->children[i];
        if (child->pid != pid) continue;
        child->started += clock_seconds() - child->stopped_at;
        child->stopped_at = 0;
        kill(-pid, SIGCONT);
        return wait_for_stop(sweep, error);
    }
    return true; /* it has ended */
}

/* Stopped profiles keep their memory: with less than a quarter of the machine's free, no more are
 * started, and the workload's others take their turns after these. */
static bool memory_is_short(void) {
    static const char file[] = "/proc/meminfo";
    char total[32], available[32];
    return system_value("", file, "MemTotal", total, sizeof total) &&
           system_value("", file, "MemAvailable", available, sizeof available) &&
           4 * strtoll(available, NULL, 10) < strtoll(total, NULL, 10);
}

/* Starts profiles of one workload, from the first of the queue on, up to their first block. */
static bool start_group(struct sweep *sweep, const struct plan_trial **queue, size_t n,
                        size_t *n_taken, struct error *error) {
    size_t name = strcspn(queue[0]->label, "/") + 1;
    for (*n_taken = 0; *n_taken < n && !sweep->stopping; ++*n_taken) {
        const struct plan_trial *trial = queue[*n_taken];
        bool ready, settled;
        if (strncmp(trial->label, queue[0]->label, name) != 0) break;
        if (sweep->n_children > 0 && memory_is_short()) break;
        if (!settle_base(sweep, trial, &ready, &settled, error) ||
            (ready && !settle_trial(sweep, trial, &ready, error)))
            return false;
        if (ready && (!start_trial(sweep, trial, error) || !wait_for_stop(sweep, error)))
            return false;
    }
    return true;
}

/* Rounds of turns, each in an order of its own, until all have ended. The order comes from the key
 * of the group's first trial, which is stored. */
static bool take_turns(struct sweep *sweep, const char *key, struct error *error) {
    char digits[17];
    snprintf(digits, sizeof digits, "%.16s", key);
    struct rng rng = rng_stream(strtoull(digits, NULL, 16), RNG_TURNS);
    int n = sweep->n_children;
    int32_t *pid = malloc((size_t)n * sizeof *pid + 1);
    bool ok = pid || error_set(error, "out of memory");
    for (int i = 0; ok && i < n; i++) pid[i] = sweep->children[i].pid;
    for (uint64_t round = 0; ok && sweep->n_children > 0; round++) {
        rng_shuffle(&rng, round, pid, (size_t)n);
        for (int i = 0; ok && i < n; i++) ok = give_turn(sweep, pid[i], error);
    }
    free(pid);
    return ok;
}

/* Runs the profiles, one workload after the other. Leaves no process behind. */
static bool run_profiles(struct sweep *sweep, const struct plan_trial **queue, size_t n,
                         struct error *error) {
    double flops = 0;
    size_t n_taken;
    bool ok = true;
    for (size_t i = 0; i < n; i++) flops += queue[i]->expected_flops;
    progress_start(&sweep->progress, sweep->options->talk, "profiling", (int)n, 1, flops);
    for (; ok && n > 0 && !sweep->stopping; queue += n_taken, n -= n_taken)
        ok = start_group(sweep, queue, n, &n_taken, error) &&
             take_turns(sweep, queue[0]->key, error);
    progress_clear(&sweep->progress);
    sweep->result->n_left += (int)n;
    kill_children(sweep);
    return ok;
}

/* ---- what to run ---- */

/* Long for the sweep is also what others wait for. */
static int longest_first(const void *a, const void *b) {
    const struct plan_trial *x = *(const struct plan_trial *const *)a;
    const struct plan_trial *y = *(const struct plan_trial *const *)b;
    if (x->path_flops != y->path_flops) return x->path_flops < y->path_flops ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

/* Makes one trial ready to run; *run is false for one that is done, cannot run or runs elsewhere. The
 * plan may be older than what another sweep has written. */
static bool prepare(struct sweep *sweep, const struct plan_trial *trial, bool *run, int *n_retried,
                    struct error *error) {
    char reason[sizeof trial->missing + DATA_FILES_HINT_SIZE + 16], hint[DATA_FILES_HINT_SIZE];
    struct trial_row row;
    *run = false;
    if (!trial->selected) return true;
    if (!store_load_trial(sweep->store, trial->id, &row, error)) return false;
    bool planned = strcmp(row.status, "planned") == 0, skipped = strcmp(row.status, "skipped") == 0;
    bool done = strcmp(row.status, "ok") == 0, elsewhere = strcmp(row.status, "running") == 0;
    trial_row_free(&row);
    if (done) return true;
    if (trial->missing[0]) {
        sweep->result->n_skipped++;
        if (!planned) return true;
        data_files_hint(trial->missing, hint);
        snprintf(reason, sizeof reason, "%s is absent: %s", trial->missing, hint);
        return store_end_trial(sweep->store, trial->id, "skipped", reason, error);
    }
    if (elsewhere) return leave_elsewhere(sweep, trial, "", trial->id, error);
    *run = true;
    if (planned) return true;
    *n_retried += !skipped;
    return store_retry(sweep->store, trial->id, error);
}

/* All of them in one transaction: hundreds, each with its syncs, would keep a sweep beside this one
 * from its turn to write until it gives up. */
static bool prepare_all(struct sweep *sweep, const struct plan *plan,
                        const struct plan_trial **trainings, size_t *n_trainings,
                        const struct plan_trial **profiles, size_t *n_profiles,
                        struct error *error) {
    int n_retried = 0;
    bool ok = true;
    if (!store_begin(sweep->store, error)) return false;
    for (size_t i = 0; ok && i < plan->n_trials; i++) {
        const struct plan_trial *trial = &plan->trials[i];
        bool run;
        ok = prepare(sweep, trial, &run, &n_retried, error);
        if (!run) continue;
        if (trial->profile)
            profiles[(*n_profiles)++] = trial;
        else
            trainings[(*n_trainings)++] = trial;
    }
    if (!store_end(sweep->store, ok, error)) return false;
    if (n_retried > 0)
        fprintf(sweep->options->talk, "retrying %d trial%s that did not end well before\n",
                n_retried, PLURAL_S(n_retried));
    return true;
}

static bool run_plan(struct sweep *sweep, const struct plan *plan, const struct plan_trial **queue,
                     struct error *error) {
    const struct plan_trial **profiles = queue + plan->n_trials;
    size_t n_trainings = 0, n_profiles = 0;
    if (!prepare_all(sweep, plan, queue, &n_trainings, profiles, &n_profiles, error)) return false;
    qsort(queue, n_trainings, sizeof *queue, longest_first);
    if (!run_trainings(sweep, queue, n_trainings, sweep->slots, error)) return false;
    if (sweep->stopping) {
        sweep->result->n_left += (int)n_profiles;
        return true;
    }
    return run_profiles(sweep, profiles, n_profiles, error);
}

bool sweep_run(struct store *store, const struct plan *plan, const struct sweep_options *options,
               struct sweep_result *result, struct error *error) {
    struct sweep sweep = {.store = store, .options = options, .result = result};
    const struct plan_trial **queue = calloc(2 * plan->n_trials + 1, sizeof *queue);
    bool ok = false;
    *result = (struct sweep_result){.cores_used = -1};
    sweep.slots = options->jobs > 0 ? options->jobs : default_jobs();
    size_t room = plan->n_trials > (size_t)sweep.slots ? plan->n_trials : (size_t)sweep.slots;
    sweep.children = calloc(room, sizeof *sweep.children);
    sigemptyset(&sweep.watched);
    sigaddset(&sweep.watched, SIGINT);
    sigaddset(&sweep.watched, SIGTERM);
    sigaddset(&sweep.watched, SIGCHLD);
    sigprocmask(SIG_BLOCK, &sweep.watched, &sweep.before);
    if (!queue || !sweep.children)
        error_set(error, "out of memory");
    else if (sweep_log_folder(options->db, sweep.logs, sizeof sweep.logs, error))
        ok = run_plan(&sweep, plan, queue, error);
    sigprocmask(SIG_SETMASK, &sweep.before, NULL);
    free(sweep.children);
    free(queue);
    return ok;
}
