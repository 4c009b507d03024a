/*
 * `headroom report`: the table at the end of a sweep, again, from the database alone.
 */
#include "harness/cli/command.h"
#include "harness/config/experiment.h"
#include "harness/report/report_markdown.h"
#include "harness/report/report_page.h"
#include "harness/store/report.h"
#include "harness/table/shown.h"

#include <stdlib.h>
#include <string.h>

/* What `report` reports on. */
struct chosen {
    char (*storage)[OPTION_STRING_MAX];
    const char **names; /* [n] of workloads */
    size_t n;
    struct text workloads, arms;
};

/* A file of a workload, as a sweep takes them, or the workload's name. */
static bool is_file(const char *word) {
    const char *dot = strrchr(word, '.');
    return strchr(word, '/') || (dot && strcmp(dot, ".yaml") == 0);
}

static bool read_name(const char *word, char name[OPTION_STRING_MAX], struct error *error) {
    if (!is_file(word)) {
        snprintf(name, OPTION_STRING_MAX, "%s", word);
        return true;
    }
    struct experiment *file = malloc(sizeof *file);
    bool ok = file ? experiment_read(word, false, file, error) : error_set(error, "out of memory");
    if (ok) snprintf(name, OPTION_STRING_MAX, "%s", file->name);
    free(file);
    return ok;
}

static bool read_names(const struct arguments *arguments, struct chosen *chosen,
                       struct error *error) {
    size_t most = (size_t)arguments->n_words + 1;
    chosen->storage = calloc(most, sizeof *chosen->storage);
    chosen->names = calloc(most, sizeof *chosen->names);
    if (!chosen->storage || !chosen->names) return error_set(error, "out of memory");
    for (int i = 0; i <= arguments->n_words; i++) {
        const char *word = i < arguments->n_words ? arguments->words[i] : arguments->workload;
        if (!word) break;
        if (!read_name(word, chosen->storage[chosen->n], error)) return false;
        chosen->names[chosen->n] = chosen->storage[chosen->n];
        chosen->n++;
    }
    return true;
}

/* They are of the whole database: a part of it would leave out what its claims are corrected for. */
static int write_files(const struct arguments *arguments, struct error *error) {
    const char *html = arguments->html, *md = arguments->md;
    if (arguments->n_words > 0 || arguments->workload || arguments->filter || arguments->format) {
        error_set(error, "--%s is %s of the whole database: it goes with --db alone",
                  html ? "html" : "md", html ? "a page" : "a report");
        return EXIT_USAGE;
    }
    bool ok = !html || report_page_write(arguments->db, html, error);
    if (ok && html) shown_print(stderr, "written: %s\n", html);
    ok = ok && (!md || report_markdown_write(arguments->db, md, error));
    if (ok && md) shown_print(stderr, "written: %s\n", md);
    return ok ? EXIT_OK : EXIT_FAILED;
}

static int run(const struct arguments *arguments, struct error *error) {
    if (arguments->html || arguments->md) return write_files(arguments, error);
    enum table_format format = TABLE_ALIGNED;
    struct chosen chosen = {0};
    struct store *store = NULL;
    if (arguments->format &&
        !table_format_parse(arguments->format,
                            TABLE_ALIGNED | TABLE_MARKDOWN | TABLE_CSV | TABLE_JSON, &format,
                            error))
        return EXIT_USAGE;
    if (format == TABLE_ALIGNED) format = command_line_table(arguments);
    bool ok = read_names(arguments, &chosen, error) &&
              store_open_reader(arguments->db, &store, error) &&
              report_choose(store, chosen.names, chosen.n, arguments->filter, &chosen.workloads,
                            &chosen.arms, error);
    struct report_choice choice = {chosen.workloads.data, chosen.arms.data};
    ok = ok && report_write_chosen(store, &choice, format, stdout, error);
    fflush(stdout); /* what is said of the tables stands below them, also in one file */
    ok = ok && report_older_code(store, choice.workloads, stderr, error) &&
         report_failures(store, choice.workloads, stderr, error);
    store_close(store);
    text_free(&chosen.workloads);
    text_free(&chosen.arms);
    free(chosen.storage);
    free(chosen.names);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command report_command = {
    "report",
    "print the table of results again",
    "[WORKLOADS...]",
    0,
    1000000,
    {"db", "workload", "filter", "format", "verbose", "html", "md"},
    "Accuracy, budget, FLOPs and time per workload and arm, comparisons of arms, and the trials\n"
    "without result; of all workloads, or of those that are given by name or by file (NAME.yaml).\n"
    "--filter is looked for in workload/arm.\n"
    "\n"
    "Tables and sentences are as wide as COLUMNS says, else the terminal, else 80 columns. What has no\n"
    "room is left out and named; of the noise of times there is one sentence. --verbose has all columns\n"
    "and all notes, in lines of any length.\n"
    "\n"
    "--format table and md round numbers to what they are good for. csv is the table of arms alone, a\n"
    "row each, and json an object with an array of rows for each part, both with every digit that is\n"
    "stored, and neither cut. `headroom export` writes any other view.\n"
    "\n"
    "--html writes one file for a browser that needs no other and no network: what was found in\n"
    "sentences, what is doubtful, the figures, the views as tables that sort and filter, an entry for\n"
    "each trial (configuration, command, curves, the end of its log), machines. --md writes a Markdown\n"
    "file for a repository: findings, doubts, figures (in NAME-figures/ beside NAME.md), the main tables,\n"
    "machines. Both are of the whole database.\n"
    "\n"
    "examples:\n"
    "  headroom report --db results/results.db\n"
    "  headroom report offsets --filter '/fixed-' --format md\n"
    "  headroom report workloads/offsets.yaml --format json\n"
    "  headroom report --html report.html\n"
    "  headroom report --md report.md\n",
    run};
