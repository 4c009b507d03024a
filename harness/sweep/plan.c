/*
 * Planning. Files are read one by one, so that a bad one costs only itself; then all rows are
 * written in one transaction, so that a killed planner leaves the old plan or the new one.
 */
#include "harness/sweep/plan.h"
#include "harness/config/column_places.h"
#include "harness/config/workload_files.h"
#include "harness/measure/code_hash.h"
#include "harness/store/filter.h"
#include "workloads/data/data_files.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One workload of the plan, and what is known about its data without reading it as text. */
struct source {
    struct experiment experiment;
    bool named;
    char file[PATH_MAX]; /* real path */
    char missing[256];
    char files_sha256[65]; /* of the data files' bytes; "" for generated data, and where absent */
    /* The shard of each arm that has no base, by the place of the seed, and of all that starts from
     * it; 0: nothing there is selected. */
    int shards[EXPERIMENT_ARMS_MAX][OPTION_LIST_MAX];
};

struct planner {
    struct store *store;
    const struct plan_request *request;
    regex_t filter;
    bool filtering;
    struct source **sources;
    size_t n_sources;
    struct plan *plan;
    struct trial_parts parts; /* of the source at hand */
};

static bool out_of_memory(struct error *error) {
    return error_set(error, "out of memory while planning");
}

static bool add_problem(struct plan *plan, const struct error *problem, struct error *error) {
    struct error *grown = realloc(plan->problems, (plan->n_problems + 1) * sizeof *grown);
    if (!grown) return out_of_memory(error);
    plan->problems = grown;
    plan->problems[plan->n_problems++] = *problem;
    return true;
}

/* ---- data, as far as keys need it ---- */

/* Names the data by the bytes of its files: what the tokeniser makes of them follows from the data
 * settings, which are in the key already. */
static bool hash_data(struct source *source, struct error *error) {
    const struct data_config *data = &source->experiment.data;
    return !data_files_present(data, source->missing, sizeof source->missing) ||
           data_files_sha256(data, source->files_sha256, error);
}

/* ---- files ---- */

static bool refuse_same_name(const struct planner *planner, const struct experiment *new,
                             struct error *problem) {
    for (size_t i = 0; i < planner->n_sources; i++) {
        const struct experiment *old = &planner->sources[i]->experiment;
        if (strcmp(old->name, new->name) == 0)
            return error_set(problem, "%s: workload '%s' is already in %s; rename one of them",
                             new->file, new->name, old->file);
    }
    return true;
}

/* A tag chooses among the files whatever their tier, a name on the command line whatever it is. */
static bool is_wanted(const struct plan_request *request, const struct experiment *e) {
    if (request->tag) return experiment_has_tag(e, request->tag);
    return request->n_files > 0 || e->tier == TIER_DEFAULT ||
           (e->tier == TIER_FULL && request->full);
}

/* Reads one file; what is wrong with it becomes a problem of the plan. */
static bool read_file(struct planner *planner, const char *path, struct error *error) {
    const struct plan_request *request = planner->request;
    struct error problem = {0};
    struct source *source = calloc(1, sizeof *source);
    if (!source) return out_of_memory(error);
    struct experiment *e = &source->experiment;
    source->named = request->n_files > 0 && !request->tag;
    struct node *root = NULL;
    if (!experiment_read_tree(path, request->full, &request->overrides, e, &root, &problem))
        goto refused;
    bool wanted = is_wanted(request, e);
    bool found = !wanted || experiment_check_columns(e, root, &problem);
    node_free(root);
    if (!found) goto refused;
    if (!wanted) {
        free(source);
        return true;
    }
    if (!realpath(path, source->file)) { /* it was read just now */
        error_set(&problem, "%s: %s", path, strerror(errno));
        goto refused;
    }
    if (!refuse_same_name(planner, e, &problem) || !hash_data(source, &problem)) goto refused;
    if (source->missing[0] && source->named) {
        char hint[DATA_FILES_HINT_SIZE];
        data_files_hint(source->missing, hint);
        error_set(&problem, "%s: the data file %s is absent: %s", e->file, source->missing, hint);
        if (!add_problem(planner->plan, &problem, error)) goto failed;
    }
    struct source **grown = realloc(planner->sources, (planner->n_sources + 1) * sizeof *grown);
    if (!grown) {
        out_of_memory(error);
        goto failed;
    }
    planner->sources = grown;
    planner->sources[planner->n_sources++] = source;
    experiment_write_doubts(e, &planner->plan->doubts);
    return !planner->plan->doubts.failed || out_of_memory(error);
refused:
    free(source);
    return add_problem(planner->plan, &problem, error);
failed:
    free(source);
    return false;
}

static bool read_files(struct planner *planner, struct error *error) {
    const struct plan_request *request = planner->request;
    struct workload_files files;
    if (!workload_files_find(request->files, request->n_files, request->folder, request->tag,
                             &files, error))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < files.n; i++) ok = read_file(planner, files.paths[i], error);
    workload_files_free(&files);
    return ok;
}

/* ---- shards ---- */

static void write_label(const struct experiment *e, const struct arm *arm, int seed,
                        char label[sizeof((struct plan_trial *)0)->label]) {
    snprintf(label, sizeof((struct plan_trial *)0)->label, "%.63s/%s/%d", e->name, arm->name, seed);
}

static bool passes(const struct planner *planner, const char *label) {
    return !planner->filtering || regexec(&planner->filter, label, 0, NULL, 0) == 0;
}

/* The arm whose training comes first of those that lead to this one. */
static int root_of(const struct experiment *e, int arm) {
    while (e->arms[arm].base >= 0) arm = e->arms[arm].base;
    return arm;
}

/* How often the checkpoint of an arm and its s-th seed is profiled on each device: not at all,
 * once, or again for the noise floor. */
static int count_profiles(const struct experiment *e, int arm, int s) {
    if (s >= e->profile.seeds) return 0;
    return s == 0 && arm < e->profile.again ? 2 : 1;
}

/* Adds to *flops the work that a seed of one arm is, in a database that has no results: what passes
 * the filter and, for each of these, the trainings of the bases that `needed` has not yet. */
static bool add_work(const struct planner *planner, const struct experiment *e, int a, int s,
                     bool needed[EXPERIMENT_ARMS_MAX], double *flops, struct error *error) {
    struct model_config model;
    char label[sizeof((struct plan_trial *)0)->label];
    double one;
    write_label(e, &e->arms[a], e->seeds.value[s], label);
    if (!passes(planner, label)) return true;
    if (planner->request->profile) {
        if (!plan_trial_flops(e, &e->arms[a], true, &model, &one, error)) return false;
        *flops += one * count_profiles(e, a, s) * placement_n_profiles(&e->profile);
    }
    for (; a >= 0 && !needed[a]; a = e->arms[a].base) {
        if (!plan_trial_flops(e, &e->arms[a], false, &model, &one, error)) return false;
        *flops += one;
        needed[a] = true;
    }
    return true;
}

/* Makes groups of what starts from one training. Data that is absent is nobody's work. */
static bool add_groups(const struct planner *planner, struct source *source,
                       struct shard_group *groups, size_t *n, struct error *error) {
    const struct experiment *e = &source->experiment;
    for (int s = 0; s < e->seeds.n && !source->missing[0]; s++) {
        double work[EXPERIMENT_ARMS_MAX] = {0};
        bool needed[EXPERIMENT_ARMS_MAX] = {false};
        for (int a = 0; a < e->n_arms; a++)
            if (!add_work(planner, e, a, s, needed, &work[root_of(e, a)], error)) return false;
        for (int a = 0; a < e->n_arms; a++) {
            if (e->arms[a].base >= 0 || !needed[a]) continue;
            struct shard_group *group = &groups[(*n)++];
            *group = (struct shard_group){.flops = work[a], .shard = &source->shards[a][s]};
            write_label(e, &e->arms[a], e->seeds.value[s], group->label);
        }
    }
    return true;
}

static bool share_out(struct planner *planner, struct error *error) {
    size_t n = 0, room = 1;
    bool ok = true;
    for (size_t i = 0; i < planner->n_sources; i++) {
        const struct experiment *e = &planner->sources[i]->experiment;
        room += (size_t)e->n_arms * (size_t)e->seeds.n;
    }
    struct shard_group *groups = calloc(room, sizeof *groups);
    if (!groups) return out_of_memory(error);
    for (size_t i = 0; ok && i < planner->n_sources; i++)
        ok = add_groups(planner, planner->sources[i], groups, &n, error);
    if (ok) shard_share(groups, n, planner->request->shard.of, &planner->plan->shares);
    free(groups);
    return ok;
}

/* The part of the sweep that a trial belongs to; 0: every part, as where its data is absent, so
 * that each says that it is skipped. Negative: none, because it is not selected. */
static int shard_of(const struct planner *planner, const struct source *source,
                    const struct arm *arm, int s) {
    const struct experiment *e = &source->experiment;
    if (planner->request->shard.of == 0 || source->missing[0]) return 0;
    int shard = source->shards[root_of(e, (int)(arm - e->arms))][s];
    return shard > 0 ? shard : -1;
}

/* Whether it is of the kinds and the part of the sweep that were asked for. */
static bool is_asked_for(const struct plan_request *request, const struct plan_trial *trial) {
    int part = request->shard.number;
    return (trial->profile ? request->profile : !request->no_train) &&
           (part == 0 || trial->shard == 0 || trial->shard == part);
}

/* ---- rows ---- */

/* The weight of the budget in a policy's loss is its option `cost`; NaN where it has none. */
static double cost_weight(const struct arm *arm) {
    const struct option_table *table = &arm->policy->options;
    if (candidates_have(&arm->candidates, "cost")) return NAN; /* the chosen one's, when it is */
    for (size_t i = 0; i < table->n_rows; i++)
        if (strcmp(table->rows[i].name, "cost") == 0 && table->rows[i].type == OPTION_FLOAT)
            return *(const double *)(const void *)(arm->policy_options + table->rows[i].offset);
    return NAN;
}

static bool grow_trials(struct plan *plan, struct error *error) {
    if (plan->n_trials & (plan->n_trials + 1)) return true; /* room up to the next 2^k - 1 */
    size_t room = 2 * plan->n_trials + 1;
    struct plan_trial *grown = realloc(plan->trials, room * sizeof *grown);
    if (!grown) return out_of_memory(error);
    plan->trials = grown;
    return true;
}

/* The trial with this id, unless that is 0, among the n before one that needs its checkpoint. */
static struct plan_trial *find_base(struct plan_trial *trials, size_t n, int64_t id) {
    if (id == 0) return NULL;
    while (n > 0 && trials[n - 1].id != id) n--;
    return n > 0 ? &trials[n - 1] : NULL;
}

/* Takes a finished trial out of the way that is to be made again: because that was asked for, or
 * because what it starts from is. Without its data it could not be made again and so stays. */
static bool retire(struct planner *planner, const struct source *source, int64_t workload_id,
                   const char *policy, struct plan_trial *trial, struct error *error) {
    enum rerun rerun = planner->request->rerun;
    const struct plan_trial *base =
        find_base(planner->plan->trials, planner->plan->n_trials, trial->base_id);
    char code[CODE_HASH_SIZE];
    bool asked =
        rerun == RERUN_ALL || rerun == RERUN_STALE || (rerun == RERUN_PROFILES && trial->profile);
    trial->renewed = base && base->renewed;
    if (source->missing[0] || (!trial->renewed && !(asked && trial->selected))) return true;
    code_hash(policy, trial->profile, trial->wanted != PLACE_CPU, code);
    if (!store_retire_trial(planner->store, workload_id, trial->key,
                            rerun == RERUN_STALE && !trial->renewed ? code : NULL, trial->renewed,
                            &trial->retired, error))
        return false;
    trial->renewed |= trial->retired;
    trial->selected |= trial->retired && (!trial->profile || planner->request->profile);
    return true;
}

/* Where the trial computes, and what it is called for that. */
static struct placement place_trial(const struct experiment *e, int device,
                                    struct plan_trial *trial) {
    struct placement training = placement_of_training(&e->train), placement = training;
    char trained[PLACEMENT_LABEL_SIZE];
    if (trial->profile) placement = placement_of_profile(&e->train, &e->profile, device);
    placement_label(&placement, trial->device);
    placement_label(&training, trained);
    bool elsewhere = strcmp(trial->device, trained) != 0;
    snprintf(trial->kind, sizeof trial->kind, "%s%s%s%s%s", trial->profile ? "profile " : "",
             trial->again ? "again " : "", elsewhere ? "on " : "", elsewhere ? trial->device : "",
             elsewhere ? " " : "");
    trial->wanted =
        strcmp(placement_kind(&placement), "cpu") == 0 ? PLACE_CPU : placement_card(&placement);
    return placement;
}

/* Plans one trial of the s-th seed of a kind: "train", "profile", or "again" for a second profile of the same
 * checkpoint. base_id is the training of a profile, or of a training's base arm; device: which of
 * those that are profiled. */
static bool plan_trial(struct planner *planner, const struct source *source, int64_t workload_id,
                       const struct arm *arm, int s, const char *kind, int device, int64_t base_id,
                       int64_t *id, struct error *error) {
    const struct experiment *e = &source->experiment;
    int seed = e->seeds.value[s];
    struct plan *plan = planner->plan;
    struct model_config model;
    struct text config = {0};
    bool ok = false, again = strcmp(kind, "again") == 0;
    bool profile = again || strcmp(kind, "profile") == 0;
    if (!grow_trials(plan, error)) return false;
    struct plan_trial *trial = &plan->trials[plan->n_trials];

    *trial = (struct plan_trial){.base_id = base_id, .profile = profile, .again = again};
    write_label(e, arm, seed, trial->label);
    snprintf(trial->missing, sizeof trial->missing, "%s", source->missing);
    trial->shard = shard_of(planner, source, arm, s);
    trial->selected = is_asked_for(planner->request, trial) && passes(planner, trial->label);
    experiment_write_planned_json(e, arm, s, profile ? device : -1, &planner->parts, &config);
    if (config.failed) {
        out_of_memory(error);
        goto done;
    }
    trial_key_make(kind, config.data, source->files_sha256, trial->key);
    if (source->missing[0] &&
        !store_known_key(planner->store, workload_id, kind, config.data, trial->key, error))
        goto done;
    struct placement placement = place_trial(e, device, trial);
    if (!retire(planner, source, workload_id, arm->policy->name, trial, error)) goto done;

    if (!plan_trial_flops(e, arm, profile, &model, &trial->expected_flops, error)) goto done;
    trial->path_flops = trial->expected_flops;
    struct trial_plan row = {
        .workload_id = workload_id,
        .kind = kind,
        .key = trial->key,
        .base_trial_id = base_id,
        .arm = arm->name,
        .policy = arm->policy->name,
        .cost_weight = cost_weight(arm),
        .base_heads = model.base_heads,
        .layers = model.layers,
        .dim = model.dim,
        .seed = seed,
        .config = config.data,
        .expected_flops = trial->expected_flops,
        .device = placement_kind(&placement),
        .precision = placement_precision(&placement),
    };
    if (!store_plan_trial(planner->store, &row, &trial->id, trial->status, error)) goto done;
    if (planner->request->rerun == RERUN_FAILED)
        trial->selected &= strcmp(trial->status, "planned") != 0;
    *id = trial->id;
    plan->n_trials++;
    ok = true;
done:
    text_free(&config);
    return ok;
}

/* Whoever is to run needs the checkpoint of its base: a base without result is selected too, and
 * one whose file is gone or damaged is planned again; where nothing is trained it is left out. From
 * the last trial of the source to its first, so that a base that came in this way asks for its own.
 */
static bool select_bases(struct planner *planner, size_t first, struct error *error) {
    struct plan_trial *trials = planner->plan->trials + first;
    for (size_t i = planner->plan->n_trials - first; i-- > 0;) {
        struct plan_trial *base = find_base(trials, i, trials[i].base_id);
        if (!base) continue;
        if (!trials[i].profile && base->expected_flops + trials[i].path_flops > base->path_flops)
            base->path_flops = base->expected_flops + trials[i].path_flops;
        if (!trials[i].selected || trials[i].missing[0] || strcmp(trials[i].status, "ok") == 0)
            continue;
        if (planner->request->no_train) {
            trials[i].selected = strcmp(base->status, "ok") == 0;
            continue;
        }
        if (strcmp(base->status, "ok") == 0 &&
            !store_replan_lost_checkpoint(planner->store, base->id, &base->checkpoint, error))
            return false;
        if (base->checkpoint != CHECKPOINT_SOUND) strcpy(base->status, "planned");
        if (strcmp(base->status, "ok") != 0) base->selected = true;
    }
    return true;
}

/* All seeds of one arm, and their profiles. trainings[arm][seed] holds the ids of what is
 * planned. */
static bool plan_arm(struct planner *planner, const struct source *source, int64_t workload, int a,
                     int64_t (*trainings)[OPTION_LIST_MAX], struct error *error) {
    const struct experiment *e = &source->experiment;
    const struct arm *arm = &e->arms[a];
    int64_t profile;
    for (int s = 0; s < e->seeds.n; s++) {
        int64_t base = arm->base < 0 ? 0 : trainings[arm->base][s], *training = &trainings[a][s];
        if (!plan_trial(planner, source, workload, arm, s, "train", 0, base, training, error))
            return false;
        static const char *const kinds[] = {"profile", "again"};
        int devices = placement_n_profiles(&e->profile);
        for (int i = 0; i < count_profiles(e, a, s) * devices; i++)
            if (!plan_trial(planner, source, workload, arm, s, kinds[i / devices], i % devices,
                            *training, &profile, error))
                return false;
    }
    return true;
}

/* A workload's trials are those of its latest plan. Planned from another file, all that the first
 * one found would leave every view, so that must be asked for. The same file under another name is
 * no conflict, nor is one that is gone: it was moved or renamed. */
static bool check_file(const struct planner *planner, const struct source *source,
                       struct error *problem, bool *refused, struct error *error) {
    const struct experiment *e = &source->experiment;
    struct stat here, there;
    char stored[PATH_MAX];
    *refused = false;
    if (planner->request->replace) return true;
    if (!store_workload_file(planner->store, e->name, stored, sizeof stored, error)) return false;
    *refused = stored[0] && stat(stored, &there) == 0 && stat(source->file, &here) == 0 &&
               (here.st_dev != there.st_dev || here.st_ino != there.st_ino);
    if (*refused)
        error_set(problem,
                  "%s: the database has workload '%s' from %s, whose results would not be shown "
                  "any more; rename one of them, name another database with --db, or say --replace",
                  e->file, e->name, stored);
    return true;
}

/* An edited file means what it says from now on. An override is often meant for once: what it would
 * hide must not go out of the figures unasked. */
static bool check_hidden(struct planner *planner, const struct experiment *e, int64_t workload,
                         struct error *error) {
    int64_t n = store_hidden(planner->store, workload, error);
    if (n < 0) return false;
    planner->plan->n_hidden += (size_t)n;
    if (n == 0 || !overrides_any(&planner->request->overrides) || planner->request->replace)
        return true;
    return error_set(error,
                     "the database has %" PRId64 " result%s of workload '%s' with other settings, "
                     "which would not be shown any more; keep both with --set workload=NAME, name "
                     "another database with --db, or say --replace",
                     n, PLURAL_S(n), e->name);
}

/* Arms in the order of the file, but a base before the arms that start from it. */
static bool plan_source(struct planner *planner, const struct source *source, struct error *error) {
    const struct experiment *e = &source->experiment;
    struct error problem = {0};
    bool refused;
    struct workload_plan row = {.name = e->name,
                                .summary = e->summary,
                                .granularity = e->granularity,
                                .corpus = e->corpus[0] ? e->corpus : NULL,
                                .file = source->file};
    int64_t trainings[EXPERIMENT_ARMS_MAX][OPTION_LIST_MAX], workload;
    bool planned[EXPERIMENT_ARMS_MAX] = {false};
    size_t first = planner->plan->n_trials;
    if (!check_file(planner, source, &problem, &refused, error)) return false;
    if (refused) return add_problem(planner->plan, &problem, error);
    if (!store_plan_workload(planner->store, &row, &workload, error)) return false;
    planner->plan->n_workloads++;
    for (int n = 0; n < e->n_arms; n++) {
        int a = 0;
        while (planned[a] || (e->arms[a].base >= 0 && !planned[e->arms[a].base])) a++;
        if (!plan_arm(planner, source, workload, a, trainings, error)) return false;
        planned[a] = true;
    }
    if (!check_hidden(planner, e, workload, error)) return false;
    return select_bases(planner, first, error);
}

bool plan_make(struct store *store, const struct plan_request *request, struct plan *out,
               struct error *error) {
    struct planner planner = {.store = store, .request = request, .plan = out};
    bool ok = false, begun = false;
    *out = (struct plan){0};
    if (request->filter) {
        if (!filter_compile(&planner.filter, request->filter, error)) return false;
        planner.filtering = true;
    }
    if (!read_files(&planner, error)) goto done;
    if (request->shard.of > 0 && !share_out(&planner, error)) goto done;
    if (!store_begin_plan(store, error)) goto done;
    begun = true;
    for (size_t i = 0; i < planner.n_sources; i++) {
        bool planned = plan_source(&planner, planner.sources[i], error);
        trial_parts_free(&planner.parts);
        if (!planned) goto done;
        free(planner.sources[i]); /* a fifth of a megabyte, and the rows grow as these go */
        planner.sources[i] = NULL;
    }
    begun = false;
    ok = store_end_plan(store, !request->dry_run, error);
done:
    if (begun) {
        struct error ignored; /* the first error is the one to report */
        store_end_plan(store, false, &ignored);
    }
    if (planner.filtering) regfree(&planner.filter);
    for (size_t i = 0; i < planner.n_sources; i++) free(planner.sources[i]);
    free(planner.sources);
    if (!ok) plan_free(out);
    return ok;
}

void plan_free(struct plan *plan) {
    free(plan->trials);
    free(plan->problems);
    text_free(&plan->doubts);
    *plan = (struct plan){0};
}
