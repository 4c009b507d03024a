/*
 * Trials come workload by workload and arm by arm, as headings say. An entry is closed until
 * somebody comes to it: report.js opens the one that a link leads to.
 */
#include "harness/report/trials.h"
#include "harness/report/chart.h"
#include "harness/report/html.h"
#include "harness/store/trial_page.h"
#include "harness/trial/trial_log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct writing {
    struct text *out;
    struct store *store;
    const char *db;
    struct trial_index *index;
    struct error *error;
    char *workload, *arm; /* of the entry before */
    bool ok;
};

/* ---- epochs ---- */

enum { EPOCH_VALUES = 4, EPOCHS_MOST = 4096 };

struct epochs {
    double *value[EPOCH_VALUES]; /* [EPOCHS_MOST], in the order of trial_page_epochs; NaN: not
                                    measured */
    size_t n;
};

static bool read_epoch(void *context, size_t n, const char *const *names,
                       const struct cell *cells) {
    struct epochs *epochs = context;
    (void)names;
    for (size_t i = 0; i < n && i < EPOCH_VALUES; i++)
        epochs->value[i][epochs->n] = cells[i].kind == CELL_REAL      ? cells[i].real
                                      : cells[i].kind == CELL_INTEGER ? (double)cells[i].integer
                                                                      : NAN;
    return ++epochs->n < EPOCHS_MOST;
}

static bool append_epochs(struct writing *w, int64_t id) {
    struct epochs epochs = {0};
    double *values = calloc((size_t)EPOCH_VALUES * EPOCHS_MOST, sizeof *values);
    if (!values) return error_set(w->error, "out of memory");
    for (size_t i = 0; i < EPOCH_VALUES; i++) epochs.value[i] = values + i * EPOCHS_MOST;
    bool ok = trial_page_epochs(w->store, id, read_epoch, &epochs, w->error);
    if (ok && epochs.n > 0) {
        const struct chart_line loss[] = {{"training", "line-a", epochs.value[0]},
                                          {"validation", "line-b", epochs.value[1]}};
        const struct chart_line accuracy = {"validation", "line-b", epochs.value[2]};
        const struct chart_line heads = {"validation", "line-b", epochs.value[3]};
        text_append(w->out, "<div class=\"curve-row\">");
        chart_append_curves(w->out, "loss", loss, 2, epochs.n);
        chart_append_curves(w->out, "accuracy", &accuracy, 1, epochs.n);
        chart_append_curves(w->out, "heads per layer", &heads, 1, epochs.n);
        text_append(w->out, "</div>\n");
    }
    free(values);
    return ok;
}

/* ---- the log ---- */

/* The end of a regular file: links may lead anywhere, and a pipe would wait. */
static size_t read_tail(const char *path, char *tail, size_t size) {
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n = -1;
    if (file >= 0 && fstat(file, &info) == 0 && S_ISREG(info.st_mode))
        n = pread(file, tail, size, info.st_size > (off_t)size ? info.st_size - (off_t)size : 0);
    if (file >= 0) close(file);
    return n > 0 ? (size_t)n : 0;
}

/* The name of a log is made of the key, which in a database from elsewhere may be a path. */
static bool is_key(const char *key) {
    return strspn(key, "0123456789abcdef") >= 16;
}

static void append_log(struct writing *w, const char *key) {
    enum { LINES = 20 };
    char path[PATH_MAX], tail[4096];
    if (!is_key(key) || !trial_log_path(w->db, key, path, sizeof path)) return;
    size_t n = read_tail(path, tail, sizeof tail);
    while (n > 0 && tail[n - 1] == '\n') n--;
    if (n == 0) return;
    size_t begin = n;
    for (int lines = 0; begin > 0; begin--)
        if (tail[begin - 1] == '\n' && ++lines == LINES) break;
    text_append(w->out, "<h5>End of its log</h5><pre tabindex=\"0\">");
    html_append_bytes(w->out, tail + begin, n - begin);
    text_append(w->out, "</pre>\n");
}

/* ---- an entry ---- */

static bool differs(const char *before, const char *now) {
    return !before || strcmp(before, now) != 0;
}

/* The headings of a workload and of an arm, where one begins. Takes both names over. */
static void append_headings(struct writing *w, char *workload, char *arm) {
    bool new_workload = differs(w->workload, workload);
    if (new_workload) {
        text_append(w->out, "<h3>");
        html_append(w->out, workload);
        text_append(w->out, "</h3>\n");
    }
    if (new_workload || differs(w->arm, arm)) {
        text_append(w->out, "<h4>");
        html_append(w->out, arm);
        text_append(w->out, "</h4>\n");
    }
    free(w->workload);
    free(w->arm);
    w->workload = workload;
    w->arm = arm;
}

/* What stands in a list of names and values: all but what has a place of its own. */
static void append_list(struct writing *w, size_t n, const char *const *names,
                        const struct cell *cells) {
    text_append(w->out, "<dl>");
    for (size_t i = TRIAL_LISTED; i < n; i++) {
        if (cells[i].kind == CELL_NULL) continue;
        bool base = strcmp(names[i], "base_trial_id") == 0 && cells[i].kind == CELL_INTEGER &&
                    trial_index_has(w->index, cells[i].integer);
        bool code = strcmp(names[i], "command") == 0;
        text_append(w->out, "<dt>");
        html_append_words(w->out, names[i]);
        text_append(w->out, "<dd>%s", code ? "<code>" : "");
        if (base) text_append(w->out, "<a href=\"#trial-%" PRId64 "\">", cells[i].integer);
        html_append_cell(w->out, &cells[i]);
        text_append(w->out, "%s%s", base ? "</a>" : "", code ? "</code>" : "");
    }
    text_append(w->out, "</dl>\n");
}

/* Warnings, a paragraph each. */
static void append_warnings(struct writing *w, const struct cell *cell) {
    if (cell->kind != CELL_TEXT) return;
    for (size_t at = 0; at < cell->size;) {
        const char *end = memchr(cell->bytes + at, '\n', cell->size - at);
        size_t length = end ? (size_t)(end - cell->bytes) - at : cell->size - at;
        text_append(w->out, "<p class=\"warning\"><strong>Warning:</strong> ");
        html_append_bytes(w->out, cell->bytes + at, length);
        text_append(w->out, "</p>\n");
        at += length + 1;
    }
}

static bool append_trial(void *context, size_t n, const char *const *names,
                         const struct cell *cells) {
    struct writing *w = context;
    int64_t id = cells[TRIAL_ID].integer, seed = cells[TRIAL_SEED].integer;
    char *workload = cell_text(&cells[TRIAL_WORKLOAD]), *arm = cell_text(&cells[TRIAL_ARM]);
    char *key = cell_text(&cells[TRIAL_KEY]), *kind = cell_text(&cells[TRIAL_KIND]);
    bool training = kind && strcmp(kind, "train") == 0;
    w->ok = workload && arm && key && kind &&
            trial_index_add(w->index, workload, arm, seed, id, training);
    if (!w->ok) {
        free(workload);
        free(arm);
        error_set(w->error, "out of memory");
        goto done;
    }
    append_headings(w, workload, arm);
    text_append(w->out,
                "<details class=\"trial\" id=\"trial-%" PRId64 "\"><summary>Trial %" PRId64 ": ",
                id, id);
    html_append(w->out, workload);
    text_append(w->out, " / ");
    html_append(w->out, arm);
    text_append(w->out, ", seed %" PRId64 ", ", seed);
    html_append_cell(w->out, &cells[TRIAL_KIND]);
    text_append(w->out, ", <span class=\"status\">");
    html_append_cell(w->out, &cells[TRIAL_STATUS]);
    text_append(w->out, "</span></summary>\n");
    append_warnings(w, &cells[TRIAL_WARNINGS]);
    append_list(w, n, names, cells);
    w->ok = !training || append_epochs(w, id);
    append_log(w, key);
    text_append(w->out, "<h5>Configuration</h5><pre class=\"json\" tabindex=\"0\">");
    html_append_cell(w->out, &cells[TRIAL_CONFIG]);
    text_append(w->out, "</pre></details>\n");
done:
    free(key);
    free(kind);
    return w->ok && !w->out->failed;
}

bool trials_append(struct text *out, struct store *store, const char *db, struct trial_index *index,
                   struct error *error) {
    struct writing w = {
        .out = out, .store = store, .db = db, .index = index, .error = error, .ok = true};
    bool ok = trial_page_trials(store, TRIALS_MOST, append_trial, &w, error) && w.ok;
    if (ok && out->failed) ok = error_set(error, "out of memory");
    free(w.workload);
    free(w.arm);
    trial_index_sort(index);
    return ok;
}
