/*
 * `headroom submit`: a sweep as jobs of a Slurm cluster. It plans like a sweep, shares the
 * trainings out, and submits what has no result yet and is not in the queue already: so the same
 * command submits what failed or ran out of time again.
 */
#include "harness/cli/command.h"
#include "harness/cli/plan_notes.h"
#include "harness/sweep/slurm_scripts.h"
#include "harness/sweep/slurm_status.h"
#include "harness/table/shown.h"
#include "models/base/path.h"
#include "models/base/sha256.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct submission {
    const struct arguments *arguments;
    struct store *store;
    struct plan plan;
    int n_elements;
    char name[32], folder[PATH_MAX], db[PATH_MAX], program[PATH_MAX], from[PATH_MAX];
    struct slurm_element element[SHARDS_MAX + 1]; /* by number, from 1 */
    bool left[SHARDS_MAX + 1];                    /* without all of its results */
    bool trains_on_card, profiles_on_card;
    size_t n_profiles_left, n_merges_left; /* without a result in the database */
    struct slurm_states states;
    struct text words, element_script, end_script;
};

/* ---- what there is to do ---- */

/* Whether a word of the user's gives sbatch this option, which may be cut short. */
static bool is_option(const char *word, size_t length, const char *letter, const char *name) {
    size_t n = strcspn(word, "=");
    if (n > length) n = length;
    return strncmp(word, letter, 2) == 0 ||
           (n > 2 && n <= strlen(name) && strncmp(word, name, n) == 0);
}

/* What finds elements again is this command's: their numbers, and the name of the jobs. */
static bool check_options(const struct flag_words *options, struct error *error) {
    static const char *const own[][2] = {{"-a", "--array"}, {"-J", "--job-name"}};
    for (int i = 0; i < options->n; i++) {
        const char *word = options->word[i];
        if (strpbrk(word, "\n\r"))
            return error_set(error, "--sbatch: an option has no line breaks");
        if (word[0] != '-' || !word[1])
            return error_set(error,
                             "--sbatch=%s: no option of sbatch; it is one with its value, such as "
                             "--sbatch=--partition=cpu",
                             word);
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            if (is_option(word, strcspn(word, " \t"), own[k][0], own[k][1]))
                return error_set(error,
                                 "--sbatch=%s: %s is what `submit` and `status` know elements "
                                 "by; leave it out%s",
                                 word, own[k][1], k == 0 ? " (--elements says how many)" : "");
    }
    return true;
}

static bool find_paths(struct submission *s, struct error *error) {
    const char *db = s->arguments->db;
    ssize_t n = readlink("/proc/self/exe", s->program, sizeof s->program - 1);
    if (n < 0 || !getcwd(s->from, sizeof s->from))
        return error_set(error, "%s: %s", n < 0 ? "/proc/self/exe" : "this folder",
                         strerror(errno));
    s->program[n] = '\0';
    n = snprintf(s->db, sizeof s->db, "%s%s%s", *db == '/' ? "" : s->from, *db == '/' ? "" : "/",
                 db);
    if (n >= (int)sizeof s->db) return error_set(error, "the path of %s is too long", db);
    return !strpbrk(s->db, "%\\\"\n") ||
           error_set(error,
                     "%s: Slurm reads %%, \\ and quotes in a path: name another folder with --db",
                     s->db);
}

static bool open_and_plan(struct submission *s, struct error *error) {
    const struct arguments *a = s->arguments;
    const struct plan_request request = {
        .files = a->words,
        .n_files = a->n_words,
        .folder = a->workloads,
        .tag = a->tag,
        .full = a->full,
        .overrides = a->overrides,
        .filter = a->filter,
        .shard = {.of = a->elements > 0 && a->elements < SHARDS_MAX ? a->elements : SHARDS_MAX},
        .replace = a->replace,
        .dry_run = a->dry_run,
    };
    bool there = access(a->db, F_OK) == 0;
    if (!(a->dry_run && there ? store_open_plan(a->db, &s->store, error)
                              : store_open(a->dry_run ? ":memory:" : a->db, &s->store, error)) ||
        !plan_make(s->store, &request, &s->plan, error))
        return false;
    plan_notes_print(&s->plan);
    s->n_elements =
        s->plan.shares.n_groups < request.shard.of ? s->plan.shares.n_groups : request.shard.of;
    if (s->plan.n_problems > 0) return error_set(error, "a file has problems, see above");
    return s->n_elements > 0 || error_set(error, "no training is planned that has its data");
}

/* Elements of other trials, or of as many others, are other jobs in another folder. Two filters may
 * take from the same groups, and which trials of a group are selected depends on what is done: so a
 * filter is hashed by its words. */
static bool name_it(struct submission *s, struct error *error) {
    char digits[65], number[16];
    struct sha256 hash;
    const char *filter = s->arguments->filter;
    sha256_start(&hash);
    if (filter) sha256_add(&hash, filter, strlen(filter) + 1);
    for (size_t i = 0; i < s->plan.n_trials; i++) {
        const struct plan_trial *trial = &s->plan.trials[i];
        if (trial->profile || trial->shard < 1) continue;
        snprintf(number, sizeof number, " %d\n", trial->shard);
        sha256_add(&hash, trial->key, strlen(trial->key));
        sha256_add(&hash, number, strlen(number));
    }
    sha256_finish(&hash, digits);
    snprintf(s->name, sizeof s->name, "headroom-%.8s", digits);
    return slurm_folder(s->db, s->name, s->folder, sizeof s->folder) ||
           error_set(error, "the path of %s is too long", s->db);
}

/* Whether an element has brought the result of this training. */
static bool is_brought(const struct submission *s, const struct plan_trial *trial,
                       struct store **shard, int *of) {
    char key[17];
    if (*of != trial->shard) {
        store_close(*shard);
        *shard = slurm_shard(s->folder, trial->shard);
        *of = trial->shard;
    }
    snprintf(key, sizeof key, "%.16s", trial->key);
    return *shard && store_has_result(*shard, key);
}

/* Which elements have something left. A profile stands behind its training in the plan. */
static void find_left(struct submission *s) {
    struct store *shard = NULL;
    int of = 0;
    bool trained_here = false;
    for (size_t i = 0; i < s->plan.n_trials; i++) {
        const struct plan_trial *trial = &s->plan.trials[i];
        bool ok = strcmp(trial->status, "ok") == 0;
        if (trial->profile) {
            if (!trained_here || s->arguments->no_profile) continue;
            s->profiles_on_card |= trial->wanted != PLACE_CPU;
            s->n_profiles_left += !ok;
            continue;
        }
        trained_here = trial->selected && trial->shard > 0;
        if (!trained_here) continue;
        struct slurm_element *element = &s->element[trial->shard];
        if (element->n_trainings++ == 0)
            snprintf(element->label, sizeof element->label, "%s", trial->label);
        s->trains_on_card |= trial->wanted != PLACE_CPU;
        s->n_merges_left += !ok;
        if (!ok && !is_brought(s, trial, &shard, &of)) s->left[trial->shard] = true;
    }
    store_close(shard);
}

/* ---- scripts ---- */

static void add_option(struct text *out, const char *name, const char *value) {
    if (!value) return;
    text_append(out, "--%s ", name);
    slurm_quote(out, value);
    text_append(out, " ");
}

/* What the sweeps of the jobs are asked for: what this command was. */
static void write_words(struct submission *s) {
    const struct arguments *a = s->arguments;
    struct text *out = &s->words;
    for (int i = 0; i < a->n_words; i++) {
        slurm_quote(out, a->words[i]);
        text_append(out, " ");
    }
    if (a->full) text_append(out, "--tier full ");
    add_option(out, "tag", a->tag);
    add_option(out, "filter", a->filter);
    for (int i = 0; i < a->overrides.n_set; i++) add_option(out, "set", a->overrides.set[i]);
    for (int i = 0; i < a->overrides.seeds.n; i++)
        text_append(out, "%s%d", i ? "," : "--seeds ", a->overrides.seeds.value[i]);
    if (a->overrides.seeds.n > 0) text_append(out, " ");
    add_option(out, "device", a->overrides.device);
    add_option(out, "precision", a->overrides.precision);
    if (a->timeout > 0) text_append(out, "--timeout %d ", a->timeout);
    if (a->memory > 0) text_append(out, "--memory %" PRId64 "M ", a->memory >> 20);
    if (a->replace) text_append(out, "--replace ");
    text_append(out, "%s", "");
}

static bool write_scripts(struct submission *s, struct error *error) {
    const struct arguments *a = s->arguments;
    write_words(s);
    if (s->words.failed) return error_set(error, "out of memory");
    const struct slurm_sweep sweep = {.name = s->name,
                                      .folder = s->folder,
                                      .program = s->program,
                                      .db = s->db,
                                      .from = s->from,
                                      .words = s->words.data,
                                      .n_elements = s->n_elements,
                                      .jobs = a->jobs > 0 ? a->jobs : 1,
                                      .save_every = a->save_every,
                                      .profiles = !a->no_profile,
                                      .replace = a->replace,
                                      .trains_on_card = s->trains_on_card,
                                      .profiles_on_card = s->profiles_on_card,
                                      .options = a->sbatch.word,
                                      .n_options = a->sbatch.n};
    slurm_element_script(&sweep, &s->element_script);
    slurm_end_script(&sweep, &s->end_script);
    return !(s->element_script.failed || s->end_script.failed) || error_set(error, "out of memory");
}

static bool write_file(const struct submission *s, const char *name, const char *text,
                       char path[PATH_MAX + 32], struct error *error) {
    snprintf(path, PATH_MAX + 32, "%s/%s", s->folder, name);
    FILE *file = fopen(path, "w");
    bool ok = file && fputs(text, file) >= 0;
    if (file) ok = fclose(file) == 0 && ok;
    return ok || error_set(error, "%s: %s", path, strerror(errno));
}

/* What `headroom status` reads. */
static bool write_list(const struct submission *s, struct error *error) {
    char path[PATH_MAX + 32];
    struct text list = {0};
    for (int i = 1; i <= s->n_elements; i++)
        text_append(&list, "%d %d %s\n", i, s->element[i].n_trainings, s->element[i].label);
    bool ok = list.failed ? error_set(error, "out of memory")
                          : write_file(s, "elements", list.data, path, error);
    text_free(&list);
    return ok;
}

/* ---- jobs ---- */

/* Appends the numbers of elements as Slurm reads them, "1-3,7"; returns how many there are. */
static int list_elements(const struct submission *s, struct text *out) {
    int n = 0;
    for (int i = 1; i <= s->n_elements; i++) {
        int first = i;
        while (i <= s->n_elements && s->left[i] && !s->states.element[i].queued) i++;
        if (i == first) continue;
        n += i - first;
        text_append(out, "%s%d", out->size > 0 ? "," : "", first);
        if (i - 1 > first) text_append(out, "-%d", i - 1);
    }
    return n;
}

/* Adds ":JOB" to those that the last one waits for, once. */
static void wait_for(struct text *after, const char *job) {
    size_t n = strlen(job);
    const char *at = after->data ? strchr(after->data, ':') : NULL;
    while (at && (strncmp(at + 1, job, n) != 0 || (at[n + 1] && at[n + 1] != ':')))
        at = strchr(at + 1, ':');
    if (n > 0 && !at) text_append(after, ":%s", job);
}

/* One that waits for elements of before would begin too early. */
static bool cancel_end(const struct slurm_state *end, struct error *error) {
    struct text ignored = {0};
    const char *cancel[] = {"scancel", end->job, NULL};
    bool ok = slurm_ask(cancel, &ignored, error);
    text_free(&ignored);
    return ok;
}

static bool submit(struct submission *s, struct error *error) {
    char elements[PATH_MAX + 32], end[PATH_MAX + 32], job[SLURM_JOB_SIZE];
    struct text array = {0}, after = {0};
    const struct slurm_state *last = &s->states.element[0];
    int n_queued = 0;
    bool ok = false;
    for (int i = 1; i <= s->n_elements; i++) {
        if (!s->states.element[i].queued) continue;
        n_queued++;
        wait_for(&after, s->states.element[i].job);
    }
    int n = list_elements(s, &array);
    if (n == 0 && (last->queued || s->n_merges_left + s->n_profiles_left == 0)) {
        shown_print(stdout, "%s: nothing to submit: %s\n", s->name,
                    last->queued ? "all that is left is in the queue" : "every trial is ok");
        ok = true;
        goto done;
    }
    if ((mkdir(s->folder, 0777) != 0 && errno != EEXIST) || array.failed) {
        error_set(error, "%s: %s", s->folder, array.failed ? "out of memory" : strerror(errno));
        goto done;
    }
    if (!write_list(s, error) ||
        !write_file(s, "element.sh", s->element_script.data, elements, error) ||
        !write_file(s, "end.sh", s->end_script.data, end, error))
        goto done;
    if (last->queued && strcmp(last->state, "PENDING") == 0 && !cancel_end(last, error)) goto done;
    if (last->queued && strcmp(last->state, "PENDING") != 0) wait_for(&after, last->job);
    if (n > 0) {
        if (!slurm_queue_submit(elements, array.data, NULL, job, error)) goto done;
        wait_for(&after, job);
        shown_print(stdout, "%s: submitted %d of %d elements as job %s: %s\n", s->name, n,
                    s->n_elements, job, array.data);
    }
    if (n_queued > 0)
        shown_print(stdout, "%s: %d element%s in the queue already\n", s->name, n_queued,
                    PLURAL_S(n_queued));
    if (after.failed) {
        error_set(error, "out of memory");
        goto done;
    }
    ok = slurm_queue_submit(end, NULL, after.data, job, error);
    if (ok)
        shown_print(stdout, "%s: merge%s, figures and report as job %s, when these have ended\n",
                    s->name, s->arguments->no_profile ? "" : ", profiles", job);
done:
    text_free(&array);
    text_free(&after);
    return ok;
}

static void show_scripts(const struct submission *s) {
    struct text array = {0};
    int n = list_elements(s, &array);
    shown_print(stdout, "==> %s/element.sh, %d of %d elements%s%s <==\n%s", s->folder, n,
                s->n_elements, n > 0 ? ": --array=" : "", n > 0 && array.data ? array.data : "",
                s->element_script.data);
    shown_print(stdout, "\n==> %s/end.sh, after all of them <==\n%s", s->folder,
                s->end_script.data);
    fflush(stdout);
    fprintf(stderr, "nothing was submitted or stored\n");
    text_free(&array);
}

static int run(const struct arguments *arguments, struct error *error) {
    struct submission *s = calloc(1, sizeof *s);
    bool ok = false;
    if (!s) {
        error_set(error, "out of memory");
        return EXIT_FAILED;
    }
    s->arguments = arguments;
    if (!check_options(&arguments->sbatch, error) || !find_paths(s, error) ||
        !open_and_plan(s, error) || !name_it(s, error))
        goto done;
    find_left(s);
    if (!write_scripts(s, error)) goto done;
    if (arguments->dry_run) {
        show_scripts(s);
        ok = true;
    } else {
        ok = slurm_queue_read(s->name, &s->states, error) ||
             error_append(error, "; where there is no Slurm, `headroom sweep --shard` and merge");
        ok = ok && submit(s, error);
    }
done:
    text_free(&s->words);
    text_free(&s->element_script);
    text_free(&s->end_script);
    plan_free(&s->plan);
    store_close(s->store);
    free(s);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command submit_command = {
    "submit",
    "run a sweep as jobs of a Slurm cluster",
    "[FILES...]",
    0,
    1000000,
    {"tier", "tag", "set", "seeds", "device", "precision", "filter", "no-profile", "replace",
     "jobs", "timeout", "memory", "elements", "save-every", "sbatch", "dry-run", "db"},
    "Plans what `headroom sweep` would with the same words, and submits it: an array of jobs, and one\n"
    "behind it. An element of the array trains a part of the sweep (--shard), trials that need each\n"
    "other's checkpoints together: by default one such group, --jobs trainings at a time on as many\n"
    "cores, and on one card (--gres=gpu:1) where trials want one. The last job has its node for itself\n"
    "(--exclusive): it merges what was found into the database, profiles, draws and reports.\n"
    "\n"
    "An element works on its node's own disk (TMPDIR) and brings what it has to slurm-NAME/ beside the\n"
    "database, every --save-every minutes and when it ends, also when it is cancelled, requeued or out\n"
    "of time. That folder, this program and the data must be the same on all nodes.\n"
    "\n"
    "The same command again submits what failed, was killed or ran out of time, and nothing that is\n"
    "done or in the queue; trainings go on from where they stood. Time limit, partition, account:\n"
    "--sbatch, or SBATCH_TIMELIMIT and the like; what is behind the = is one option with its value as\n"
    "sbatch itself would get it, so blanks need quotes once: --sbatch='--comment=second try'.\n"
    "`headroom status` shows all elements.\n"
    "\n"
    "examples:\n"
    "  headroom submit --tier full --dry-run            print the two scripts\n"
    "  headroom submit offsets --seeds 1-10 --sbatch=--time=1:00:00 --sbatch=--partition=cpu\n"
    "  headroom submit --tag real --device cuda --elements 50\n",
    run};
