/*
 * `headroom card`: can a data set test an attention method at all? From a workload file, or a
 * table, it writes a workload of its own beside the database: the same data, model and training,
 * whose arms are models without attention, of one head and of all heads, each tuned equally often.
 * Then it is an ordinary sweep, so that nothing on the page was found in another way than any
 * result, and the page is what the database says of it.
 */
#include "harness/cli/command.h"
#include "harness/cli/starter.h"
#include "harness/config/experiment.h"
#include "harness/config/workload_files.h"
#include "harness/store/card.h"
#include "harness/store/comparison.h"
#include "harness/table/shown.h"
#include "models/base/json.h"
#include "models/base/path.h"
#include "models/base/text_file.h"
#include "workloads/data/data_config.h"
#include "workloads/data/dataset_load.h"
#include "workloads/data/near_duplicates.h"
#include "workloads/data/reader_csv.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char suffix[] = "-card";

/* What the card is of, and where its workload file stands. */
struct request {
    char source[PATH_MAX];                            /* a workload file or a table */
    char full[PATH_MAX];                              /* its real path */
    bool table;                                       /* csv or tsv */
    char separator;                                   /* of its columns */
    char name[OPTION_STRING_MAX];                     /* of the data */
    char workload[OPTION_STRING_MAX + sizeof suffix]; /* NAME-card */
    char path[PATH_MAX], starter[PATH_MAX];           /* of its file; of what a table extends */
    struct experiment *experiment;                    /* the last file that was read */
};

/* ---- the source ---- */

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A table is called after its file. */
static bool name_table(struct request *r, struct error *error) {
    const char *base = strrchr(r->source, '/');
    base = base ? base + 1 : r->source;
    size_t length = strcspn(base, ".");
    if (length >= sizeof r->name)
        return error_set(error, "%s: the name of the file is too long for a workload", r->source);
    snprintf(r->name, sizeof r->name, "%.*s", (int)length, base);
    return experiment_check_name("the name of the file", r->name, NULL, error) ||
           error_prefix(error, "%s", r->source);
}

static bool read_source(struct request *r, const struct arguments *arguments, struct error *error) {
    const char *word = arguments->words[0];
    char name[sizeof r->workload + 32];
    bool tabs = ends_with(word, ".tsv");
    r->table = tabs || ends_with(word, ".csv");
    r->separator = tabs ? '\t' : ',';
    snprintf(r->source, sizeof r->source, "%s", word);
    if (!r->table &&
        !workload_files_path(word, arguments->workloads, r->source, sizeof r->source, error))
        return false;
    if (!realpath(r->source, r->full))
        return error_set(error, "%s: %s", r->source, strerror(errno));
    if (r->table) {
        if (!name_table(r, error)) return false;
    } else {
        if (!experiment_read(r->source, false, r->experiment, error)) return false;
        snprintf(r->name, sizeof r->name, "%s", r->experiment->name);
    }
    snprintf(r->workload, sizeof r->workload, "%s%s", r->name, suffix);
    if (!experiment_check_name("the card of", r->workload, NULL, error)) return false;
    snprintf(name, sizeof name, "cards/%s.yaml", r->workload);
    bool fits = path_beside(arguments->db, name, r->path, sizeof r->path);
    snprintf(name, sizeof name, "cards/%s-starter.yaml", r->name);
    fits = fits && path_beside(arguments->db, name, r->starter, sizeof r->starter);
    return fits || error_set(error, "the path of the database is too long: %s", arguments->db);
}

/* ---- its workload file ---- */

/* Where the label stands among the columns: named, or the one called `label`; -1 on error. */
static int find_label(const struct request *r, const struct name_list *columns, const char *label,
                      struct error *error) {
    struct text list = {0};
    int found = -1;
    for (int i = 0; i < columns->n; i++) {
        text_append(&list, "%s%s", i ? ", " : "", columns->name[i]);
        if (strcmp(columns->name[i], label ? label : "label") == 0) found = i;
    }
    if (found < 0)
        error_set(error, "%s has no column '%s'; say which has the class, --label COLUMN: %s",
                  r->source, label ? label : "label", list.failed ? "" : list.data);
    text_free(&list);
    return found;
}

/* The data section of a table: the class in one column, the text in all others that have a name.
 * A number is of a table without a header. Says what was taken. */
static bool describe_table(const struct request *r, const char *label, struct text *yaml,
                           struct error *error) {
    struct text_file file;
    struct name_list columns;
    bool numbered = label && data_config_column(label) > 0;
    if (!text_file_read(r->full, ENCODING_UTF_8, &file, error)) return false;
    bool ok = reader_csv_names(&file, r->separator, &columns, error);
    text_file_free(&file);
    if (!ok) return false;
    if (numbered) /* the first record is one of the texts, which need not be names */
        for (int i = 0; i < columns.n; i++) snprintf(columns.name[i], NAME_SIZE, "%d", i + 1);
    int at = find_label(r, &columns, label, error), n_text = 0;
    if (at < 0) return false;
    text_append(yaml, "data:\n  source: %s\n  train_file: ", r->separator == '\t' ? "tsv" : "csv");
    text_append_json_string(yaml, r->full);
    text_append(yaml, "\n  label: ");
    text_append_json_string(yaml, columns.name[at]);
    text_append(yaml, "\n  text: [");
    for (int i = 0; i < columns.n; i++) {
        if (i == at || !columns.name[i][0]) continue;
        text_append(yaml, "%s", n_text++ ? ", " : "");
        text_append_json_string(yaml, columns.name[i]);
    }
    text_append(yaml, "]\n");
    if (n_text == 0)
        return error_set(error, "%s has no column of text beside '%s'", r->source,
                         columns.name[at]);
    shown_print(stderr, "%s: the class is column '%s', the text", r->source, columns.name[at]);
    for (int i = 0, n = 0; i < columns.n; i++)
        if (i != at && columns.name[i][0])
            shown_print(stderr, "%s '%s'", n++ ? "," : "", columns.name[i]);
    fprintf(stderr, "; a fifth of the rows is the test split\n");
    return true;
}

/* Writes a text, or the starter of a workload, to a file. */
static bool write_file(const char *path, const char *text, const char *starter_of,
                       struct error *error) {
    FILE *file = fopen(path, "w");
    if (!file) return error_set(error, "cannot write %s: %s", path, strerror(errno));
    if (starter_of)
        starter_write(starter_of, NULL, file);
    else
        fputs(text, file);
    bool failed = ferror(file);
    if (fclose(file) == 0 && !failed) return true;
    return error_set(error, "cannot write %s: %s", path, strerror(errno));
}

/* The folder of a path, and those above it. */
static bool make_folders(const char *path, struct error *error) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            return error_set(error, "cannot make the folder %s: %s", folder, strerror(errno));
        *slash = '/';
    }
    return true;
}

/* Equally many candidates for every arm: the file's learning rate, three times and nine times as
 * much. With a third of it instead of the last, validation chose the highest nearly always. */
static void add_arm(struct text *yaml, double rate, const char *name, const char *policy) {
    text_append(yaml, "  - {arm: %s, policy: %s, tune: {learning_rate: [%g, %g, %g]}}\n", name,
                policy, rate, 3 * rate, 9 * rate);
}

static void add_fixed(struct text *yaml, double rate, int heads) {
    char name[32], policy[48];
    snprintf(name, sizeof name, "fixed-%d", heads);
    snprintf(policy, sizeof policy, "fixed, heads: %d", heads);
    add_arm(yaml, rate, name, policy);
}

/* Writes the card's workload file, and the starter below it for a table. r->experiment is what it
 * extends. */
static bool write_workload(struct request *r, const struct arguments *arguments,
                           struct error *error) {
    struct text yaml = {0};
    const struct int_list *seeds = &arguments->overrides.seeds;
    bool ok = make_folders(r->path, error);
    if (ok && r->table)
        ok = write_file(r->starter, NULL, r->name, error) &&
             experiment_read(r->starter, false, r->experiment, error);
    text_append(&yaml, "# Made by `headroom card %s`; it is written again by the next.\nextends: ",
                r->source);
    text_append_json_string(&yaml, r->table ? strrchr(r->starter, '/') + 1 : r->full);
    text_append(&yaml,
                "\nworkload: %s\nsummary: can %s test an attention method?\ntier: named\n"
                "tags: [card]\nduration: \"\"\n",
                r->workload, r->name);
    ok = ok && (!r->table || describe_table(r, arguments->label, &yaml, error));
    if (ok) {
        double rate = r->experiment->train.learning_rate;
        text_append(&yaml, "arms:\n");
        add_arm(&yaml, rate, "bag-of-words", "bag-of-words");
        add_arm(&yaml, rate, "bag-of-bigrams", "bag-of-bigrams");
        add_arm(&yaml, rate, "none", "none");
        if (r->experiment->model.base_heads > 1) add_fixed(&yaml, rate, 1);
        add_fixed(&yaml, rate, r->experiment->model.base_heads);
        text_append(&yaml, "seeds: [");
        for (int i = 0; i < seeds->n; i++)
            text_append(&yaml, "%s%d", i > 0 ? ", " : "", seeds->value[i]);
        text_append(&yaml, seeds->n ? "]\n" : "1, 2, 3]\n");
        ok = yaml.failed ? error_set(error, "out of memory")
                         : write_file(r->path, yaml.data, NULL, error);
    }
    text_free(&yaml);
    return ok;
}

/* ---- sweep and page ---- */

static int sweep(struct request *r, const struct arguments *arguments, struct error *error) {
    struct arguments own = *arguments;
    char *file = r->path;
    own.words = &file;
    own.n_words = 1;
    own.no_profile = own.no_table = true;
    own.overrides = (struct overrides){0}; /* they are in the file */
    return sweep_command.run(&own, error);
}

/* What only the data themselves can tell; without them the page goes without. */
static void print_near_duplicates(struct request *r, FILE *out) {
    struct error problem = {0};
    struct dataset *data = NULL;
    struct near_duplicates found;
    bool ok = experiment_read(r->path, false, r->experiment, &problem);
    if (ok) data_config_set_seed(&r->experiment->data, r->experiment->seeds.value[0]);
    ok = ok && dataset_load(&r->experiment->data, &data, &problem) &&
         near_duplicates_find(data, &found, &problem);
    if (ok)
        fprintf(
            out,
            "- **Near duplicates**: %d test inputs (%.1f%%) have, as a model reads them, the words "
            "of a training input in some order; %d of these have a label that none of those "
            "training inputs has.\n",
            found.inputs, 100.0 * found.inputs / data->test.n, found.contradicted);
    else
        shown_print(stderr, "near duplicates are not on the page: %s\n", problem.text);
    dataset_free(data);
}

static bool print_page(struct request *r, const char *db, struct error *error) {
    struct store *store = NULL;
    bool ok = store_open_reader(db, &store, error) && comparison_update(store, error) &&
              card_write(store, r->workload, r->name, stdout, error);
    store_close(store);
    if (!ok) return false;
    print_near_duplicates(r, stdout);
    printf(
        "\nIntervals of differences are 95%% and hold for other seeds and other test inputs; ± is over "
        "seeds. Arms were\ntuned equally often, on the validation slice (tried: candidates).\n");
    return true;
}

/* A card says what other seeds would give, and one of them cannot. A number was once how many. */
static bool check_seeds(const struct int_list *seeds, struct error *error) {
    int one = seeds->n == 1 ? seeds->value[0] : 1;
    return one <= 1 || error_set(error, "--seeds %d is one seed alone; %d of them are --seeds 1-%d",
                                 one, one, one);
}

static int run(const struct arguments *arguments, struct error *error) {
    struct request r = {.experiment = malloc(sizeof *r.experiment)};
    int status = EXIT_FAILED;
    if (!check_seeds(&arguments->overrides.seeds, error)) {
        status = EXIT_USAGE;
        goto done;
    }
    if (!r.experiment) {
        error_set(error, "out of memory");
        goto done;
    }
    if (!read_source(&r, arguments, error)) goto done;
    if (arguments->label && !r.table) {
        error_set(error, "--label is of a table; %s says itself where its labels stand", r.source);
        status = EXIT_USAGE;
        goto done;
    }
    if (!arguments->no_run) {
        if (!write_workload(&r, arguments, error)) goto done;
        status = sweep(&r, arguments, error);
        if (status != EXIT_OK) goto done;
    }
    status = print_page(&r, arguments->db, error) ? EXIT_OK : EXIT_FAILED;
done:
    free(r.experiment);
    return status;
}

const struct command card_command = {
    "card",
    "say whether a data set can test an attention method at all",
    "FILE",
    1,
    1,
    {"label", "seeds", "no-run", "jobs", "timeout", "stall", "rerun", "replace", "db"},
    "Trains a bag of words, one of words and bigrams, a model without attention, one with one head\n"
    "and one with all heads on the data of FILE, each with three learning rates, and prints a page\n"
    "of markdown: what attention adds, what more than one head adds, the margin within which a\n"
    "claim of 'as good as all heads' means something (at most half of what attention adds), the\n"
    "smallest difference that the test set and the seeds resolve, the seeds it would take, and what\n"
    "of the test inputs training has seen. The trials are those of the workload NAME-card, whose\n"
    "file is in cards/ beside the database; what is finished is not run again.\n"
    "\n"
    "FILE is a workload file, or its name, of which data, model and training are taken, or a table\n"
    "(.csv, .tsv): its class is the column `label` or --label, its text all others, the rest as in\n"
    "`headroom new`.\n"
    "\n"
    "examples:\n"
    "  headroom card trec-coarse\n"
    "  headroom card my.csv --label class --seeds 1-5\n"
    "  headroom card my.yaml --no-run >card.md\n",
    run};
