/*
 * One pass over all rows, because a file sorted by class shows one class in its first thousand. A
 * first record is a header if it does not look like the others: it has no number, and what stands
 * in it hardly ever stands below it.
 */
#include "harness/config/survey.h"
#include "harness/config/column_names.h"
#include "models/base/json.h"
#include "models/base/utf8.h"
#include "workloads/data/reader_csv.h"
#include "workloads/data/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_FIELD_MAX = 64, /* bytes; a longer field is a text */
    KNOWN_RECURS = 10,     /* rows for each in which a header's names may stand, if one is known, */
    NAME_RECURS = 1000     /* or if none is */
};

struct surveyor {
    struct survey *survey;
    char **first;     /* csv, tsv: [n_columns] fields of the first record */
    int *recurs;      /* [n_columns] in how many other rows the first record's field stands, too */
    struct text room; /* for the words of a value */
};

static bool is_number(struct piece value) {
    static const char digits[] = "0123456789.+-eE";
    bool digit = false;
    for (size_t i = 0; i < value.size; i++) {
        if (!strchr(digits, value.data[i])) return false;
        digit = digit || (value.data[i] >= '0' && value.data[i] <= '9');
    }
    return digit;
}

/* The tokens of a value; -1 if memory ran out. */
static int count_words(struct surveyor *s, struct piece value) {
    s->room.size = 0;
    text_append_bytes(&s->room, value.data, value.size);
    text_append_bytes(&s->room, "", 1);
    if (s->room.failed) return -1;
    struct tokenizer tokenizer = {.kind = TOKENIZER_WORD, .rest = s->room.data};
    int n = 0;
    while (tokenizer_next(&tokenizer)) n++;
    return n;
}

static bool add_value(struct surveyor *s, int at, struct piece value, struct error *error) {
    struct surveyed_column *column = &s->survey->column[at];
    int words = count_words(s, value);
    bool ok = words >= 0;
    column->n_rows++;
    column->n_empty += words == 0;
    column->n_of_words[words > SURVEY_WORDS_MAX ? SURVEY_WORDS_MAX : ok ? words : 0]++;
    column->n_words += ok ? words : 0;
    column->is_number = column->is_number && (words == 0 || is_number(value));
    if (words > 0 && column->values.n < SURVEY_VALUES_MAX)
        ok = word_table_add(&column->values, value.data, value.size) >= 0;
    else if (words > 0 && word_table_find(&column->values, value.data, value.size) < 0)
        column->more_values = true;
    return ok || error_set(error, "out of memory");
}

/* Columns that are named by their number. */
static bool start_columns(struct survey *survey, int n, struct error *error) {
    survey->column = calloc((size_t)n, sizeof *survey->column);
    if (!survey->column) return error_set(error, "out of memory for %d columns", n);
    survey->n_columns = n;
    for (int i = 0; i < n; i++) {
        snprintf(survey->column[i].name, NAME_SIZE, "%d", i + 1);
        survey->column[i].is_number = true;
    }
    return true;
}

/* ---- csv, tsv ---- */

static bool keep_first(struct surveyor *s, const struct piece *field, int n, struct error *error) {
    if (!start_columns(s->survey, n, error)) return false;
    s->first = calloc((size_t)n, sizeof *s->first);
    s->recurs = calloc((size_t)n, sizeof *s->recurs);
    for (int i = 0; s->first && i < n; i++) {
        s->first[i] = strndup(field[i].data, field[i].size);
        if (!s->first[i]) return error_set(error, "out of memory");
    }
    return (s->first && s->recurs) || error_set(error, "out of memory");
}

static bool take_record(void *owner, const struct piece *field, int n, struct error *error) {
    struct surveyor *s = owner;
    s->survey->n_empty_lines += n == 0;
    if (!s->first) return n == 0 || keep_first(s, field, n, error);
    s->survey->n_rows += n > 0;
    for (int i = 0; i < n; i++) {
        const char *first = s->first[i];
        s->recurs[i] +=
            field[i].size == strlen(first) && !memcmp(field[i].data, first, field[i].size);
        if (!add_value(s, i, field[i], error)) return false;
    }
    return true;
}

/* A class recurs in its share of the rows; a name stands in one or two by chance. */
static bool is_header(const struct surveyor *s) {
    int n_named = 0, recurs = 0;
    bool known = false;
    for (int i = 0; i < s->survey->n_columns; i++) {
        const char *field = s->first[i];
        size_t size = strlen(field);
        if (size == 0) continue; /* an index has no name */
        if (size > HEADER_FIELD_MAX || is_number((struct piece){field, size})) return false;
        known = known || column_names_know(field);
        if (s->recurs[i] > recurs) recurs = s->recurs[i];
        n_named++;
    }
    return n_named > 0 && recurs <= s->survey->n_rows / (known ? KNOWN_RECURS : NAME_RECURS);
}

/* Whether the header names this column and no other, in a way that a section can repeat. */
static bool has_name(const struct surveyor *s, int at) {
    const char *name = s->first[at];
    if (!name[0] || strlen(name) >= NAME_SIZE || data_config_column(name) > 0) return false;
    if (!survey_can_repeat(name)) return false;
    for (int i = 0; i < s->survey->n_columns; i++)
        if (i != at && strcmp(s->first[i], name) == 0) return false;
    return true;
}

/* The first record as names, or as one more row. */
static bool settle_first(struct surveyor *s, struct error *error) {
    struct survey *survey = s->survey;
    survey->header = is_header(s);
    survey->n_rows += !survey->header;
    for (int i = 0; i < survey->n_columns; i++) {
        struct piece field = {s->first[i], strlen(s->first[i])};
        if (!survey->header && !add_value(s, i, field, error)) return false;
        if (survey->header && has_name(s, i))
            memcpy(survey->column[i].name, field.data, field.size + 1);
        else
            survey->by_number = true;
    }
    return true;
}

/* More tabs than commas in the first line are what separates. */
static bool read_table(struct surveyor *s, struct text_file *file, struct error *error) {
    const struct record_sink sink = {take_record, s};
    int tabs = 0, commas = 0;
    const char *first = file->data + strspn(file->data, "\r\n");
    for (const char *c = first; *c && *c != '\n'; c++) {
        tabs += *c == '\t';
        commas += *c == ',';
    }
    struct location at = {.file = file->path, .line = 1};
    if (tabs + commas == 0 && memchr(first, ';', strcspn(first, "\n")))
        return error_set_at(error, &at,
                            "semicolons seem to separate the columns: save the file "
                            "with commas or tabs");
    if (tabs + commas == 0)
        return error_set_at(
            error, &at,
            "one column alone, as neither tabs nor commas stand here; lines of "
            "`label text` are source: label-text, in a file of `headroom new NAME`");
    s->survey->source = tabs > commas ? SOURCE_TSV : SOURCE_CSV;
    return reader_csv_records(file, tabs > commas ? '\t' : ',', &sink, error) &&
           (s->first || error_set(error, "%s has empty lines alone", file->path)) &&
           settle_first(s, error);
}

/* ---- JSON lines ---- */

static bool add_entry(struct surveyor *s, bool first, const char *path, const struct node *node,
                      struct error *error) {
    struct survey *survey = s->survey;
    int at = survey_find(survey, path);
    if (at < 0 && first && survey->n_columns < SURVEY_COLUMNS_MAX && strlen(path) < NAME_SIZE &&
        survey_can_repeat(path)) {
        at = survey->n_columns++;
        snprintf(survey->column[at].name, NAME_SIZE, "%s", path);
        survey->column[at].is_number = true;
    }
    bool null = !node->quoted && strcmp(node->text, "null") == 0;
    return at < 0 ||
           add_value(s, at, (struct piece){node->text, null ? 0 : strlen(node->text)}, error);
}

/* The path of an entry of a map or a list; a dot in a key is `\.`. */
static void write_path(const char *above, const char *key, int number, struct text *out) {
    text_append(out, "%s%s", above, *above ? "." : "");
    if (!key) text_append(out, "%d", number);
    for (; key && *key; key++) text_append(out, *key == '.' ? "\\." : "%c", *key);
}

/* Whether a path can lead there: a name in it is not empty, and a backslash at the end of one would
 * hide the dot behind it. */
static bool has_path(const struct node *node) {
    size_t size = node->key ? strlen(node->key) : 1;
    return size > 0 && (!node->key || node->kind == NODE_SCALAR || node->key[size - 1] != '\\');
}

/* Adds what stands in a row, as in `meta.topic`; lists inside of it are no columns. */
static bool add_entries(struct surveyor *s, bool first, const char *above, const struct node *row,
                        struct error *error) {
    bool ok = true;
    int number = 0;
    for (const struct node *node = row->first; ok && node; node = node->next) {
        struct text path = {0};
        number++;
        if (!has_path(node)) continue;
        write_path(above, node->key, number, &path);
        if (path.failed)
            ok = error_set(error, "out of memory");
        else if (node->kind == NODE_SCALAR)
            ok = add_entry(s, first, path.data, node, error);
        else if (node->kind == NODE_MAP && path.size < NAME_SIZE) /* so it ends */
            ok = add_entries(s, first, path.data, node, error);
        text_free(&path);
    }
    return ok;
}

/* Whether a row of JSON lines begins there. The name of a table's first column may begin with a
 * bracket, too, but hardly goes on so. */
static bool begins_row(const char *start) {
    const char *next = start + 1 + strspn(start + 1, " \t\r\n");
    if (*start != '{' && *start != '[') return false;
    if (*next == '"' || (*start == '[' && (*next == '{' || *next == '['))) return true;
    struct node *row = NULL;
    struct error ignored;
    bool ok = json_parse(start, strcspn(start, "\n"), "", &row, &ignored);
    node_free(row);
    return ok;
}

static bool read_lines(struct surveyor *s, const struct text_file *file, struct error *error) {
    static const char wanted[] = "one object a line is wanted: of a document that is a list, "
                                 "`jq -c '.[]' OLD >NEW.jsonl` makes that; of others, a file of "
                                 "`headroom new NAME` with source: json names the parts";
    struct location at = {.file = file->path, .line = 1};
    struct text_line line = {0};
    bool ok = start_columns(s->survey, SURVEY_COLUMNS_MAX, error);
    s->survey->source = SOURCE_JSONL;
    s->survey->n_columns = 0;
    while (ok && text_file_next_line(file, &line)) {
        struct node *row = NULL;
        if (line.data[strspn(line.data, " \t\r")] == '\n') {
            s->survey->n_empty_lines++;
            continue;
        }
        ok = json_parse_line(line.data, line.size, &line.at, &row, error) &&
             add_entries(s, s->survey->n_rows++ == 0, "", row, error);
        node_free(row);
    }
    if (!ok && s->survey->n_rows == 0) return error_append(error, "; %s", wanted);
    if (ok && s->survey->n_rows == 1)
        return error_set_at(error, &at, "this is one JSON value; %s", wanted);
    return ok;
}

/* ---- any file ---- */

static bool is_ascii(const struct text_file *file) {
    for (size_t i = 0; i < file->size; i++)
        if ((unsigned char)file->data[i] >= 0x80) return false;
    return true;
}

/* As UTF-8, else as what Windows writes, in which most bytes mean something. */
static bool read_text(const char *path, struct survey *survey, struct text_file *file,
                      struct error *error) {
    struct error not_utf_8 = {0}, ignored;
    survey->encoding = ENCODING_UTF_8;
    bool ok = text_file_read(path, ENCODING_UTF_8, file, &not_utf_8);
    if (!ok && strstr(not_utf_8.text, "not valid UTF-8")) {
        survey->encoding = ENCODING_WINDOWS_1252;
        ok = text_file_read(path, ENCODING_WINDOWS_1252, file, &ignored);
    }
    if (!ok) *error = not_utf_8;
    survey->ascii = ok && is_ascii(file);
    return ok;
}

bool survey_read(const char *path, struct survey *out, struct error *error) {
    struct surveyor s = {.survey = out};
    struct text_file file;
    *out = (struct survey){0};
    if (!read_text(path, out, &file, error)) return false;
    const char *start = file.data + strspn(file.data, " \t\r\n");
    bool ok = text_file_check_lines(&file, error);
    if (ok) ok = begins_row(start) ? read_lines(&s, &file, error) : read_table(&s, &file, error);
    if (ok && out->n_rows == 0) ok = error_set(error, "%s has a header and no rows", file.path);
    for (int i = 0; s.first && i < out->n_columns; i++) free(s.first[i]);
    free(s.first);
    free(s.recurs);
    text_free(&s.room);
    text_file_free(&file);
    return ok;
}

void survey_free(struct survey *survey) {
    for (int i = 0; i < survey->n_columns; i++) word_table_free(&survey->column[i].values);
    free(survey->column);
    *survey = (struct survey){0};
}

bool survey_can_repeat(const char *text) {
    size_t size = strlen(text);
    bool plain = utf8_valid_prefix(text, size) == size;
    while (plain && *text) plain = survey_is_plain(utf8_next(&text));
    return plain;
}

bool survey_is_plain(unsigned code) {
    bool line_break = code == 0x2028 || code == 0x2029, mark = code == 0xfeff;
    return code >= ' ' && (code < 0x7f || code >= 0xa0) && !line_break && !mark &&
           (code < 0xfffe || code > 0xffff);
}

int survey_find(const struct survey *survey, const char *name) {
    for (int i = 0; i < survey->n_columns; i++)
        if (strcmp(survey->column[i].name, name) == 0) return i;
    return -1;
}

int survey_words(const struct survey *survey, int column, double share) {
    const struct surveyed_column *c = &survey->column[column];
    double want = share * (c->n_rows - c->n_empty);
    int words = 0;
    for (int seen = 0; words < SURVEY_WORDS_MAX && seen < want;) seen += c->n_of_words[++words];
    return words;
}
