/*
 * The parent of all trial processes. Signals are blocked and fetched with sigtimedwait, so that
 * there is no handler, no global and no race: one loop sees ends of children, interruptions and
 * time.
 *
 * Trainings run beside each other. Profiles run alone, but interleaved: all of a workload are
 * started, each stops itself before every block of timed passes (turn.h), and rounds of turns in a
 * shuffled order continue them one by one.
 */
#include "harness/sweep/sweep.h"
#include "harness/measure/cpu_quota.h"
#include "harness/measure/ending_signals.h"
#include "harness/sweep/cards.h"
#include "harness/store/report.h"
#include "harness/sweep/left_overs.h"
#include "harness/sweep/progress.h"
#include "harness/sweep/trial_process.h"
#include "harness/table/shown.h"
#include "harness/trial/trial_log.h"
#include "models/base/clock.h"
#include "models/base/rng.h"
#include "models/base/system_file.h"
#include "workloads/data/data_files.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct sweep {
    struct store *store;
    const struct sweep_options *options;
    struct sweep_result *result;
    struct progress progress;
    sigset_t watched; /* signals that this loop fetches */
    struct trial_process *children;
    int32_t *order; /* of turns: process ids */
    int n_children;
    struct places places; /* of trainings */
    double ended_cpu;     /* seconds that children of this queue used until they ended */
    bool stopping;
    double stopped_at;   /* when children were told to end */
    struct error broken; /* why nothing more is started; "" as long as all is well */
};

static bool is_ending(const struct sweep *sweep) {
    return sweep->stopping || sweep->broken.text[0];
}

static bool start_trial(struct sweep *sweep, const struct plan_trial *trial, int place,
                        struct error *error) {
    if (!trial_process_start(&sweep->children[sweep->n_children], sweep->options, trial, place,
                             &sweep->watched, error))
        return false;
    sweep->n_children++;
    return true;
}

/* ---- ending ---- */

/* A trial of the plan that this sweep does not run, or no longer: the counts and the talk. */
static void skip_trial(struct sweep *sweep, const struct plan_trial *trial, const char *why) {
    sweep->result->n_skipped++;
    progress_skip(&sweep->progress, trial->expected_flops);
    progress_clear(&sweep->progress);
    shown_print(sweep->options->talk, "skipped %s%s: %s\n", trial->kind, trial->label, why);
}

/* One that another process has: its results come without this sweep, or not at all. `what` says
 * which trial that is, id which one is run there. */
static bool leave_elsewhere(struct sweep *sweep, const struct plan_trial *trial, const char *what,
                            int64_t id, struct error *error) {
    char owner[512];
    if (!store_describe_owner(sweep->store, id, owner, sizeof owner, error)) return false;
    sweep->result->n_elsewhere++;
    progress_skip(&sweep->progress, trial->expected_flops);
    progress_clear(&sweep->progress);
    shown_print(sweep->options->talk, "left %s%s: %strial %" PRId64 " is run by %s\n", trial->kind,
                trial->label, what, id, owner);
    return true;
}

static bool is_pending(const struct trial_row *row) {
    return strcmp(row->status, "planned") == 0 || strcmp(row->status, "running") == 0;
}

/* What is said of a trial that has ended; of a result, what it is. */
static void describe_end(struct sweep *sweep, const struct trial_process *child,
                         const struct trial_row *row, char *out, size_t size) {
    const char *kind = child->trial->kind, *label = child->trial->label;
    if (strcmp(row->status, "ok") == 0) {
        char outcome[128];
        struct error ignored; /* it is only talk */
        report_outcome(sweep->store, child->trial->id, outcome, sizeof outcome, &ignored);
        snprintf(out, size, "ok %s%s%s%s", kind, label, outcome[0] ? ": " : "", outcome);
    } else {
        bool log = trial_process_has_log(child);
        snprintf(out, size, "%s %s%s: %s%s%s%s", row->status, kind, label, row->reason,
                 log ? " (log: " : "", log ? child->log : "", log ? ")" : "");
    }
}

/* Settles one ended child: its row, the counts, the talk. Its own word, if it had one, stays. */
static bool finish_trial(struct sweep *sweep, const struct trial_process *child, int status,
                         struct error *error) {
    struct trial_row row = {0};
    char reason[512], text[2048];
    int64_t id = child->trial->id;
    const char *verdict =
        trial_process_verdict(child, status, sweep->stopping, reason, sizeof reason);
    if (!store_load_trial(sweep->store, id, &row, error)) return false;
    if (is_pending(&row)) {
        trial_row_free(&row);
        /* Read again, because another sweep's process may be faster. */
        if (!store_end_trial(sweep->store, id, verdict, reason, error) ||
            !store_load_trial(sweep->store, id, &row, error))
            return false;
    }
    if (is_pending(&row)) {
        trial_row_free(&row);
        return leave_elsewhere(sweep, child->trial, "", id, error);
    }
    bool ok = strcmp(row.status, "ok") == 0;
    if (ok)
        sweep->result->n_ok++;
    else if (strcmp(row.status, "interrupted") == 0)
        sweep->result->n_left++;
    else
        sweep->result->n_failed++;
    describe_end(sweep, child, &row, text, sizeof text);
    if (sweep->result->n_failed == 1 && !sweep->result->first_failure[0])
        snprintf(sweep->result->first_failure, sizeof sweep->result->first_failure, "%.*s",
                 (int)sizeof sweep->result->first_failure - 1, text);
    trial_row_free(&row);
    progress_trial(&sweep->progress, ok, child->trial->expected_flops, trial_process_seconds(child),
                   text);
    return true;
}

/* Where the database can no longer be used, trials that run may still store their results, when
 * somebody has made room: they are not stopped for it. */
static void note_broken(struct sweep *sweep, const struct error *error) {
    if (sweep->broken.text[0]) return;
    sweep->broken = *error;
    progress_clear(&sweep->progress);
    shown_print(sweep->options->talk, "%s; no more trials are started, %d still run\n", error->text,
                sweep->n_children);
}

static double seconds_of(const struct timeval *time) {
    return (double)time->tv_sec + 1e-6 * (double)time->tv_usec;
}

static void reap(struct sweep *sweep) {
    struct error error = {0};
    for (int i = 0; i < sweep->n_children;) {
        int status;
        struct rusage used;
        struct trial_process *at = &sweep->children[i], child = *at;
        pid_t pid = wait4(at->pid, &status, WNOHANG | WUNTRACED | WCONTINUED, &used);
        if (pid == at->pid && (WIFSTOPPED(status) || WIFCONTINUED(status)))
            trial_process_changed(at, status);
        if (pid != at->pid || WIFSTOPPED(status) || WIFCONTINUED(status)) {
            i++;
            continue;
        }
        sweep->ended_cpu += seconds_of(&used.ru_utime) + seconds_of(&used.ru_stime);
        *at = sweep->children[--sweep->n_children];
        if (!child.trial->profile) places_leave(&sweep->places, child.place);
        if (!finish_trial(sweep, &child, status, &error)) note_broken(sweep, &error);
        trial_process_close(&child);
    }
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
    char running[1024] = "", inside[96];
    size_t used = 0;
    double busy = 0;
    if (!sweep->progress.terminal) return;
    for (int i = 0; i < sweep->n_children && used < sizeof running; i++) {
        const struct plan_trial *trial = sweep->children[i].trial;
        struct training_progress training;
        busy += trial_process_seconds(&sweep->children[i]);
        if (sweep->children[i].stopped_at > 0) continue;
        bool told = !trial->profile && store_read_progress(sweep->store, trial->id, &training);
        if (told) progress_format_training(&training, inside, sizeof inside);
        used += (size_t)snprintf(running + used, sizeof running - used, "%s%s%s", used ? ", " : "",
                                 trial->label, told ? inside : "");
    }
    progress_draw(&sweep->progress, running, busy);
}

static void kill_those_that_take_too_long(const struct sweep *sweep) {
    double waited = clock_seconds() - sweep->stopped_at;
    for (int i = 0; i < sweep->n_children; i++) {
        const struct trial_process *child = &sweep->children[i];
        double ran = trial_process_seconds(child) - waited;
        if (waited > trial_process_grace(ran, sweep->options->save_every))
            kill(-child->pid, SIGKILL);
    }
}

/* timeout(1) signals its child and then the child's group: what comes within a quarter of a second is
 * the first request once more. */
static void forget_repetition(const struct sweep *sweep) {
    const struct timespec wait = {.tv_nsec = 250000000};
    sigset_t requests = sweep->watched;
    sigdelset(&requests, SIGCHLD);
    sigtimedwait(&requests, NULL, &wait);
}

/* Waits up to half a second for something to happen, then looks at the clock. */
static void wait_for_event(struct sweep *sweep) {
    struct timespec tick = {.tv_nsec = 500000000};
    int number = sigtimedwait(&sweep->watched, NULL, &tick);
    if (number > 0 && number != SIGCHLD) {
        /* A later request does not wait for trials to end by themselves. */
        signal_children(sweep, sweep->stopping ? SIGKILL : SIGTERM);
        if (!sweep->stopping) {
            progress_clear(&sweep->progress);
            fprintf(
                sweep->options->talk,
                "stopping %d running trial%s; trainings save where they stand; again: at once\n",
                sweep->n_children, PLURAL_S(sweep->n_children));
            sweep->stopped_at = clock_seconds();
            forget_repetition(sweep);
        }
        sweep->stopping = sweep->result->interrupted = true;
    }
    if (sweep->stopping) kill_those_that_take_too_long(sweep);
    for (int i = 0; i < sweep->n_children; i++)
        trial_process_watch(&sweep->children[i], sweep->options);
}

/* Processor seconds of all children of this queue up to now. */
static double cpu_seconds(const struct sweep *sweep) {
    double seconds = sweep->ended_cpu;
    for (int i = 0; i < sweep->n_children; i++)
        seconds += trial_process_cpu_seconds(&sweep->children[i]);
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

/* Starts a trial whose base has its result if there is a place for it, or finds that it has not to
 * run; *waits: neither. */
static bool start_if_ready(struct sweep *sweep, const struct plan_trial *trial, bool *waits,
                           struct error *error) {
    bool ready, settled;
    int place = places_take(&sweep->places, trial->wanted);
    *waits = place == PLACE_NONE;
    if (*waits) return true;
    bool ok = settle_base(sweep, trial, &ready, &settled, error), started = false;
    *waits = ok && (!settled || (ready && runs_already(sweep, trial)));
    if (ok && ready && !*waits) {
        ok = settle_trial(sweep, trial, &ready, error);
        started = ok && ready && start_trial(sweep, trial, place, error);
        ok = ok && (started || !ready);
    }
    if (!started) places_leave(&sweep->places, place);
    return ok;
}

/* Starts the first trials of the queue whose bases have results, until their places are taken, and
 * takes them and what had to be skipped out of it. A base is longer than what waits for it, so it
 * comes first. */
static bool start_ready(struct sweep *sweep, const struct plan_trial **queue, size_t *n,
                        struct error *error) {
    for (size_t i = 0; i < *n && !places_are_full(&sweep->places);) {
        bool waits, ok = start_if_ready(sweep, queue[i], &waits, error);
        if (ok && waits) {
            i++;
            continue;
        }
        memmove(queue + i, queue + i + 1, (--*n - i) * sizeof *queue);
        if (!ok) return false;
    }
    return true;
}

/* How many of the trials can run at a time. */
static int count_places(const struct sweep *sweep, const struct plan_trial **queue, size_t n) {
    const struct places *places = &sweep->places;
    bool cpu = false, cards = false;
    for (size_t i = 0; i < n; i++) *(queue[i]->wanted == PLACE_CPU ? &cpu : &cards) = true;
    return cpu * places->on_cpu + cards * places->n_cards * places->on_card;
}

/* Runs the trainings, as many at a time as have places. Leaves no process behind, whatever
 * happens. */
static void run_trainings(struct sweep *sweep, const struct plan_trial **queue, size_t n) {
    double flops = 0, start = clock_seconds();
    int slots = count_places(sweep, queue, n);
    size_t n_waiting = n;
    struct error error;
    sweep->ended_cpu = 0;
    for (size_t i = 0; i < n; i++) flops += queue[i]->expected_flops;
    progress_start(&sweep->progress, sweep->options->talk, "training", (int)n, slots, flops);
    while ((n_waiting > 0 && !is_ending(sweep)) || sweep->n_children > 0) {
        if (!is_ending(sweep) && !start_ready(sweep, queue, &n_waiting, &error))
            note_broken(sweep, &error);
        if (n_waiting == 0 && n > (size_t)slots && slots > 1 && sweep->places.n_cards == 0 &&
            sweep->result->cores_used < 0) {
            /* The last one has started: until here every core had its trial. */
            int cores = slots < cpu_quota_cores("") ? slots : cpu_quota_cores("");
            sweep->result->cores_used = cpu_seconds(sweep) / (cores * (clock_seconds() - start));
        }
        draw(sweep);
        wait_for_event(sweep);
        reap(sweep);
    }
    progress_clear(&sweep->progress);
    sweep->result->n_left += (int)n_waiting;
}

/* ---- turns ---- */

/* Until no child runs: each has ended or has stopped itself. */
static void wait_for_stop(struct sweep *sweep) {
    for (;;) {
        int n_running = 0;
        for (int i = 0; i < sweep->n_children; i++) n_running += sweep->children[i].stopped_at == 0;
        if (n_running == 0) return;
        draw(sweep);
        wait_for_event(sweep);
        reap(sweep);
    }
}

/* Continues a child that has stopped itself, until it stops again or ends. */
static void give_turn(struct sweep *sweep, pid_t pid) {
    for (int i = 0; i < sweep->n_children; i++) {
        if (sweep->children[i].pid != pid) continue;
        trial_process_continue(&sweep->children[i]);
        wait_for_stop(sweep);
        return;
    }
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
    for (*n_taken = 0; *n_taken < n && !is_ending(sweep); ++*n_taken) {
        const struct plan_trial *trial = queue[*n_taken];
        bool ready;
        if (strncmp(trial->label, queue[0]->label, name) != 0) break;
        if (sweep->n_children > 0 && memory_is_short()) break;
        if (!settle_trial(sweep, trial, &ready, error)) return false;
        if (!ready) continue;
        if (!start_trial(sweep, trial, places_of_profile(trial->wanted), error)) return false;
        wait_for_stop(sweep);
    }
    return true;
}

/* Rounds of turns, each in an order of its own, until all have ended. The order comes from the key
 * of the group's first trial, which is stored. */
static void take_turns(struct sweep *sweep, const char *key) {
    char digits[17];
    snprintf(digits, sizeof digits, "%.16s", key);
    struct rng rng = rng_stream(strtoull(digits, NULL, 16), RNG_TURNS);
    int n = sweep->n_children;
    for (int i = 0; i < n; i++) sweep->order[i] = sweep->children[i].pid;
    for (uint64_t round = 0; sweep->n_children > 0; round++) {
        rng_shuffle(&rng, round, sweep->order, (size_t)n);
        for (int i = 0; i < n; i++) give_turn(sweep, sweep->order[i]);
    }
}

/* Takes out of the queue what has no checkpoint to start from: all at once, because a failed
 * training or an interruption may leave hundreds of them. */
static bool settle_profiles(struct sweep *sweep, const struct plan_trial **queue, size_t *n,
                            struct error *error) {
    size_t n_ready = 0;
    bool ok = true;
    if (!store_begin(sweep->store, error)) return false;
    for (size_t i = 0; ok && i < *n; i++) {
        bool ready, settled;
        ok = settle_base(sweep, queue[i], &ready, &settled, error);
        if (ready) queue[n_ready++] = queue[i];
    }
    *n = n_ready;
    return store_end(sweep->store, ok, error);
}

/* Runs the profiles, one workload after the other. Leaves no process behind. */
static void run_profiles(struct sweep *sweep, const struct plan_trial **queue, size_t n) {
    struct error error;
    double flops = 0;
    for (size_t i = 0; i < n; i++) flops += queue[i]->expected_flops;
    progress_start(&sweep->progress, sweep->options->talk, "profiling", (int)n, 1, flops);
    if (!is_ending(sweep) && !settle_profiles(sweep, queue, &n, &error)) note_broken(sweep, &error);
    while (n > 0 && !is_ending(sweep)) {
        size_t n_taken;
        if (!start_group(sweep, queue, n, &n_taken, &error)) note_broken(sweep, &error);
        take_turns(sweep, queue[0]->key);
        queue += n_taken;
        n -= n_taken;
    }
    progress_clear(&sweep->progress);
    sweep->result->n_left += (int)n;
}

/* ---- what to run ---- */

/* Long for the sweep is also what others wait for. */
static int longest_first(const void *a, const void *b) {
    const struct plan_trial *x = *(const struct plan_trial *const *)a;
    const struct plan_trial *y = *(const struct plan_trial *const *)b;
    if (x->path_flops != y->path_flops) return x->path_flops < y->path_flops ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

/* Makes one trial ready to run; *run is false for one that is done, cannot run or runs elsewhere.
 * The plan may be older than what another sweep has written. */
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

/* ---- signals ---- */

/* Further requests to stop, which have been heard. */
static void forget_signals(const sigset_t *watched) {
    const struct timespec now = {0};
    while (sigtimedwait(watched, NULL, &now) > 0) continue;
}

/* ---- the whole ---- */

static bool make_log_folder(const char *db, struct error *error) {
    char folder[4096];
    if (!trial_log_folder(db, folder, sizeof folder))
        return error_set(error, "%s: the path is too long", db);
    if (mkdir(folder, 0777) == 0 || errno == EEXIST) return true;
    return error_set(error, "%s: %s; results and logs need a folder that can be written", folder,
                     strerror(errno));
}

static bool run_plan(struct sweep *sweep, const struct plan *plan, const struct plan_trial **queue,
                     struct error *error) {
    const struct plan_trial **profiles = queue + plan->n_trials;
    size_t n_trainings = 0, n_profiles = 0;
    if (!make_log_folder(sweep->options->db, error) ||
        !prepare_all(sweep, plan, queue, &n_trainings, profiles, &n_profiles, error) ||
        !cards_suffice(&sweep->places, sweep->options->cards, queue, n_trainings, error) ||
        !cards_suffice(&sweep->places, sweep->options->cards, profiles, n_profiles, error))
        return false;
    left_overs_remove(sweep->store, sweep->options->db);
    qsort(queue, n_trainings, sizeof *queue, longest_first);
    run_trainings(sweep, queue, n_trainings);
    run_profiles(sweep, profiles, n_profiles);
    /* Who asked for the end has it; that the database was not there for it was said. */
    if (!sweep->broken.text[0] || sweep->stopping) return true;
    *error = sweep->broken;
    return false;
}

bool sweep_run(struct store *store, const struct plan *plan, const struct sweep_options *options,
               struct sweep_result *result, struct error *error) {
    struct sweep sweep = {.store = store, .options = options, .result = result};
    const struct plan_trial **queue = calloc(2 * plan->n_trials + 1, sizeof *queue);
    /* Whoever reads the talk may go away: that ends no trial. */
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction pipe;
    sigset_t before;
    bool ok = false;
    *result = (struct sweep_result){.cores_used = -1};
    sweep.places = places_new(options->jobs, cpu_quota_cores(""), 0);
    sweep.children = calloc(plan->n_trials + 1, sizeof *sweep.children);
    sweep.order = calloc(plan->n_trials + 1, sizeof *sweep.order);
    ending_signals(&sweep.watched);
    sigaddset(&sweep.watched, SIGCHLD);
    sigprocmask(SIG_BLOCK, &sweep.watched, &before);
    sigaction(SIGPIPE, &ignore, &pipe);
    if (!queue || !sweep.children || !sweep.order)
        error_set(error, "out of memory");
    else
        ok = run_plan(&sweep, plan, queue, error);
    sigaction(SIGPIPE, &pipe, NULL);
    if (result->interrupted)
        forget_signals(&sweep.watched);
    else
        sigprocmask(SIG_SETMASK, &before, NULL);
    free(sweep.children);
    free(sweep.order);
    free(queue);
    return ok;
}
