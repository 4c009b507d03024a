/*
 * `headroom new`: a workload file to start from, as an example or for a file that is there.
 */
#include "harness/cli/command.h"
#include "harness/cli/starter.h"
#include "harness/config/experiment.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "workloads/data/data_files.h"
#include "workloads/data/dataset_load.h"
#include "workloads/data/doubts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that is already there is somebody's work: it is never written to. */
static bool write_new(const char *path, const char *name, const struct guess *guess,
                      struct error *error) {
    FILE *file = fopen(path, "wx");
    if (!file && errno == EEXIST)
        return error_set(error, "%s is there already; choose another name or remove it", path);
    if (!file) return error_set(error, "cannot write %s: %s", path, strerror(errno));
    starter_write(name, guess, file);
    bool failed = ferror(file);
    if (fclose(file) == 0 && !failed) return true;
    error_set(error, "cannot write %s: %s", path, strerror(errno));
    unlink(path);
    return false;
}

_Static_assert((int)FLAG_WORDS_MAX <= (int)NAME_LIST_MAX,
               "each --text has room in a list of names");

/* The data are read as a sweep would, which is also the proof that the file is one. */
static bool read_data(const char *path, struct error *error) {
    struct experiment *experiment = malloc(sizeof *experiment);
    struct dataset *data = NULL;
    struct text doubts = {0};
    bool ok = experiment || error_set(error, "out of memory");
    ok = ok && experiment_read(path, false, experiment, error) &&
         dataset_load(&experiment->data, &data, error) &&
         doubts_write(&experiment->data, data, &doubts, error);
    if (ok)
        wrap_print(stderr, width_of_lines(stderr), 4,
                   "  %d classes; inputs: %d to train, %d to choose weights on, %d to test",
                   data->n_classes, data->train.n, data->validation.n, data->test.n);
    else
        error_append(error, "; %s is written, mend it there", path);
    for (char *rest = doubts.data, *line; ok && rest && (line = strsep(&rest, "\n")) && *line;)
        wrap_print(stderr, width_of_lines(stderr), 4, "  but: %s", line);
    text_free(&doubts);
    dataset_free(data);
    free(experiment);
    return ok;
}

static void print_guess(const struct guess *guess) {
    int width = width_of_lines(stderr);
    wrap_print(stderr, width, 2, "%s. Guessed:", guess->file.data);
    for (int i = 0; i < guess->n; i++) {
        const struct guessed *setting = &guess->setting[i];
        if (setting->value.data)
            wrap_print(stderr, width, 4, "  %s: %s  # %s", setting->key, setting->value.data,
                       setting->why.data);
    }
}

static bool write_guessed(const struct arguments *arguments, const char *path,
                          struct error *error) {
    struct guess_request request = {.file = arguments->from, .label = arguments->label};
    struct guess guess = {0};
    for (int i = 0; i < arguments->texts.n; i++) {
        const char *text = arguments->texts.word[i];
        if (!*text || strlen(text) >= NAME_SIZE)
            return error_set(error, "--text needs names of 1 to %d bytes", NAME_SIZE - 1);
        snprintf(request.text.name[request.text.n++], NAME_SIZE, "%s", text);
    }
    bool ok =
        guess_data(&request, &guess, error) && write_new(path, arguments->words[0], &guess, error);
    if (ok) print_guess(&guess);
    ok = ok && read_data(path, error);
    if (ok)
        wrap_print(stderr, width_of_lines(stderr), 0,
                   "%s is written, with these reasons. Correct in it what is wrong, or remove it "
                   "and say --label and --text, then",
                   path);
    guess_free(&guess);
    return ok;
}

static int run(const struct arguments *arguments, struct error *error) {
    const char *name = arguments->words[0];
    char path[EXPERIMENT_NAME_SIZE + sizeof ".yaml"];
    if (!experiment_check_name("workload", name, NULL, error)) return EXIT_USAGE;
    snprintf(path, sizeof path, "%s.yaml", name);
    if (!arguments->from && (arguments->label || arguments->texts.n > 0)) {
        error_set(error, "--label and --text are columns of a file: --from FILE");
        return EXIT_USAGE;
    }
    if (arguments->from) {
        if (!write_guessed(arguments, path, error)) return EXIT_FAILED;
    } else {
        if (!write_new(path, name, NULL, error)) return EXIT_FAILED;
        wrap_print(stderr, width_of_lines(stderr), 0,
                   "%s is written, for texts in %s/%s/train.csv with columns `label` and `text`. "
                   "Change in it what is different for yours, then",
                   path, data_root(), name);
    }
    fprintf(stderr,
            "  ./headroom validate %s\n"
            "  ./headroom sweep %s\n"
            "  make plots\n",
            path, path);
    return EXIT_OK;
}

const struct command new_command = {
    "new",
    "write a workload file to start from",
    "NAME",
    1,
    1,
    {"from", "label", "text"},
    "Writes NAME.yaml here: a complete experiment on a CSV file of your own, with every choice\n"
    "explained beside it. It is valid as it stands and never overwrites a file.\n"
    "\n"
    "With --from the file is looked at: csv, tsv or JSON lines, packed or not. What its columns hold\n"
    "and are called says which is the label and which the text, or the two texts of a pair; lengths,\n"
    "empty rows, test and validation files beside a train.csv are found as well. Each guess stands\n"
    "in NAME.yaml below its reason. What nothing tells is asked for: --label, --text.\n"
    "\n"
    "examples:\n"
    "  headroom new tickets --from data/tickets/train.csv\n"
    "  headroom new tickets --from tickets.tsv --label product --text title --text body\n"
    "  headroom new tickets\n",
    run};
