/*
 * RFC 4180, strictly: what that page does not allow (a quote inside a bare field, text after a
 * closing quote, records of unequal length) is an error at its line, because the usual cause is a
 * file cut or joined badly, and a lenient reader would turn it into wrong labels.
 */
#include "workloads/reader.h"

#include <stdio.h>
#include <string.h>

enum { FIELDS_MAX = 256 };

struct csv {
    char *next, *end;
    struct location at; /* line of `next` */
    struct piece field[FIELDS_MAX];
    int n_fields;
};

static bool at_line_end(const struct csv *csv) {
    return csv->next == csv->end || *csv->next == '\n' ||
           (*csv->next == '\r' && (csv->next + 1 == csv->end || csv->next[1] == '\n'));
}

/* Reads a quoted field; next stands on the opening quote. The text moves down over dropped quotes.
 */
static bool read_quoted(struct csv *csv, struct piece *field, struct error *error) {
    struct location opened = csv->at;
    char *write = ++csv->next;
    field->data = write;
    for (;; csv->next++) {
        if (csv->next == csv->end)
            return error_set_at(error, &opened, "a quoted field opens here and never closes");
        if (*csv->next == '"') {
            csv->next++;
            if (csv->next == csv->end || *csv->next != '"') break;
        }
        csv->at.line += *csv->next == '\n';
        *write++ = *csv->next;
    }
    field->size = (size_t)(write - field->data);
    if (!at_line_end(csv) && *csv->next != ',')
        return error_set_at(error, &csv->at,
                            "text after a closing quote; write a quote inside a field as \"\"");
    return true;
}

static bool read_bare(struct csv *csv, struct piece *field, struct error *error) {
    field->data = csv->next;
    for (; !at_line_end(csv) && *csv->next != ','; csv->next++)
        if (*csv->next == '"')
            return error_set_at(error, &csv->at,
                                "a quote inside an unquoted field; quote the whole field");
    field->size = (size_t)(csv->next - field->data);
    return true;
}

/* Reads one record into csv->field and moves to the start of the next line. */
static bool read_record(struct csv *csv, struct error *error) {
    for (csv->n_fields = 0;; csv->next++) { /* steps over the comma */
        if (csv->n_fields == FIELDS_MAX)
            return error_set_at(error, &csv->at, "more than %d fields", FIELDS_MAX);
        struct piece *field = &csv->field[csv->n_fields++];
        bool quoted = csv->next < csv->end && *csv->next == '"';
        if (!(quoted ? read_quoted(csv, field, error) : read_bare(csv, field, error))) return false;
        if (at_line_end(csv)) break;
    }
    if (csv->next < csv->end && *csv->next == '\r') csv->next++;
    if (csv->next < csv->end) csv->next++;
    csv->at.line++;
    return true;
}

/* Error at the record's line if it has too few fields for the format, or not as many as the first.
 */
static bool check_fields(const struct csv *csv, const struct csv_format *format, int n_first,
                         const struct location *at, struct error *error) {
    if (n_first && csv->n_fields != n_first)
        return error_set_at(error, at, "%d field%s where the first record has %d", csv->n_fields,
                            PLURAL_S(csv->n_fields), n_first);
    int highest = format->label_column;
    for (int i = 0; i < format->text_columns.n; i++)
        if (format->text_columns.value[i] > highest) highest = format->text_columns.value[i];
    if (highest > csv->n_fields)
        return error_set_at(error, at, "the data section asks for column %d of %d", highest,
                            csv->n_fields);
    return true;
}

bool reader_csv(struct text_file *file, const struct csv_format *format, struct rows *out,
                struct error *error) {
    *out = (struct rows){0};
    struct csv csv = {.next = file->data, .end = file->data + file->size, .at = {.line = 1}};
    snprintf(csv.at.file, sizeof csv.at.file, "%s", file->path);
    int n_first = 0;
    while (csv.next < csv.end) {
        struct location at = csv.at;
        if (!read_record(&csv, error) || !check_fields(&csv, format, n_first, &at, error))
            goto failed;
        bool is_header = n_first == 0 && format->header;
        n_first = csv.n_fields;
        if (is_header) continue;
        struct piece text[OPTION_LIST_MAX];
        for (int i = 0; i < format->text_columns.n; i++)
            text[i] = csv.field[format->text_columns.value[i] - 1];
        if (!rows_add(out, &at, csv.field[format->label_column - 1], text, format->text_columns.n,
                      error))
            goto failed;
    }
    return true;

failed:
    rows_free(out);
    return false;
}
