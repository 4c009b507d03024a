/*
 * `headroom sweep`: plan, run what is not done, report. Talk goes to stderr, the report to stdout.
 */
#include "harness/cli/command.h"
#include "harness/cli/plan_notes.h"
#include "harness/sweep/plan.h"
#include "harness/store/comparison.h"
#include "harness/store/report.h"
#include "harness/store/store_pending.h"
#include "harness/sweep/sweep.h"
#include "harness/table/shown.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "models/base/closest_name.h"

#include <string.h>
#include <unistd.h>

/* The value of --rerun; false for a word that is none. */
static bool read_rerun(const struct arguments *arguments, enum rerun *out, struct error *error) {
    static const char *const names[] = {"failed", "stale", "profiles", "all"};
    static const enum rerun values[] = {RERUN_FAILED, RERUN_STALE, RERUN_PROFILES, RERUN_ALL};
    enum { N = sizeof names / sizeof *names };
    *out = RERUN_NONE;
    if (!arguments->rerun) return true;
    for (size_t i = 0; i < N; i++)
        if (strcmp(arguments->rerun, names[i]) == 0) *out = values[i];
    if (*out == RERUN_PROFILES && arguments->no_profile)
        return error_set(error, "--rerun profiles and --no-profile leave nothing to run");
    if (*out != RERUN_NONE) return true;
    const char *guess = closest_name(arguments->rerun, names, N);
    return error_set(error, "--rerun is failed, stale, profiles or all, not '%s'%s%s%s",
                     arguments->rerun, guess ? "; did you mean '" : "", guess ? guess : "",
                     guess ? "'?" : "");
}

/* Which part this is. Whoever shares out other work, as with other data, has another plan, and his
 * parts do not fit to these. */
static void print_shard(const struct plan *plan, const struct shard *shard) {
    const struct shard_shares *shares = &plan->shares;
    if (shard->of == 0) return;
    shown_print(
        stderr,
        "shard %d/%d of plan %s: %d of %d group%s of trials, %.1f%% of the work; all shards must "
        "name this plan\n",
        shard->number, shard->of, shares->plan, shares->groups[shard->number - 1], shares->n_groups,
        PLURAL_S(shares->n_groups), 100 * shares->share[shard->number - 1]);
}

static void print_shares(const struct plan *plan, const struct shard *shard) {
    fprintf(stderr, "shares of the work:");
    for (int i = 0; i < shard->of; i++) fprintf(stderr, " %.1f%%", 100 * plan->shares.share[i]);
    fputc('\n', stderr);
}

/* The plan as text: one line per trial that would be run, data on stdout. */
static void print_plan(const struct plan *plan) {
    size_t n = 0, n_ok = 0;
    double flops = 0;
    for (size_t i = 0; i < plan->n_trials; i++) {
        const struct plan_trial *trial = &plan->trials[i];
        if (!trial->selected) continue;
        if (strcmp(trial->status, "ok") == 0) {
            n_ok++;
        } else if (!trial->missing[0]) {
            wrap_print(stdout, width_of_lines(stdout), 9, "%-7s  %-40s  %-11s  %9.1f GFLOP%s%s",
                       trial->again     ? "again"
                       : trial->profile ? "profile"
                                        : "train",
                       trial->label, trial->status, trial->expected_flops / 1e9,
                       trial->wanted == PLACE_CPU ? "" : "  ",
                       trial->wanted == PLACE_CPU ? "" : trial->device);
            flops += trial->expected_flops;
            n++;
        }
    }
    fflush(stdout); /* the total stands below its table, also where both go to one file */
    shown_print(stderr,
                "%zu trial%s would run, %.1f GFLOP in all; ok already: %zu; nothing was started or "
                "stored\n",
                n, PLURAL_S(n), flops / 1e9, n_ok);
}

static size_t count_selected(const struct plan *plan, const char *status) {
    size_t n = 0;
    for (size_t i = 0; i < plan->n_trials; i++)
        n += plan->trials[i].selected && (!status || strcmp(plan->trials[i].status, status) == 0);
    return n;
}

static bool is_named(const struct plan_request *request) {
    return request->n_files > 0 || request->tag;
}

/* The workloads of the plan as a JSON list; their trials stand together. */
static void list_workloads(const struct plan *plan, struct text *out) {
    const char *last = "";
    size_t length = 0;
    text_append(out, "[");
    for (size_t i = 0; i < plan->n_trials; i++) {
        const char *label = plan->trials[i].label;
        if (i > 0 && strncmp(label, last, length + 1) == 0) continue;
        last = label;
        length = strcspn(label, "/");
        text_append(out, "%s\"%.*s\"", i ? "," : "", (int)length, label);
    }
    text_append(out, "]");
}

/* The table at the end; after a sweep of named or tagged files only of their workloads: the database
 * may hold many others. */
static bool print_report(struct store *store, const struct plan *plan,
                         const struct arguments *arguments, bool named, struct error *error) {
    struct text workloads = {0};
    if (named) list_workloads(plan, &workloads);
    bool ok = workloads.failed ? error_set(error, "out of memory")
                               : report_write(store, workloads.data, command_line_table(arguments),
                                              stdout, error);
    text_free(&workloads);
    return ok;
}

/* What is of older code, of the same workloads. */
static bool print_older_code(struct store *store, const struct plan *plan, bool named,
                             struct error *error) {
    struct text workloads = {0};
    if (named) list_workloads(plan, &workloads);
    bool ok = workloads.failed ? error_set(error, "out of memory")
                               : report_older_code(store, workloads.data, stderr, error);
    text_free(&workloads);
    return ok;
}

/* The last that is said of a sweep: why it is no success. */
static int judge(const struct plan *plan, const struct sweep_result *result, struct error *error) {
    char problem[sizeof plan->problems->text + sizeof plan->problems->at.file + 32];
    if (result->n_failed > 0) {
        bool several = result->n_failed > 1;
        error_set(error,
                  "%d trial%s did not end well%s: %s; `headroom report` lists %s; the same command "
                  "tries again",
                  result->n_failed, PLURAL_S(result->n_failed), several ? ", the first" : "",
                  result->first_failure, several ? "all" : "it");
    } else if (result->n_elsewhere > 0) {
        error_set(error,
                  "%d trial%s left to other processes, see above; the same command goes on when "
                  "these have ended",
                  result->n_elsewhere, PLURAL_S(result->n_elsewhere));
    } else if (plan->n_problems > 0) {
        error_format(&plan->problems[0], problem, sizeof problem);
        error_set(error, "%zu of the files cannot be used%s: %s", plan->n_problems,
                  plan->n_problems > 1 ? ", the first" : "", problem);
    } else {
        return EXIT_OK;
    }
    return EXIT_FAILED;
}

static int conclude(struct store *store, const struct plan *plan, const struct sweep_result *result,
                    const struct arguments *arguments, bool named, struct error *error) {
    int n_ended = result->n_ok + result->n_failed;
    size_t n_ok = count_selected(plan, "ok");
    if (result->interrupted) {
        error_set(error,
                  "interrupted: %d trial%s finished, %d left; the same command goes on from here",
                  n_ended, PLURAL_S(n_ended), result->n_left);
        return EXIT_INTERRUPTED;
    }
    struct error not_compared = {0};
    if (!comparison_update(store, &not_compared)) /* the report tries again, in its own memory */
        shown_print(stderr, "arms are not compared yet: %s\n", not_compared.text);
    if (result->cores_used >= 0)
        fprintf(stderr, "trials used %.0f%% of the cores' time while any were queued\n",
                100 * result->cores_used);
    if (n_ended == 0 && (result->n_skipped > 0 || result->n_elsewhere > 0 || plan->n_problems > 0))
        fprintf(stderr, "nothing was run: %d trial%s skipped, %zu already ok\n", result->n_skipped,
                PLURAL_S(result->n_skipped), n_ok);
    else if (n_ended == 0)
        fprintf(stderr,
                "nothing to do: %zu trial%s already ok (`headroom report` prints the table)\n",
                n_ok, PLURAL_S(n_ok));
    else if (!arguments->no_table && !print_report(store, plan, arguments, named, error))
        return EXIT_FAILED;
    return judge(plan, result, error);
}

static void wait_for_database(void *context, const char *who) {
    (void)context;
    shown_print(stderr, "\nwaiting for %s, which keeps the database locked\n", who);
}

/* What trials found that could not store it: their sweep was stopped while they waited. */
static void take_pending(struct store *store) {
    struct error problem = {0};
    int n_taken;
    if (!store_pending_take(store, &n_taken, &problem))
        shown_print(stderr, "a pending result cannot be used: %s\n", problem.text);
    if (n_taken > 0)
        fprintf(stderr, "stored what %d trial%s had found and could not store\n", n_taken,
                PLURAL_S(n_taken));
}

/* Why no trial is selected; returns false. */
static bool explain_nothing(const struct plan *plan, const struct arguments *arguments,
                            const struct plan_request *request, struct error *error) {
    plan_notes_print(plan);
    if (plan->n_problems > 0) {
        char problem[sizeof plan->problems->text + sizeof plan->problems->at.file + 32];
        error_format(&plan->problems[0], problem, sizeof problem);
        return error_set(error, "none of the files can be used%s: %s",
                         plan->n_problems > 1 ? ", the first" : "", problem);
    }
    if (arguments->tag && plan->n_workloads == 0)
        return error_set(error,
                         "no workload has the tag '%s'; `headroom list workloads` shows the tags",
                         arguments->tag);
    return error_set(error, "no trial %s%s",
                     arguments->filter                ? "matches --filter "
                     : request->rerun == RERUN_FAILED ? "has failed"
                                                      : "is planned",
                     arguments->filter ? arguments->filter : "");
}

/* A dry run changes nothing: it plans in a copy, of trials without their results. */
static bool open_results(const struct arguments *arguments, bool in_memory, struct store **store,
                         struct error *error) {
    if (in_memory) return store_open(":memory:", store, error);
    if (arguments->dry_run) return store_open_plan(arguments->db, store, error);
    return store_open_patiently(arguments->db, wait_for_database, NULL, store, error);
}

/* Opens the database and plans in it; in memory, if there is no file yet. */
static bool open_and_plan(const struct arguments *arguments, const struct plan_request *request,
                          bool in_memory, struct store **store, struct plan *plan,
                          struct error *error) {
    int n_recovered = 0;
    if (!open_results(arguments, in_memory, store, error) || !store_check(*store, error))
        return false;
    if (!arguments->dry_run) {
        take_pending(*store);
        if (!store_recover(*store, arguments->take_over, &n_recovered, error)) return false;
    }
    if (*store_notice(*store)) shown_print(stderr, "%s\n", store_notice(*store));
    if (n_recovered > 0)
        fprintf(stderr, "planned again, because cut off earlier: %d trial%s\n", n_recovered,
                PLURAL_S(n_recovered));
    if (!plan_make(*store, request, plan, error)) return false;
    /* Where there are more shards than groups some have nothing to do, and have done it. */
    bool some = count_selected(plan, NULL) > 0 || plan->shares.n_groups > 0;
    return some || explain_nothing(plan, arguments, request, error);
}

static int run(const struct arguments *arguments, struct error *error) {
    struct plan_request request = {
        .files = arguments->words,
        .n_files = arguments->n_words,
        .folder = arguments->workloads,
        .tag = arguments->tag,
        .full = arguments->full,
        .overrides = arguments->overrides,
        .profile = !arguments->no_profile,
        .no_train = arguments->no_train,
        .filter = arguments->filter,
        .shard = arguments->shard,
        .replace = arguments->replace,
        .dry_run = arguments->dry_run,
    };
    struct sweep_options options = {
        .db = arguments->db,
        .jobs = arguments->jobs,
        .timeout = arguments->timeout,
        .memory = arguments->memory,
        .stall = arguments->stall,
        .no_ceiling = arguments->no_ceiling,
        .save_every = arguments->save_every,
        .talk = stderr,
    };
    /* Where there is no file, a sweep that is a dry run or cannot run leaves none behind. */
    bool in_memory = access(arguments->db, F_OK) != 0;
    struct store *store = NULL;
    struct plan plan = {0};
    struct sweep_result result;
    int status = EXIT_FAILED;

    if (!read_rerun(arguments, &request.rerun, error)) return EXIT_USAGE;
    if (!open_and_plan(arguments, &request, in_memory, &store, &plan, error)) goto done;
    if (in_memory && !arguments->dry_run) {
        plan_free(&plan);
        store_close(store);
        store = NULL;
        if (!open_and_plan(arguments, &request, false, &store, &plan, error)) goto done;
    }
    plan_notes_print(&plan);
    print_shard(&plan, &request.shard);
    if (request.rerun == RERUN_NONE && !print_older_code(store, &plan, is_named(&request), error))
        goto done;
    if (arguments->dry_run) {
        print_plan(&plan);
        if (request.shard.of > 0) print_shares(&plan, &request.shard);
        status = plan.n_problems > 0 ? EXIT_FAILED : EXIT_OK;
        goto done;
    }
    if (!sweep_run(store, &plan, &options, &result, error)) goto done;
    status = conclude(store, &plan, &result, arguments, is_named(&request), error);
done:
    plan_free(&plan);
    store_close(store);
    return status;
}

const struct command sweep_command = {
    "sweep",
    "train and profile workloads, store the results, print the table",
    "[FILES...]",
    0,
    1000000,
    {"tier",       "tag",       "set",        "seeds",    "device",     "precision",
     "shard",      "jobs",      "filter",     "timeout",  "memory",     "stall",
     "save-every", "dry-run",   "no-profile", "no-train", "no-ceiling", "rerun",
     "replace",    "take-over", "db",         "verbose"},
    "Without FILES: every file of workloads/ whose `tier:` fits. Files that are named run whatever\n"
    "their tier: by path, or NAME for NAME.yaml here or in workloads/. --tag takes those with a tag,\n"
    "of workloads/ and of the current folder, or of the folders of FILES. Every arm and seed of a\n"
    "file is one trial, a process of its own; profiles run alone, after all trainings. Finished\n"
    "trials are not run again, those that died are. A workload whose data is absent is skipped; if\n"
    "it was named, that is an error. The table at the end is of the named files, else of the whole\n"
    "database.\n"
    "\n"
    "Results that were made by older code are told, and stay. --rerun makes results again, of\n"
    "what --filter selects: `stale` those, `profiles` all profiles, `all` everything. What starts\n"
    "from them is made again as well. `failed` makes none again: it runs what ended without\n"
    "result, and else nothing. The results of before stay in the database until `headroom clean`.\n"
    "\n"
    "A file with a `workload:` that the database has from another file is refused: the results of\n"
    "that one would no longer be shown. --replace lets the new file take its place.\n"
    "\n"
    "--shard I/N runs one of N parts of about equal work (expected FLOPs), for the tasks of a batch\n"
    "queue or for several machines. The parts follow from the planned trials alone: they are the\n"
    "same everywhere, whatever is done already, and together they are the sweep. Trials that need\n"
    "each other's checkpoints stay together. Give each part a database of its own, which then has\n"
    "those of the other parts as planned: --shard 2/8 --db shard-2.db. Every part prints the name of\n"
    "the plan that it shares out: where it is the same the parts fit, and a merge tells whether other\n"
    "settings do. Profiles run beside their trainings: compare times only within one machine.\n"
    "\n"
    "--set and --seeds change the files as if they said so: --set SECTION.KEY=VALUE, KEY=VALUE for\n"
    "a key of the top, arms.NAME.KEY=VALUE for one arm; VALUE is YAML. They come above --tier full.\n"
    "Where the database has results of the same workload that these settings would hide, they are\n"
    "refused: --set workload=NAME keeps both, --replace shows the new ones until the next sweep\n"
    "without.\n"
    "\n"
    "--device cuda trains and profiles on a card, --precision tf32 or bf16 with faster products there:\n"
    "`train: {device, precision}` and `profile: {devices, precision}` of the files, which may also\n"
    "profile each checkpoint on both, devices: [cpu, cuda]. What trains on a card is a workload of\n"
    "its own, NAME.cuda (NAME.cuda-bf16), so results of the CPU stay and are averaged with nothing.\n"
    "With several cards trials spread over them, --jobs of them on each, one card to a process;\n"
    "cuda:N takes that card alone. Trials on the CPU have places of their own beside them.\n"
    "\n"
    "Profiles also measure the ceiling of their machine, the speed of large products and of memory, in\n"
    "about a second each minute, and the best ever seen stays; --no-ceiling leaves it out.\n"
    "\n"
    "Several sweeps may run over one database, also on several machines. Each leaves alone what the\n"
    "others run, says so, and then ends with 1: nothing is lost, but it did not see the end of it.\n"
    "\n"
    "A training leaves behind where it stands, every --save-every minutes and when it is stopped. Run\n"
    "again, it goes on from there, to the same result.\n"
    "\n"
    "--timeout and --memory bound a trial, which then ends as `timeout` or `oom`; `headroom doctor`\n"
    "says what bounds its memory here.\n"
    "\n"
    "Each trial's output is in logs/KEY.log beside the database; messages name it. Ctrl-C stops in\n"
    "order and keeps what is finished; the same command goes on from there.\n"
    "\n"
    "examples:\n"
    "  headroom sweep --dry-run\n"
    "  headroom sweep --filter '^offsets/.*/1$'         one workload, first seed\n"
    "  headroom sweep --tag real                        every workload on real data\n"
    "  headroom sweep --rerun stale --filter '/ours/'   after an edit of that method\n"
    "  headroom sweep my.yaml --db /tmp/my.db --jobs 1\n"
    "  headroom sweep offsets --device cuda             on all cards, as workload offsets.cuda\n"
    "  headroom sweep --shard 2/8 --db shard-2.db       the second of eight parts\n"
    "  headroom sweep offsets --seeds 1-5 --set train.epochs=3 --set workload=short\n",
    run};
