/*
 * RFC 4180, strictly: what that page does not allow (a quote inside a bare field, text after a
 * closing quote, records of unequal length) is an error at its line, because the usual cause is a
 * file cut or joined badly, and a lenient reader would turn it into wrong labels. A TSV file is the
 * same without quotes, as GLUE's are: tabs separate, and a quote is a character like any other.
 */
#include "workloads/data/reader_csv.h"
#include "models/base/closest_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 256 };

struct csv {
    char separator;
    bool quotes;
    char *next, *end;
    struct location at; /* line of `next` */
    struct piece field[FIELDS_MAX];
    int n_fields;
    const char *hint; /* for errors that a file with another separator causes; "": none */
};

static bool at_line_end(const struct csv *csv) {
    return csv->next == csv->end || *csv->next == '\n' ||
           (*csv->next == '\r' && (csv->next + 1 == csv->end || csv->next[1] == '\n'));
}

/* Reads a quoted field; next stands on the opening quote. The text moves down over dropped
 * quotes. */
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
    if (!at_line_end(csv) && *csv->next != csv->separator)
        return error_set_at(error, &csv->at,
                            "text after a closing quote; write a quote inside a field as \"\"");
    return true;
}

static bool read_bare(struct csv *csv, struct piece *field, struct error *error) {
    field->data = csv->next;
    for (; !at_line_end(csv) && *csv->next != csv->separator; csv->next++)
        if (csv->quotes && *csv->next == '"')
            return error_set_at(error, &csv->at,
                                "a quote inside an unquoted field; quote the whole field");
    field->size = (size_t)(csv->next - field->data);
    return true;
}

/* Reads one record into csv->field and moves to the start of the next line. */
static bool read_record(struct csv *csv, struct error *error) {
    for (csv->n_fields = 0;; csv->next++) { /* steps over the separator */
        if (csv->n_fields == FIELDS_MAX)
            return error_set_at(error, &csv->at, "more than %d fields", FIELDS_MAX);
        struct piece *field = &csv->field[csv->n_fields++];
        bool quoted = csv->quotes && csv->next < csv->end && *csv->next == '"';
        if (!(quoted ? read_quoted(csv, field, error) : read_bare(csv, field, error))) return false;
        if (at_line_end(csv)) break;
    }
    if (csv->next < csv->end && *csv->next == '\r') csv->next++;
    if (csv->next < csv->end) csv->next++;
    csv->at.line++;
    return true;
}

/* Where label and texts stand in a record, from 0. */
struct columns {
    int label, n_text, n_second, text[2 * NAME_LIST_MAX];
};

static bool is_named(const struct piece *field, const char *name) {
    return field->size == strlen(name) && memcmp(field->data, name, field->size) == 0;
}

/* What a first line with more of another separator than of its own says about a file. */
static const char *hint_at_separator(const struct text_file *file, char own) {
    int commas = 0, semicolons = 0, tabs = 0;
    for (const char *c = file->data + strspn(file->data, "\r\n");
         c < file->data + file->size && *c != '\n'; c++) {
        commas += *c == ',';
        semicolons += *c == ';';
        tabs += *c == '\t';
    }
    int n_own = own == ',' ? commas : tabs;
    if (semicolons > n_own && semicolons >= commas && semicolons >= tabs)
        return own == ',' ? "; semicolons seem to separate the fields: save the file with commas"
                          : "; semicolons seem to separate the fields: save the file with tabs";
    if (own == ',' && tabs > commas)
        return "; tabs seem to separate the fields: such a file is source: tsv";
    if (own == '\t' && commas > tabs)
        return "; commas seem to separate the fields: such a file is source: csv";
    return "";
}

/* The column of a number or, in the header (the record just read), of a name. -1 on error. */
static int find_column(const struct csv *csv, const char *name, const struct location *at,
                       struct error *error) {
    int number = data_config_column(name);
    if (number > csv->n_fields)
        error_set_at(error, at, "the data section asks for column %d of %d%s", number,
                     csv->n_fields, csv->hint);
    if (number > 0) return number <= csv->n_fields ? number - 1 : -1;
    char known[400] = "", names[FIELDS_MAX][NAME_SIZE];
    const char *header[FIELDS_MAX], *guess;
    int used = 0, found = -1;
    for (int i = 0; i < csv->n_fields; i++) {
        const struct piece *field = &csv->field[i];
        if (found >= 0 && is_named(field, name)) {
            error_set_at(error, at,
                         "columns %d and %d are both '%s'; name one by its number and "
                         "set header: true",
                         found + 1, i + 1, name);
            return -1;
        }
        if (is_named(field, name)) found = i;
        snprintf(names[i], NAME_SIZE, "%.*s", field->size < NAME_SIZE ? (int)field->size : 0,
                 field->data);
        header[i] = names[i];
        if (used < (int)sizeof known)
            used += snprintf(known + used, sizeof known - (size_t)used, "%s%.*s", i ? ", " : "",
                             field->size > 60 ? 60 : (int)field->size, field->data);
    }
    if (found >= 0) return found;
    bool zero = strcmp(name, "0") == 0;
    error_set_at(error, at, "no column '%s'; the header has: %s%s", name, known,
                 zero ? "; numbers of columns count from 1" : csv->hint);
    guess = zero ? NULL : closest_name(name, header, (size_t)csv->n_fields);
    if (guess) error_append(error, "; did you mean '%s'?", guess);
    return -1;
}

/* *absent is the name of one that is not there, which is an error. */
static bool find_columns(const struct csv *csv, const struct data_config *config,
                         const struct location *at, struct columns *out, const char **absent,
                         struct error *error) {
    const struct name_list *text = &config->text, *second = &config->second_text;
    *absent = config->label[0] ? config->label : "1";
    out->label = find_column(csv, *absent, at, error);
    out->n_text = text->n ? text->n : 1;
    out->n_second = second->n;
    bool ok = out->label >= 0;
    for (int i = 0; ok && i < out->n_text + second->n; i++) {
        *absent = i >= out->n_text ? second->name[i - out->n_text] : text->n ? text->name[i] : "2";
        out->text[i] = find_column(csv, *absent, at, error);
        ok = out->text[i] >= 0;
    }
    if (ok) *absent = NULL;
    return ok;
}

/* A file at its first record. Without quotes where tabs separate. */
static struct csv csv_open(struct text_file *file, char separator) {
    return (struct csv){.separator = separator,
                        .quotes = separator != '\t',
                        .next = file->data,
                        .end = file->data + file->size,
                        .at = {.file = file->path, .line = 1},
                        .hint = hint_at_separator(file, separator)};
}

/* Reads the next record, which must have as many fields as the first, of which *n_first is then the
 * number; *empty is a line without any. */
static bool next_record(struct csv *csv, int *n_first, bool *empty, struct error *error) {
    struct location at = csv->at;
    if (!read_record(csv, error)) return false;
    *empty = *n_first != 1 && csv->n_fields == 1 && csv->field[0].size == 0;
    if (*n_first && csv->n_fields != *n_first && !*empty)
        return error_set_at(error, &at, "%d field%s where the first record has %d%s", csv->n_fields,
                            PLURAL_S(csv->n_fields), *n_first, csv->hint);
    if (*n_first == 0 && !*empty) *n_first = csv->n_fields;
    return true;
}

bool reader_csv(struct text_file *file, const struct data_config *config,
                const struct row_sink *sink, struct error *error) {
    struct csv csv = csv_open(file, config->source == SOURCE_TSV ? '\t' : ',');
    struct columns columns = {0};
    const char *ignored = NULL, **absent = sink->absent ? sink->absent : &ignored;
    int n_first = 0;
    while (csv.next < csv.end) {
        struct row row = {.at = csv.at};
        bool first = n_first == 0, empty;
        if (!next_record(&csv, &n_first, &empty, error)) return false;
        if (empty && first && !config->drop_empty)
            return error_set_at(error, &row.at, "empty line; expected the first record");
        if (empty && !config->drop_empty)
            return error_set_at(error, &row.at, "empty line; expected %d fields", n_first);
        if (first && !empty) {
            if (!find_columns(&csv, config, &row.at, &columns, absent, error)) return false;
            if (data_config_has_header(config)) continue;
        }
        if (!empty) {
            row.label = csv.field[columns.label];
            row.n_text = columns.n_text;
            row.n_second = columns.n_second;
            for (int i = 0; i < columns.n_text + columns.n_second; i++)
                row.text[i] = csv.field[columns.text[i]];
        }
        if (!sink->take(sink->owner, &row, error)) return false;
    }
    return true;
}

bool reader_csv_records(struct text_file *file, char separator, const struct record_sink *sink,
                        struct error *error) {
    struct csv csv = csv_open(file, separator);
    int n_first = 0;
    bool empty, ok = true;
    while (ok && csv.next < csv.end)
        ok = next_record(&csv, &n_first, &empty, error) &&
             sink->take(sink->owner, csv.field, empty ? 0 : csv.n_fields, error);
    return ok;
}

bool reader_csv_names(struct text_file *file, char separator, struct name_list *out,
                      struct error *error) {
    struct csv csv = csv_open(file, separator);
    struct location at = csv.at;
    if (!text_file_check_lines(file, error) || !read_record(&csv, error)) return false;
    if (csv.n_fields == 1 && csv.hint[0])
        return error_set_at(error, &at, "one column alone%s", csv.hint);
    if (csv.n_fields > NAME_LIST_MAX)
        return error_set_at(error, &at, "%d columns, of which %d can be named", csv.n_fields,
                            NAME_LIST_MAX);
    out->n = csv.n_fields;
    for (int i = 0; i < csv.n_fields; i++) {
        const struct piece *field = &csv.field[i];
        if (field->size >= NAME_SIZE)
            return error_set_at(error, &at, "the name of column %d is longer than %d bytes", i + 1,
                                NAME_SIZE - 1);
        snprintf(out->name[i], NAME_SIZE, "%.*s", (int)field->size, field->data);
    }
    return true;
}
