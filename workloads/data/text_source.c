/*
 * Rows become inputs as they are read: each is labelled, joined, tokenised and forgotten, so that a
 * file's text and its tokens are all that memory ever holds.
 */
#include "workloads/data/text_source.h"
#include "models/base/sha256.h"
#include "workloads/data/classes.h"
#include "workloads/data/data_files.h"
#include "workloads/data/doubts.h"
#include "workloads/data/reader.h"
#include "workloads/data/split.h"
#include "workloads/data/text_pair.h"
#include "workloads/data/tokenizer.h"

#include <stdlib.h>
#include <string.h>

/* What rows are added to. */
struct intake {
    const struct data_config *config;
    struct classes classes;
    struct word_table *words;
    const char *label; /* of all rows of the file, NULL where they have their own */
    struct split *split;
    struct text *texts;         /* what is kept of them; NULL: nothing */
    struct input_source source; /* of the row at hand */
    struct sha256 hash;         /* of its text */
    int room;                   /* inputs that the split has room for */
    size_t token_room;          /* and tokens */
    char *text;                 /* [text_room] the text of one row, joined and terminated */
    size_t text_room;
    int n_dropped;
    bool met[NAME_LIST_MAX]; /* of drop_labels: whether a row had it */
};

static size_t tokens_used(const struct intake *intake) {
    return intake->split->n ? (size_t)intake->split->offsets[intake->split->n] : 0;
}

/* Room for one more input of at most n_tokens tokens. */
static bool reserve(struct intake *intake, size_t n_tokens, struct error *error) {
    struct split *split = intake->split;
    size_t tokens = n_tokens + tokens_used(intake);
    if (split->n < intake->room && tokens <= intake->token_room) return true;
    if (split->n == intake->room) intake->room += intake->room / 2 + 1024;
    if (tokens > intake->token_room) intake->token_room = tokens + tokens / 2;
    return split_reserve(split, intake->room, intake->token_room, error);
}

/* Joins the pieces by spaces in intake->text; the size without the terminator is in *size. */
static bool join(struct intake *intake, const struct piece *piece, int n, size_t *size) {
    size_t need = 1;
    for (int i = 0; i < n; i++) need += piece[i].size + 1;
    if (need > intake->text_room) {
        char *text = realloc(intake->text, need * 2);
        if (!text) return false;
        intake->text = text;
        intake->text_room = need * 2;
    }
    char *next = intake->text;
    for (int i = 0; i < n; i++) {
        if (i > 0) *next++ = ' ';
        memcpy(next, piece[i].data, piece[i].size);
        next += piece[i].size;
    }
    *next = '\0';
    *size = (size_t)(next - intake->text);
    return true;
}

static bool is_dropped(struct intake *intake, struct piece label) {
    const struct name_list *names = &intake->config->drop_labels;
    for (int i = 0; i < names->n; i++) {
        const char *name = names->name[i];
        if (strlen(name) != label.size || memcmp(name, label.data, label.size) != 0) continue;
        intake->met[i] = true;
        return true;
    }
    return false;
}

/* A line for each setting that names labels which no row has: misspelt, or of another file. */
static void write_unmatched(const struct intake *intake, struct text *out) {
    const struct name_list *drop = &intake->config->drop_labels;
    const struct classes *classes = &intake->classes;
    struct few_names dropped = {0}, grouped = {0};
    for (int i = 0; i < drop->n; i++)
        if (!intake->met[i]) few_names_add(&dropped, drop->name[i]);
    for (int i = 0; i < classes->grouped.n; i++)
        if (!classes->met[i]) few_names_add(&grouped, classes->grouped.words[i]);
    if (dropped.n > 0)
        text_append(out, "drop_labels: no row has %s (%d of %d labels)\n", dropped.shown, dropped.n,
                    drop->n);
    if (grouped.n > 0)
        text_append(out, "label_groups: no row has %s (%d of %d labels)\n", grouped.shown,
                    grouped.n, classes->grouped.n);
}

/* What follows the first blank line, LF or CRLF; the whole text if there is none. */
static char *after_headers(char *text) {
    for (char *line = text; (line = strchr(line, '\n')); line++) {
        const char *next = line + 1 + (line[1] == '\r');
        if (*next == '\n') return line + (next - line) + 1;
    }
    return text;
}

static bool is_blank(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n') return false;
    return true;
}

/* One more part of the row's text, before the tokeniser changes its letters. */
static void take_text(struct intake *intake, const char *text, size_t size) {
    sha256_add(&intake->hash, text, size);
    if (intake->texts) text_append_bytes(intake->texts, text, size);
}

static void start_source(struct intake *intake) {
    sha256_start(&intake->hash);
    intake->source.text = intake->texts ? (int64_t)intake->texts->size : 0;
}

static void end_source(struct intake *intake) {
    sha256_finish(&intake->hash, intake->source.sha256);
    if (intake->texts) text_append_bytes(intake->texts, "", 1);
}

/* Appends the tokens of a text to the n of the row so far and returns how many it then has: 0 if
 * the text is empty and such rows are dropped, -1 on error, of which it is one otherwise. */
static int tokenise(struct intake *intake, const struct row *row, char *text, size_t size, int n,
                    struct error *error) {
    int before = n;
    if (!reserve(intake, (size_t)n + size, error)) return -1; /* a token has a byte */
    int32_t *tokens = intake->split->tokens + tokens_used(intake);
    struct tokenizer t = {.kind = (enum tokenizer_kind)intake->config->tokenizer, .rest = text};
    while (tokenizer_next(&t)) {
        tokens[n] = word_table_add(intake->words, t.token, t.size);
        if (tokens[n++] < 0) {
            error_set_at(error, &row->at, "out of memory while numbering words");
            return -1;
        }
    }
    if (n > before) return n;
    if (intake->config->drop_empty) return 0;
    error_set_at(error, &row->at,
                 "empty %stext after tokenising; give the row a text or set drop_empty: true in "
                 "data",
                 before ? "second " : "");
    return -1;
}

/* The separator and the second text after the n tokens of the first, likewise. */
static int add_second(struct intake *intake, const struct row *row, int n, struct error *error) {
    size_t size;
    int separator = word_table_add(intake->words, TEXT_PAIR_SEPARATOR, strlen(TEXT_PAIR_SEPARATOR));
    if (separator < 0 || !join(intake, row->text + row->n_text, row->n_second, &size)) {
        error_set_at(error, &row->at, "out of memory");
        return -1;
    }
    if (!reserve(intake, (size_t)n + 1, error)) return -1;
    if (intake->split->sourced) {
        static const char between[] = " " TEXT_PAIR_SEPARATOR " ";
        take_text(intake, between, strlen(between));
        take_text(intake, intake->text, size);
    }
    intake->split->tokens[tokens_used(intake) + (size_t)n] = separator;
    return tokenise(intake, row, intake->text, size, n + 1, error);
}

/* Leaves the row out, also what is kept of its text so far. */
static bool drop(struct intake *intake, size_t texts_before) {
    intake->n_dropped++;
    if (intake->texts) intake->texts->size = texts_before;
    return true;
}

/* Labels and tokenises one row and adds it to the split: the sink of all readers. */
static bool take_row(void *owner, const struct row *row, struct error *error) {
    struct intake *intake = owner;
    struct piece label = row->label;
    size_t size, texts_before = intake->texts ? intake->texts->size : 0;
    intake->source.row++;
    if (intake->label) label = (struct piece){intake->label, strlen(intake->label)};
    bool no_label = is_blank(label.data, label.size);
    if (no_label && intake->config->drop_empty) return drop(intake, texts_before);
    if (no_label)
        return error_set_at(error, &row->at,
                            "the label is empty; give the row one or set drop_empty: true in data");
    if (is_dropped(intake, label)) return drop(intake, texts_before);
    if (!join(intake, row->text, row->n_text, &size))
        return error_set_at(error, &row->at, "out of memory");
    char *text = intake->text;
    if (intake->config->strip_headers) {
        text = after_headers(text);
        if (is_blank(text, strlen(text)))
            return drop(intake, texts_before); /* a post without a body */
    }
    if (intake->split->sourced) {
        start_source(intake);
        take_text(intake, text, strlen(text));
    }
    int n = tokenise(intake, row, text, size, 0, error);
    if (n > 0 && row->n_second > 0) n = add_second(intake, row, n, error);
    if (n == 0) return drop(intake, texts_before);
    if (n < 0) return false;
    int class = classes_find(&intake->classes, label, &row->at, error); /* of an input, so now */
    if (class < 0) return false;
    if (intake->split->sourced) end_source(intake);
    split_add(intake->split, intake->split->tokens + tokens_used(intake), n, class, -1,
              &intake->source);
    return true;
}

static bool has_columns(const struct data_config *config) {
    return config->source == SOURCE_CSV || config->source == SOURCE_TSV;
}

static bool read_file(struct intake *intake, enum part part, const struct data_file *source,
                      struct error *error) {
    const struct data_config *config = intake->config;
    const struct row_sink sink = {.part = part, .take = take_row, .owner = intake};
    struct text_file file;
    if (!text_file_read(source->path, (enum text_encoding)config->encoding, &file, error))
        return false;
    intake->label = source->label;
    intake->source.row = has_columns(config) && data_config_has_header(config);
    bool has_lines = config->source != SOURCE_JSON && config->source != SOURCE_CLASS_FOLDERS;
    bool ok = (!has_lines || text_file_check_lines(&file, error)) &&
              reader_find(config->source)(&file, config, &sink, error);
    text_file_free(&file);
    intake->source.file++;
    return ok;
}

/* Adds the rows of a part's files, which are listed first, to an empty split. */
static bool read_part(struct intake *intake, enum part part, struct split *split,
                      struct data_files *files, struct error *error) {
    int n_dropped = intake->n_dropped;
    intake->split = split;
    split->sourced = part == PART_TEST || (part == PART_TRAIN && intake->config->test_share > 0);
    intake->room = 0;
    intake->token_room = 0;
    bool ok = data_files_list(intake->config, part, files, error);
    for (int i = 0; ok && i < files->n; i++) ok = read_file(intake, part, &files->file[i], error);
    if (!ok || files->n == 0 || split->n > 0) return ok;
    struct location at = {.file = files->file[0].path};
    return error_set_at(error, &at,
                        intake->n_dropped > n_dropped
                            ? "all rows are dropped: see drop_labels, drop_empty and "
                              "strip_headers in data"
                            : "no rows");
}

/* A class of the training file's first line alone is a header that `header: true` should skip. The
 * test file may start with the same line. */
static bool refuse_header(const struct split *train, const struct split *test,
                          const struct word_table *names, const char *file, struct error *error) {
    struct location at = {.file = file, .line = 1};
    for (int i = 1; i < train->n; i++)
        if (train->labels[i] == train->labels[0]) return true;
    for (int i = 1; i < test->n; i++)
        if (test->labels[i] == train->labels[0]) return true;
    error_set_at(error, &at,
                 "class '%.60s' occurs only in the first line; is it a header? set header: true in "
                 "data",
                 names->words[train->labels[0]]);
    if (4 * (int64_t)names->n > 3 * (int64_t)train->n)
        error_append(error,
                     "; but the %d rows have %d different labels: does the label stand in "
                     "another column?",
                     train->n, names->n);
    return false;
}

bool text_source_load(const struct data_config *config, struct dataset *out,
                      struct word_table *words, struct error *error) {
    struct text *texts = config->store_texts ? &out->sources.texts : NULL;
    struct intake intake = {.config = config, .words = words, .texts = texts};
    struct classes *classes = &intake.classes;
    struct data_files train = {0}, validation = {0}, test = {0};
    bool ok = classes_start(config, classes, error);
    bool may_have_header = has_columns(config) && classes->open && !data_config_has_header(config);
    ok = ok && read_part(&intake, PART_TRAIN, &out->train, &train, error) &&
         classes_close(classes, &out->train, error) &&
         read_part(&intake, PART_VALIDATION, &out->validation, &validation, error) &&
         read_part(&intake, PART_TEST, &out->test, &test, error) &&
         (!may_have_header ||
          refuse_header(&out->train, &out->test, &classes->names, train.file[0].path, error));
    if (ok && classes->names.n < 2)
        ok = error_set(error, "%s has one class only; there is nothing to learn",
                       train.file[0].path);
    if (ok && out->sources.texts.failed)
        ok = error_set(error, "out of memory for the texts to be stored");
    if (ok) { /* the names are given away */
        out->n_dropped = intake.n_dropped;
        write_unmatched(&intake, &out->unmatched);
        out->n_classes = classes->names.n;
        out->class_names = classes->names.words;
        classes->names.words = NULL;
        classes->names.n = 0;
    }
    data_files_free(&train);
    data_files_free(&validation);
    data_files_free(&test);
    classes_free(classes);
    free(intake.text);
    return ok;
}
