/*
 * The same numbers in four dresses. For people numbers are rounded to what they are good for; for
 * programs they have nine digits, and NULL or an empty cell where they are not known. "none" stands
 * where no number of seeds or inputs would do.
 */
#include "harness/compare/write.h"
#include "harness/table/table.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "models/base/json.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool compare_format_parse(const char *name, enum table_format *out, struct error *error) {
    return table_format_parse(name, TABLE_ALIGNED | TABLE_MARKDOWN | TABLE_CSV | TABLE_JSON, out,
                              error);
}

/* ---- tables for people ---- */

enum { COLUMNS_MAX = 10, CELL_SIZE = 240 };

static void append_cells(struct table *table, char cell[COLUMNS_MAX][CELL_SIZE], size_t n) {
    const char *texts[COLUMNS_MAX];
    for (size_t c = 0; c < n; c++) texts[c] = cell[c];
    table_append(table, n, texts);
}

static bool print_table(struct table *table, enum table_format format, FILE *out,
                        struct error *error) {
    bool ok = table_write(table, format, out, error);
    fputc('\n', out);
    table_free(table);
    return ok;
}

static void write_p(char out[CELL_SIZE], double p) {
    if (isnan(p))
        snprintf(out, CELL_SIZE, "-");
    else if (p < 0.0001)
        snprintf(out, CELL_SIZE, "<0.0001");
    else
        snprintf(out, CELL_SIZE, "%.4f", p);
}

static void write_value(char out[CELL_SIZE], enum measure measure, double value) {
    switch (measure) {
    case MEASURE_ACCURACY:
        snprintf(out, CELL_SIZE, "%.1f%%", value);
        return;
    case MEASURE_HEADS:
        snprintf(out, CELL_SIZE, "%.2f", value);
        return;
    case MEASURE_FLOPS:
        snprintf(out, CELL_SIZE, "%.3f MFLOP", value / 1e6);
        return;
    case MEASURE_LATENCY:
        snprintf(out, CELL_SIZE, "%.1f us", value / 1e3);
        return;
    case MEASURE_MEMORY:
        snprintf(out, CELL_SIZE, "%.1f MiB", value / 1048576);
        return;
    }
}

/* "offsets / fixed-8" where arms are compared with their namesakes, else the workload. */
static void write_name(char out[CELL_SIZE], const struct line *line) {
    bool same = strcmp(line->arm_a, line->arm_b) == 0;
    const char *arm = same ? line->arm_b : "";
    snprintf(out, CELL_SIZE, "%.100s%s%.100s", line->workload, *line->workload && *arm ? " / " : "",
             *line->workload || *arm ? arm : "all");
}

static void write_cells(char cell[COLUMNS_MAX][CELL_SIZE], const struct line *line) {
    write_name(cell[0], line);
    line_measure(line, cell[1]);
    write_value(cell[2], line->measure, line->a);
    write_value(cell[3], line->measure, line->b);
    if (line->ratio)
        snprintf(cell[4], CELL_SIZE, "x %.3f", line->estimate);
    else
        snprintf(cell[4], CELL_SIZE, "%+.2f", line->estimate);
    if (isnan(line->low))
        snprintf(cell[5], CELL_SIZE, "-");
    else
        snprintf(cell[5], CELL_SIZE, line->ratio ? "%.3f to %.3f" : "%+.2f to %+.2f", line->low,
                 line->high);
    write_p(cell[6], line->p);
    write_p(cell[7], line->p_holm);
    snprintf(cell[8], CELL_SIZE, "%s", line->verdict);
}

static bool print_lines(const struct comparison *comparison, enum table_format format, FILE *out,
                        struct error *error) {
    static const char *const names[] = {
        "workload", "measure", "A", "B", "B - A or B / A", "95% interval", "p", "Holm", "verdict"};
    enum { N = sizeof names / sizeof *names };
    struct table table = {.middle_right = true, .n_keys = 2};
    char cell[COLUMNS_MAX][CELL_SIZE];
    table_append(&table, N, names);
    for (size_t i = 0; i < comparison->n; i++) {
        write_cells(cell, &comparison->line[i]);
        append_cells(&table, cell, N);
    }
    return print_table(&table, format, out, error);
}

/* What accuracies are made of: how many models and inputs, what each contributes, and McNemar's test
 * of each pair of models. */
static void write_parts(char cell[COLUMNS_MAX][CELL_SIZE], const struct line *line) {
    long only_a = 0, only_b = 0;
    size_t at = 0;
    write_name(cell[0], line);
    snprintf(cell[1], CELL_SIZE, "%d", line->n_models);
    snprintf(cell[2], CELL_SIZE, "%d", line->n_inputs);
    snprintf(cell[3], CELL_SIZE, isnan(line->seeds_half) ? "-" : "%.2f", line->seeds_half);
    snprintf(cell[4], CELL_SIZE, "%.2f", line->inputs_half);
    for (int i = 0; i < line->n_models; i++) {
        char p[CELL_SIZE];
        only_a += line->mcnemar[i].only_a;
        only_b += line->mcnemar[i].only_b;
        write_p(p, line->mcnemar[i].p);
        if (at + 40 < CELL_SIZE)
            at += (size_t)snprintf(cell[9] + at, CELL_SIZE - at, "%s%.20s", i ? ", " : "", p);
        else if (cell[9][at - 1] != '.')
            at += (size_t)snprintf(cell[9] + at, CELL_SIZE - at, ", ...");
    }
    snprintf(cell[5], CELL_SIZE, "%ld", only_a);
    snprintf(cell[6], CELL_SIZE, "%ld", only_b);
    write_p(cell[7], line->p_equal);
    write_p(cell[8], line->inputs_p);
}

static bool print_parts(const struct comparison *comparison, enum table_format format, FILE *out,
                        bool *any, struct error *error) {
    static const char *const names[] = {
        "accuracy",     "seeds",        "inputs",      "± seeds",     "± inputs",
        "only A right", "only B right", "p not equal", "p of inputs", "McNemar, seed by seed"};
    enum { N = sizeof names / sizeof *names };
    struct table table = {.middle_right = true};
    char cell[COLUMNS_MAX][CELL_SIZE];
    *any = false;
    for (size_t i = 0; i < comparison->n; i++) {
        if (comparison->line[i].measure != MEASURE_ACCURACY) continue;
        if (!*any) table_append(&table, N, names);
        *any = true;
        write_parts(cell, &comparison->line[i]);
        append_cells(&table, cell, N);
    }
    return !*any || print_table(&table, format, out, error);
}

static void print_side(const char *name, const struct side *side, int width, FILE *out) {
    bool named = strstr(side->text, side->file) != NULL;
    wrap_print(out, width, 3, "%s: %s%s%s%s%s", name, side->text, named ? "" : " in ",
               named ? "" : side->file, side->arm[0] && !strstr(side->text, side->arm) ? ", " : "",
               side->arm[0] && !strstr(side->text, side->arm) ? side->arm : "");
}

/* What intervals cover, measure by measure; nothing where there is none. */
static void print_covers(const struct comparison *comparison, int width, FILE *out) {
    struct text all = {0};
    for (int m = 0; m < N_MEASURES; m++)
        for (size_t i = 0; i < comparison->n; i++) {
            const struct line *line = &comparison->line[i];
            if ((int)line->measure != m || !*line->covers) continue;
            bool told = false; /* by an earlier line of this measure */
            for (size_t k = 0; k < i && !told; k++)
                told = comparison->line[k].measure == line->measure &&
                       strcmp(comparison->line[k].covers, line->covers) == 0;
            if (!told)
                text_append(&all, "%s %s: %s", all.size ? ";" : "", measure_names[m], line->covers);
        }
    if (all.data) wrap_print(out, width, 0, "95%% intervals cover%s.", all.data);
    text_free(&all);
}

/* Lines without statistics, such as a count of one model, take no part in Holm's correction. */
static size_t count_p(const struct comparison *comparison) {
    size_t n = 0;
    for (size_t i = 0; i < comparison->n; i++) n += isnan(comparison->line[i].p) ? 0 : 1;
    return n;
}

static bool write_for_people(const struct side sides[2], const struct comparison *comparison,
                             enum table_format format, FILE *out, struct error *error) {
    bool markdown = format == TABLE_MARKDOWN, parts;
    size_t n_p = count_p(comparison);
    int width = markdown ? INT_MAX : width_of(out),
        lines = markdown ? INT_MAX : width_of_lines(out);
    print_side("A", &sides[0], lines, out);
    if (markdown) fputc('\n', out);
    print_side("B", &sides[1], lines, out);
    fputc('\n', out);
    if (!print_lines(comparison, format, out, error) ||
        !print_parts(comparison, format, out, &parts, error))
        return false;
    print_covers(comparison, width, out);
    wrap_print(out, width, 0,
               "p: of no difference; Holm: after correction for %zu p value%s; of accuracies the "
               "difference in points. They are equal if the 90%% interval lies within ±%g point%s "
               "(--margin): two one-sided tests, 'p not equal' is below 0.05. That all of many are "
               "equal needs no correction, since each has to pass.",
               n_p, PLURAL_S(n_p), comparison->margin, comparison->margin == 1.0 ? "" : "s");
    if (parts)
        wrap_print(
            out, width, 0,
            "± seeds, ± inputs: half of the interval for other seeds alone and for other inputs "
            "alone. McNemar: exact, of the two models of one seed; they are not pooled, because "
            "an input that every seed answers is one input. 'p of inputs' pools them: a sign "
            "test of the inputs that more seeds of one side get right. Both know nothing of "
            "other seeds, p does.");
    if (comparison->notes.data) {
        fputs(markdown ? "\nNotes:\n\n" : "\nnotes\n", out);
        for (const char *at = comparison->notes.data; *at;) {
            int length = (int)strcspn(at, "\n");
            wrap_print(out, lines, 2, "%s%.*s", markdown ? "- " : "", length, at);
            at += length + (at[length] == '\n');
        }
    }
    return true;
}

/* ---- for programs ---- */

/* One number of a line by its name; a text where text is not NULL. */
struct field {
    const char *name, *text;
    double number;
};

enum { FIELDS = 27 };

static double number_or_none(int number, bool known) {
    return known ? (double)number : (double)NAN;
}

static void fields_of(const struct line *line, struct field out[FIELDS]) {
    double only_a = NAN, only_b = NAN;
    for (int i = 0; line->mcnemar && i < line->n_models; i++) {
        only_a = line->mcnemar[i].only_a + (i ? only_a : 0);
        only_b = line->mcnemar[i].only_b + (i ? only_b : 0);
    }
    bool accuracy = line->measure == MEASURE_ACCURACY;
    const struct field fields[FIELDS] = {
        {"workload", line->workload, 0},
        {"arm_a", line->arm_a, 0},
        {"arm_b", line->arm_b, 0},
        {"measure", measure_names[line->measure], 0},
        {"batch_size", NULL, number_or_none(line->batch_size, line->batch_size > 0)},
        {"n_models", NULL, line->n_models},
        {"n_inputs", NULL, number_or_none(line->n_inputs, line->n_inputs > 0)},
        {"a", NULL, line->a},
        {"b", NULL, line->b},
        {"kind", line->ratio ? "ratio" : "difference", 0},
        {"estimate", NULL, line->estimate},
        {"ci95_low", NULL, line->low},
        {"ci95_high", NULL, line->high},
        {"covers", line->covers, 0},
        {"p", NULL, line->p},
        {"p_holm", NULL, line->p_holm},
        {"p_not_equal", NULL, line->p_equal},
        {"p_not_equal_holm", NULL, line->p_equal_holm},
        {"seeds_half_points", NULL, line->seeds_half},
        {"inputs_half_points", NULL, line->inputs_half},
        {"seeds_needed", NULL, line->seeds_needed},
        {"inputs_needed", NULL, line->inputs_needed},
        {"only_a_right", NULL, only_a},
        {"only_b_right", NULL, only_b},
        {"inputs_a", NULL, number_or_none(line->inputs_a, accuracy)},
        {"inputs_b", NULL, number_or_none(line->inputs_b, accuracy)},
        {"inputs_p", NULL, line->inputs_p}};
    memcpy(out, fields, sizeof fields);
}

static void write_number(double number, const char *unknown, bool quoted, FILE *out) {
    if (isnan(number))
        fputs(unknown, out);
    else if (isinf(number))
        fputs(quoted ? "\"none\"" : "none", out);
    else
        fprintf(out, "%.9g", number);
}

/* In quotes where it has to be. */
static void write_csv_text(const char *text, FILE *out) {
    bool quoted = text[strcspn(text, ",\"\r\n")] != '\0';
    if (quoted) fputc('"', out);
    for (; *text; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    if (quoted) fputc('"', out);
}

static void write_csv(const struct comparison *comparison, FILE *out) {
    struct field field[FIELDS];
    for (size_t i = 0; i < comparison->n; i++) {
        fields_of(&comparison->line[i], field);
        for (int f = 0; i == 0 && f < FIELDS; f++) fprintf(out, "%s,", field[f].name);
        if (i == 0) fputs("verdict\n", out);
        for (int f = 0; f < FIELDS; f++) {
            if (field[f].text)
                write_csv_text(field[f].text, out);
            else
                write_number(field[f].number, "", false, out);
            fputc(',', out);
        }
        write_csv_text(comparison->line[i].verdict, out);
        fputc('\n', out);
    }
}

static void write_json_text(const char *name, const char *value, struct text *quoted, FILE *out) {
    text_free(quoted);
    text_append_json_string(quoted, value);
    fprintf(out, "\"%s\": %s", name, quoted->failed ? "" : quoted->data);
}

static void write_json(const struct side sides[2], const struct comparison *comparison,
                       struct text *quoted, FILE *out) {
    struct field field[FIELDS];
    fputs("{", out);
    write_json_text("a", sides[0].text, quoted, out);
    fputs(", ", out);
    write_json_text("b", sides[1].text, quoted, out);
    fprintf(out, ", \"margin_points\": %.9g, ", comparison->margin);
    write_json_text("notes", comparison->notes.data ? comparison->notes.data : "", quoted, out);
    fputs(", \"lines\": [", out);
    for (size_t i = 0; i < comparison->n; i++) {
        const struct line *line = &comparison->line[i];
        fields_of(line, field);
        fputs(i ? ",\n  {" : "\n  {", out);
        for (int f = 0; f < FIELDS; f++) {
            if (field[f].text) {
                write_json_text(field[f].name, field[f].text, quoted, out);
            } else {
                fprintf(out, "\"%s\": ", field[f].name);
                write_number(field[f].number, "null", true, out);
            }
            fputs(", ", out);
        }
        fputs("\"mcnemar\": [", out);
        for (int m = 0; line->mcnemar && m < line->n_models; m++) {
            const struct mcnemar *one = &line->mcnemar[m];
            fprintf(out,
                    "%s{\"seed_a\": %" PRId64 ", \"seed_b\": %" PRId64
                    ", \"only_a_right\": %d, \"only_b_right\": %d, \"p\": %.9g}",
                    m ? ", " : "", one->seed_a, one->seed_b, one->only_a, one->only_b, one->p);
        }
        fputs("], ", out);
        write_json_text("verdict", line->verdict, quoted, out);
        fputs("}", out);
    }
    fputs("\n]}\n", out);
}

bool compare_write(const struct side sides[2], const struct comparison *comparison,
                   enum table_format format, FILE *out, struct error *error) {
    struct text quoted = {0};
    if (format == TABLE_ALIGNED || format == TABLE_MARKDOWN)
        return write_for_people(sides, comparison, format, out, error);
    if (format == TABLE_CSV)
        write_csv(comparison, out);
    else
        write_json(sides, comparison, &quoted, out);
    bool ok = !quoted.failed || error_set(error, "out of memory writing a comparison");
    text_free(&quoted);
    return ok;
}
