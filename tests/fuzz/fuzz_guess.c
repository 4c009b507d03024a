/*
 * Any bytes as a file for `headroom new --from`: whatever is guessed of them, the workload file that
 * says so can be read, its data section names what the guess does, and the file has that. Nothing of the bytes, which
 * come back in comments and in names of columns, leads out of its line.
 */
#include "harness/cli/starter.h"
#include "harness/config/experiment.h"
#include "tests/fuzz/input.h"
#include "tests/temporary.h"
#include "workloads/data/columns.h"

#include <string.h>

static void must_be_a_workload(const struct guess *guess) {
    struct experiment *experiment = malloc(sizeof *experiment);
    struct error error = {0};
    char *yaml = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&yaml, &size);
    MUST(experiment && out);
    starter_write("guessed", guess, out);
    MUST(fclose(out) == 0);
    struct input_file file = input_open(yaml, size);
    bool ok = experiment_read(file.path, false, experiment, &error);
    if (!ok) fprintf(stderr, "%s\n%d: %s\n", yaml, error.at.line, error.text);
    MUST(ok);
    MUST(experiment->data.label[0] && experiment->data.text.n > 0);
    const char *absent;
    bool there = columns_check(&experiment->data, &absent, &error);
    if (!there) fprintf(stderr, "%s\n%s: %s\n", yaml, absent, error.text);
    MUST(there);
    MUST((experiment->data.second_text.n > 0) == (guess_find(guess, "second_text") != NULL));
    MUST(experiment->data.drop_empty == (guess_find(guess, "drop_empty") != NULL));
    MUST(strcmp(experiment->name, "guessed") == 0);
    input_close(&file);
    free(yaml);
    free(experiment);
}

/* Where a file is looked for, links are followed, so it needs a name of its own. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[256];
    struct guess_request request = {.file = path};
    struct guess guess;
    int file = mkstemp(temporary_template(path, sizeof path));
    MUST(file >= 0 && write(file, data, size) == (ssize_t)size);
    close(file);
    for (int told = 0; told < 2; told++) {
        struct error error = {0};
        request.label = told ? "1" : NULL;
        request.text = (struct name_list){told, {"2"}};
        bool ok = guess_data(&request, &guess, &error);
        must_explain(ok, &error);
        if (ok) must_be_a_workload(&guess);
        guess_free(&guess);
    }
    unlink(path);
    return 0;
}
