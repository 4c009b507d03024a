/*
 * Names of sides. A word that names a file is told from an arm by its ending or by being there:
 * names of arms and workloads have neither '/', '@' nor ':' in them, those of controls a ':' behind
 * a parenthesis.
 */
#include "harness/compare/side.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool ends_in(const char *text, size_t length, const char *ending) {
    size_t n = strlen(ending);
    return length > n && memcmp(text + length - n, ending, n) == 0;
}

static bool is_predictions(const char *text, size_t length) {
    return ends_in(text, length, ".jsonl") || ends_in(text, length, ".jsonl.gz");
}

static bool is_database(const char *text, size_t length) {
    char path[1024];
    if (ends_in(text, length, ".db") || ends_in(text, length, ".sqlite")) return true;
    if (length >= sizeof path) return false;
    memcpy(path, text, length);
    path[length] = '\0';
    return strchr(path, '/') && access(path, F_OK) == 0;
}

static bool copy(const char *what, char *out, size_t size, const char *text, size_t length,
                 struct error *error) {
    if (length >= size) return error_set(error, "a %s of %zu bytes is too long", what, length);
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static bool parse(const char *text, struct side *side, struct error *error) {
    const char *rest = text, *at = strrchr(text, '@');
    size_t length = at ? (size_t)(at - text) : strlen(text);
    *side = (struct side){.text = text};
    if (!*text) return error_set(error, "an empty word names no side");
    if (is_predictions(text, strlen(text))) {
        side->predictions = true;
        return copy("path", side->file, sizeof side->file, text, strlen(text), error);
    }
    if (is_database(text, strlen(text))) /* also one with '@' or ':' in its path */
        return copy("path", side->file, sizeof side->file, text, strlen(text), error);
    if (at && !at[1]) return error_set(error, "'%s': no revision or machine behind '@'", text);
    if (at && !copy("revision or machine", side->where, sizeof side->where, at + 1, strlen(at + 1),
                    error))
        return false;
    /* The path goes up to the first ':' that ends one, or is all. */
    for (size_t i = 0; i <= length; i++) {
        if ((i < length && text[i] != ':') || !is_database(text, i)) continue;
        if (!copy("path", side->file, sizeof side->file, text, i, error)) return false;
        rest = text + i + (i < length);
        break;
    }
    length -= (size_t)(rest - text);
    const char *slash = memchr(rest, '/', length);
    size_t front = slash ? (size_t)(slash - rest) : 0, back = front + (slash != NULL);
    return copy("workload", side->workload, sizeof side->workload, rest, front, error) &&
           copy("arm", side->arm, sizeof side->arm, rest + back, length - back, error);
}

/* What is said of one side alone is said of both. */
static void share(char *a, char *b, size_t size) {
    if (!*a) memcpy(a, b, size);
    if (!*b) memcpy(b, a, size);
}

bool sides_parse(const char *a, const char *b, const char *db, const char *workload,
                 struct side sides[2], struct error *error) {
    sides[1] = (struct side){0};
    if (!parse(a, &sides[0], error) || !parse(b, &sides[1], error)) return false;
    bool files = sides[0].predictions && sides[1].predictions;
    if (!sides[0].predictions && !sides[1].predictions)
        share(sides[0].arm, sides[1].arm, sizeof sides->arm);
    share(sides[0].workload, sides[1].workload, sizeof sides->workload);
    for (int i = 0; i < 2; i++) {
        struct side *side = &sides[i];
        if (workload && side->workload[0] && strcmp(workload, side->workload) != 0)
            return error_set(error, "'%s' is not of the workload '%s'", side->text, workload);
        if (workload && !copy("workload", side->workload, sizeof side->workload, workload,
                              strlen(workload), error))
            return false;
        if (!side->file[0] && !copy("path", side->file, sizeof side->file, db, strlen(db), error))
            return false;
        if (!files && !side->predictions && sides[1 - i].predictions && !side->arm[0])
            return error_set(error, "'%s': name an arm to compare with the file: %s%sARM",
                             side->text, side->text, side->text[0] == '@' ? " behind " : ":");
    }
    const struct side *x = &sides[0], *y = &sides[1];
    if (strcmp(x->workload, y->workload) != 0)
        return error_set(error,
                         "'%s' and '%s' are other workloads: they have no test inputs in common",
                         x->workload, y->workload);
    if (strcmp(x->file, y->file) == 0 && strcmp(x->arm, y->arm) == 0 &&
        strcmp(x->where, y->where) == 0)
        return error_set(error, "'%s' and '%s' are the same results", a, b);
    return true;
}

bool sides_by_arm(const struct side sides[2]) {
    return !sides[0].arm[0] && !sides[0].predictions && !sides[1].predictions;
}

bool sides_across(const struct side sides[2]) {
    return strcmp(sides[0].file, sides[1].file) != 0 || strcmp(sides[0].where, sides[1].where) != 0;
}

static const char *said(const char *text) {
    return *text ? text : NULL;
}

/* Answers of other workloads than the one asked for are left out by the reader of a database; of a
 * file they stay, and find no partner. */
static bool read_side(struct side *side, struct error *error) {
    if (side->predictions) return predictions_read(side->file, &side->outcomes, error);
    struct store *store = NULL;
    const char *workload = said(side->workload), *arm = said(side->arm);
    const char *where = said(side->where);
    bool ok = store_open_reader(side->file, &store, error) &&
              outcomes_read(store, workload, arm, where, &side->outcomes, error);
    if (ok && side->outcomes.n_answers == 0 && side->outcomes.n_measured == 0)
        ok = outcomes_explain_none(store, workload, arm, where, error);
    store_close(store);
    return ok;
}

bool sides_read(struct side sides[2], struct error *error) {
    return read_side(&sides[0], error) && read_side(&sides[1], error);
}

void sides_free(struct side sides[2]) {
    outcomes_free(&sides[0].outcomes);
    outcomes_free(&sides[1].outcomes);
}
