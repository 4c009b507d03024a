/*
 * Each doubt is worked out from the finished data set, so that one that comes from the cache raises
 * the same as one that was just read. What only the reading of rows can tell is in the data set as
 * text (dataset.h: unmatched). The thresholds are generous: whoever has few rows knows it.
 */
#include "workloads/data/doubts.h"
#include "models/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_SHOWN = 3, NAMES_SHOWN = 5, INPUTS_PER_CLASS = 5, NAME_SHOWN = 32 };

/* The start of a name, whole characters and on one line. */
static const char *shorten(const char *name, char out[NAME_SHOWN + 1]) {
    size_t size = strlen(name);
    snprintf(out, NAME_SHOWN + 1, "%s", name);
    if (size > NAME_SHOWN) out[utf8_valid_prefix(out, NAME_SHOWN)] = '\0';
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
    return out;
}

void few_names_add(struct few_names *names, const char *name) {
    size_t used = strlen(names->shown);
    char start[NAME_SHOWN + 1];
    if (names->n < NAMES_SHOWN)
        snprintf(names->shown + used, sizeof names->shown - used, "%s'%s'", names->n ? ", " : "",
                 shorten(name, start));
    else if (names->n == NAMES_SHOWN)
        snprintf(names->shown + used, sizeof names->shown - used, ", ...");
    names->n++;
}

bool doubts_count_classes(const struct dataset *data, int (**out)[CLASS_COUNTS],
                          struct error *error) {
    const struct split *splits[CLASS_COUNTS] = {&data->train, &data->validation, &data->test};
    int(*count)[CLASS_COUNTS] = calloc((size_t)data->n_classes, sizeof *count);
    *out = count;
    if (!count) return error_set(error, "out of memory for %d classes", data->n_classes);
    for (int s = 0; s < CLASS_COUNTS; s++)
        for (int i = 0; i < splits[s]->n; i++) count[splits[s]->labels[i]][s]++;
    return true;
}

/* ---- names that are nearly the same ---- */

struct form {
    char *text; /* the name as a careless reader sees it */
    int class;
};

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One blank for several and none at the ends, Latin letters small, numbers in one spelling; NULL:
 * no memory. */
static char *form_of(const char *name) {
    enum { NUMBER = 32 };
    size_t n = 0;
    char *form = malloc(strlen(name) + NUMBER), *end;
    if (!form) return NULL;
    for (; *name; name++) {
        char c = *name;
        if (is_blank(c)) c = ' ';
        if (c == ' ' && (n == 0 || form[n - 1] == ' ')) continue;
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        form[n++] = c;
    }
    n -= n > 0 && form[n - 1] == ' ';
    form[n] = '\0';
    if (n > 0 && !form[strspn(form, "0123456789+-.e")]) {
        double number = strtod(form, &end);
        if (!*end) snprintf(form, NUMBER, "%.15g", number);
    }
    return form;
}

static int compare_forms(const void *a, const void *b) {
    const struct form *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : x->class - y->class;
}

/* One line for each group of names with the same form. */
static void write_groups(const struct form *form, const struct dataset *data,
                         int (*count)[CLASS_COUNTS], struct text *out) {
    int n_groups = 0;
    for (int i = 0, end; i < data->n_classes; i = end) {
        for (end = i + 1; end < data->n_classes; end++)
            if (strcmp(form[i].text, form[end].text) != 0) break;
        if (end - i < 2 || ++n_groups > GROUPS_SHOWN) continue;
        text_append(out, "classes");
        for (int k = i; k < end; k++) {
            const int *n = count[form[k].class], sum = n[0] + n[1] + n[2];
            char start[NAME_SHOWN + 1];
            text_append(out, "%s '%s' (%d input%s)",
                        k == i         ? ""
                        : k + 1 == end ? " and"
                                       : ",",
                        shorten(data->class_names[form[k].class], start), sum, PLURAL_S(sum));
        }
        text_append(out, " differ in blanks, case or the spelling of a number alone; if they are "
                         "one, correct the rows or join them by label_groups\n");
    }
    if (n_groups > GROUPS_SHOWN)
        text_append(out, "%d more groups of classes are as alike\n", n_groups - GROUPS_SHOWN);
}

static bool write_near_names(const struct dataset *data, int (*count)[CLASS_COUNTS],
                             struct text *out, struct error *error) {
    struct form *form = calloc((size_t)data->n_classes, sizeof *form);
    bool ok = form != NULL;
    for (int c = 0; ok && c < data->n_classes; c++) {
        form[c] = (struct form){form_of(data->class_names[c]), c};
        ok = form[c].text != NULL;
    }
    if (ok) {
        qsort(form, (size_t)data->n_classes, sizeof *form, compare_forms);
        write_groups(form, data, count, out);
    }
    for (int c = 0; form && c < data->n_classes; c++) free(form[c].text);
    free(form);
    return ok || error_set(error, "out of memory for %d classes", data->n_classes);
}

/* ---- classes without inputs ---- */

static void write_counts(const struct data_config *config, const struct dataset *data,
                         int (*count)[CLASS_COUNTS], struct text *out) {
    int n = data->train.n + data->validation.n;
    struct few_names untrained = {0}, untested = {0};
    bool limited = config->train_limit > 0 && config->train_limit < data->n_classes;
    for (int c = 0; c < data->n_classes; c++) {
        if (count[c][0] == 0) few_names_add(&untrained, data->class_names[c]);
        if (count[c][2] == 0) few_names_add(&untested, data->class_names[c]);
    }
    if (limited)
        text_append(out, "train_limit: %d is below the number of classes, %d\n",
                    config->train_limit, data->n_classes);
    else if (n < INPUTS_PER_CLASS * data->n_classes)
        text_append(out,
                    "%d classes have %.1f inputs to train on average, too few to learn from; does "
                    "the label stand elsewhere, or is it a number to be grouped by label_groups?\n",
                    data->n_classes, (double)n / data->n_classes);
    if (untrained.n > 0)
        text_append(out, "%d of %d classes have no input to train, so none is learned: %s\n",
                    untrained.n, data->n_classes, untrained.shown);
    if (untested.n > 0)
        text_append(out, "%d of %d classes have no test input, so no result is about them: %s\n",
                    untested.n, data->n_classes, untested.shown);
}

/* ---- a validation file that training knows ---- */

static void write_known_validation(const struct data_config *config, const struct dataset *data,
                                   struct text *out) {
    int n = data->n_overlap_validation;
    if (n > 0 && config->overlap == OVERLAP_KEEP)
        text_append(out,
                    "%d of %d inputs of validation_file are in training too, so weights that know "
                    "them by heart are chosen; overlap: drop-train or drop-test leaves them out\n",
                    n, data->validation.n);
}

/* ---- texts without blanks ---- */

/* Scripts that put no blanks between words: Thai and Lao, Burmese, Khmer, kana, Han. */
static bool is_unspaced(unsigned code) {
    return (code >= 0x0E00 && code <= 0x0EFF) || (code >= 0x1000 && code <= 0x109F) ||
           (code >= 0x1780 && code <= 0x17FF) || (code >= 0x3040 && code <= 0x30FF) ||
           (code >= 0x3400 && code <= 0x9FFF) || (code >= 0x20000 && code <= 0x3FFFF);
}

/* Whether most characters of the words that training knows are of such a script. */
static bool mostly_unspaced(const struct dataset *data) {
    int64_t n = 0, unspaced = 0;
    for (int w = 1; w < data->vocab; w++) /* 0 is <unk> */
        for (const char *next = data->words[w]; *next; n++)
            unspaced += is_unspaced(utf8_next(&next));
    return 2 * unspaced > n;
}

bool doubts_write(const struct data_config *config, const struct dataset *data, struct text *out,
                  struct error *error) {
    int(*count)[CLASS_COUNTS] = NULL;
    bool ok =
        doubts_count_classes(data, &count, error) && write_near_names(data, count, out, error);
    if (ok) {
        write_counts(config, data, count, out);
        write_known_validation(config, data, out);
        if (data->unmatched.data) text_append(out, "%s", data->unmatched.data);
        if (!data_config_is_generated(config) && data->tokenizer == TOKENIZER_WORD &&
            mostly_unspaced(data))
            text_append(out, "most letters are of a script that puts no blanks between words, so a "
                             "word here is a whole clause; tokenizer: character cuts it\n");
        ok = !out->failed || error_set(error, "out of memory");
    }
    free(count);
    return ok;
}
