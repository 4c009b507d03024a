/*
 * `headroom trial ID`: one trial from its row alone, in this process. The row's configuration says
 * all that is needed, so the same command works under a debugger, in a batch queue or in a sweep.
 * The results are committed in one transaction; an error becomes the row's reason.
 */
#include "harness/bench/bench_ceiling.h"
#include "harness/config/placement.h"
#include "harness/cli/command.h"
#include "harness/measure/ending_signals.h"
#include "harness/measure/environment.h"
#include "harness/measure/memory.h"
#include "harness/table/shown.h"
#include "harness/trial/profile.h"
#include "harness/trial/trial_log.h"
#include "harness/store/comparison.h"
#include "harness/store/store.h"
#include "harness/store/store_pending.h"
#include "harness/trial/tuning.h"
#include "models/base/clock.h"
#include "models/base/path.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1200 };

/* How far a training is, is stored at most so often, and in at most so much of its time: on a slow disk
 * a commit may take a tenth of a second. */
static const double tell_seconds = 2, tell_share = 0.01;

/* A trial with all it needs to run. */
struct task {
    const char *db;
    bool no_ceiling; /* of its environment: not to be measured */
    int save_minutes;
    struct store *store;
    struct trial_row row;
    struct experiment *experiment;
    struct trial_identity identity;
    struct placement placement;
    const struct device *device;
    /* What was found and is not stored yet: at most one of the two. */
    const struct training_result *training;
    const struct profiling_result *profiling;
    bool kept;       /* in its pending file */
    double tells_at; /* when its progress is stored next, on the one clock */
};

/* Somebody keeps the database locked: what was found goes to a file of its own, and we wait. */
static void wait_for_database(void *context, const char *who) {
    struct task *task = context;
    struct error error = {0};
    shown_print(stderr, "waiting for %s, which keeps %s locked\n", who, task->db);
    if (task->kept || (!task->training && !task->profiling)) return;
    task->kept =
        store_pending_write(task->store, &task->row, task->training, task->profiling, &error);
    if (task->kept)
        shown_print(stderr,
                    "the result is kept in pending/%s.db beside it: the next sweep stores it if "
                    "this process ends before\n",
                    task->row.key);
    else
        shown_print(stderr, "%s\n", error.text);
}

static void tell_progress(void *context, const struct training_progress *progress) {
    struct task *task = context;
    double now = clock_seconds();
    if (now < task->tells_at) return;
    store_progress(task->store, task->row.id, progress);
    task->tells_at = now + fmax(tell_seconds, (clock_seconds() - now) / tell_share);
}

/* While a training runs, signals that ask it to end wait for its next step, so that it can leave
 * behind where it stands; once they are let through they end the process as ever. */
static void hold_endings(bool hold) {
    sigset_t set;
    ending_signals(&set);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static bool must_stop(void *context) {
    sigset_t endings, pending;
    (void)context;
    ending_signals(&endings);
    sigpending(&pending);
    sigandset(&pending, &pending, &endings);
    return !sigisemptyset(&pending);
}

static bool is_on_card(const struct task *task) {
    return strcmp(placement_kind(&task->placement), "cpu") != 0;
}

static bool task_load(struct task *task, int64_t id, struct error *error) {
    if (!store_open_trial(task->db, wait_for_database, task, &task->store, error) ||
        !store_load_trial(task->store, id, &task->row, error))
        return false;
    struct experiment *e = task->experiment;
    task->identity = (struct trial_identity){task->row.kind, task->row.config, task->row.key};
    if (!trial_key_require(task->row.key, error) ||
        !experiment_read_trial_json(task->row.config, strlen(task->row.config), e, error))
        return error_prefix(error, "trial %" PRId64, id);
    task->placement = strcmp(task->row.kind, "train") == 0
                          ? placement_of_training(&e->train)
                          : placement_of_profile(&e->train, &e->profile, 0);
    snprintf(e->name, sizeof e->name, "%s", task->row.workload);
    snprintf(e->arms[0].name, sizeof e->arms[0].name, "%s", task->row.arm);
    return true;
}

/* Takes the row for this process, together with the machine it runs on, and the card. */
static bool task_claim(const struct task *task, struct environment *environment, int64_t *id,
                       struct error *error) {
    environment_read(store_library(), environment);
    if (is_on_card(task)) {
        hold_endings(true); /* here already its driver starts threads */
        environment_read_card("", environment);
        hold_endings(false);
    }
    return store_machine(task->store, environment, id, error) &&
           store_claim(task->store, task->row.id, getpid(), *id, error);
}

/* What rooflines are drawn with, measured by the first profile of a sweep, and in a long one each
 * minute: the best stays, so one that was taken on a busy machine does no harm for long. A machine
 * without the memory for it still gets its times. */
static bool measure_ceiling(struct store *store, int64_t environment_id, struct error *error) {
    struct ceiling ceiling;
    struct error cause;
    bool fresh;
    char ignored[160];
    if (!store_ceiling_is_fresh(store, environment_id, &fresh, error)) return false;
    if (fresh) return true;
    if (!bench_ceiling(&ceiling, &cause)) {
        shown_print(stderr, "no roofline: %s\n", cause.text);
        return true;
    }
    memory_reset_peak(ignored, sizeof ignored); /* its arrays are no part of the profile */
    return store_ceiling(store, environment_id, &ceiling, error);
}

/* The row of the training whose checkpoint this trial starts from, and where that is: `what` is
 * "training" for a profile and "base" for a training. The row is the caller's to free. */
static bool find_base(const struct task *task, const char *what, struct trial_row *base,
                      char path[PATH_SIZE], struct error *error) {
    char name[CHECKPOINT_NAME_SIZE];
    if (!store_load_trial(task->store, task->row.base_trial_id, base, error)) return false;
    if (strcmp(base->status, "ok") != 0 || !base->checkpoint[0])
        return error_set(error, "its %s, trial %" PRId64 ", is %s: run it first", what, base->id,
                         base->status);
    if (!store_checkpoint_path(task->store, base->key, name, path, PATH_SIZE, error))
        return error_prefix(error, "its %s, trial %" PRId64, what, base->id);
    return access(path, F_OK) == 0 ||
           error_set(error,
                     "%s, the checkpoint of its %s, is gone: a sweep trains it again, or put the "
                     "file back",
                     path, what);
}

static bool task_train(struct task *task, struct error *error) {
    char name[CHECKPOINT_NAME_SIZE], path[PATH_SIZE], folder[PATH_SIZE], base_path[PATH_SIZE];
    struct trial_row base = {0};
    struct training_context context = {.device = task->device,
                                       .checkpoint = path,
                                       .trial = task->row.key,
                                       .log = stderr,
                                       .hear = tell_progress,
                                       .hearer = task,
                                       .must_stop = must_stop,
                                       .save_seconds = 60.0 * task->save_minutes,
                                       .states = path,
                                       .identity = &task->identity};
    struct training_result result = {0};
    bool ok = false;
    if (!store_checkpoint_path(task->store, task->row.key, name, path, sizeof path, error) ||
        !path_beside(path, "", folder, sizeof folder))
        goto done;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        error_set(error, "%s: %s", folder, strerror(errno));
        goto done;
    }
    if (task->row.base_trial_id) {
        if (!find_base(task, "base", &base, base_path, error)) goto done;
        context.base = (struct trained){base_path, base.key, base.checkpoint_sha256};
    }
    task->tells_at = clock_seconds() + tell_seconds;
    ok = tuning_run(task->experiment, &context, &result, error);
    hold_endings(false);
    if (!ok) goto done;
    snprintf(result.checkpoint, sizeof result.checkpoint, "%s", name);
    task->training = &result;
    ok = store_finish_training(task->store, task->row.id, &result, error);
    task->training = NULL;
    if (ok) training_forget(path);
done:
    training_result_free(&result);
    trial_row_free(&base);
    return ok;
}

static bool task_profile(struct task *task, const struct environment *environment,
                         int64_t environment_id, struct error *error) {
    char path[PATH_SIZE];
    struct trial_row base = {0};
    struct profiling_result result = {0};
    bool ok = false;
    if (!find_base(task, "training", &base, path, error)) goto done;
    if (strcmp(environment->build, "release") != 0 &&
        !store_warning(task->store, task->row.id,
                       "timed with a debug or sanitizer build: do not compare these times", error))
        goto done;
    /* It is of a core, and says nothing of a card. */
    if (!task->no_ceiling && !is_on_card(task) &&
        !measure_ceiling(task->store, environment_id, error))
        goto done;
    struct trained trained = {path, base.key, base.checkpoint_sha256};
    if (!profiling_run(task->experiment, &task->identity, &trained, task->device, &result, error))
        goto done;
    task->profiling = &result;
    ok = (!result.warning[0] || store_warning(task->store, task->row.id, result.warning, error)) &&
         store_finish_profiling(task->store, task->row.id, &result, error);
    task->profiling = NULL;
done:
    profiling_result_free(&result);
    trial_row_free(&base);
    return ok;
}

/* Opened once for all that the trial does. In a sweep its process sees one card. */
static bool task_open_device(struct task *task, const struct environment *environment,
                             struct error *error) {
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    if (!device_open(task->placement.device, (enum precision)task->placement.precision,
                     &task->device, error))
        return false;
    if (is_on_card(task))
        shown_print(stderr, "on %s, %s%s%s\n", environment->card,
                    placement_precision(&task->placement), visible ? ", CUDA_VISIBLE_DEVICES=" : "",
                    visible ? visible : "");
    return true;
}

/* Whatever cannot be allocated says so in one of these words: ours, a card's too, or the system's. */
static bool is_of_memory(const char *text) {
    return strstr(text, "out of memory") || strstr(text, strerror(ENOMEM));
}

static bool compare_arms(const char *db, struct error *error) {
    struct store *store = NULL;
    bool ok = store_open(db, &store, error) && comparison_update(store, error);
    store_close(store);
    return ok;
}

/* After the claim every way out ends the row. */
static bool task_run(struct task *task, struct error *error) {
    struct environment environment;
    struct error second;
    int64_t environment_id;
    char text[sizeof error->text + sizeof error->at.file + 32];
    if (!task_claim(task, &environment, &environment_id, error)) return false;
    /* Without a log its sweep still holds what it says: no reason to lose the work. */
    if (getenv(TRIAL_LOG_VARIABLE) &&
        !trial_log_open(task->db, task->row.key, task->row.id, &second))
        shown_print(stderr, "%s\n", second.text);
    bool trains = strcmp(task->row.kind, "train") == 0;
    if (trains) hold_endings(true); /* threads that a device starts then do not get them either */
    bool ok = task_open_device(task, &environment, error);
    if (ok && !trains)
        ok = task_profile(task, &environment, environment_id, error);
    else if (ok)
        ok = task_train(task, error);
    device_close(task->device);
    if (ok && task->kept) store_pending_forget(task->store, task->row.key);
    /* A sweep compares arms once, at its end. */
    if (ok && !getenv(TRIAL_LOG_VARIABLE) && !compare_arms(task->db, &second))
        shown_print(stderr, "arms are not compared yet: %s\n", second.text);
    if (ok) return true;
    error_format(error, text, sizeof text);
    const char *status = is_of_memory(text) ? "oom" : "failed";
    if (!store_end_trial(task->store, task->row.id, status, text, &second))
        shown_print(stderr, "%s\n", second.text);
    return false;
}

static int run(const struct arguments *arguments, struct error *error) {
    struct task task = {.db = arguments->db,
                        .no_ceiling = arguments->no_ceiling,
                        .save_minutes = arguments->save_every,
                        .experiment = calloc(1, sizeof *task.experiment)};
    char *end;
    bool ok = false;
    errno = 0;
    int64_t id = strtoll(arguments->words[0], &end, 10);
    if (errno || *end || id < 1) {
        error_set(error, "'%s' is no trial: give its number, see `headroom list trials`",
                  arguments->words[0]);
        free(task.experiment);
        return EXIT_USAGE;
    }
    if (!task.experiment)
        error_set(error, "out of memory");
    else if (access(arguments->db, F_OK) != 0)
        error_set(error, "%s: %s; `headroom sweep --dry-run` shows what a sweep would plan",
                  arguments->db, strerror(errno));
    else
        ok = task_load(&task, id, error) && task_run(&task, error);
    if (ok)
        shown_print(stderr, "trial %" PRId64 " is ok: %s/%s/%" PRId64 "\n", id, task.row.workload,
                    task.row.arm, task.row.seed);
    trial_row_free(&task.row);
    store_close(task.store);
    free(task.experiment);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command trial_command = {
    "trial",
    "run one planned trial in this process",
    "ID",
    1,
    1,
    {"no-ceiling", "save-every", "db"},
    "ID is the number that `headroom list trials` prints. One BLAS thread, as in a sweep.\n"
    "\n"
    "examples:\n"
    "  OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 gdb --args headroom trial 12\n",
    run};
