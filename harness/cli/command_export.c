/*
 * `headroom export`: a view, a table or the answer to a question, for other programs.
 */
#include "harness/cli/command.h"
#include "harness/config/installation.h"
#include "harness/store/export.h"
#include "models/base/text_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Every word with a slash or ending in .sql is a file of SQL. */
static bool is_file(const char *word) {
    size_t length = strlen(word);
    return strchr(word, '/') || (length > 4 && strcmp(word + length - 4, ".sql") == 0);
}

/* A file of SQL that is not here is looked for among the questions that come with the program. */
static const char *find_question(const char *word, char *installed, size_t size) {
    char name[NAME_MAX + sizeof "results/queries/"];
    int length = snprintf(name, sizeof name, "results/queries/%s", word);
    bool found = !strchr(word, '/') && access(word, F_OK) != 0 && length < (int)sizeof name &&
                 installation_path(name, installed, size) && access(installed, F_OK) == 0;
    return found ? installed : word;
}

static bool export_word(struct store *store, const char *word, int number, enum table_format format,
                        struct error *error) {
    struct text_file sql = {0};
    char installed[PATH_MAX];
    if (!is_file(word))
        return number > 0
                   ? error_set(error, "--statement is of a file of SQL, and '%s' is a name", word)
                   : export_view(store, word, format, stdout, error);
    bool ok = text_file_read(find_question(word, installed, sizeof installed), ENCODING_UTF_8, &sql,
                             error) &&
              export_query(store, sql.data, word, number, format, stdout, error);
    text_file_free(&sql);
    return ok;
}

static int run(const struct arguments *arguments, struct error *error) {
    enum table_format format = TABLE_CSV;
    const char *word = arguments->n_words > 0 && !arguments->list ? arguments->words[0] : NULL;
    struct store *store;
    if (arguments->format &&
        !table_format_parse(arguments->format, TABLE_MARKDOWN | TABLE_CSV | TABLE_JSONL, &format,
                            error))
        return EXIT_USAGE;
    bool ok = store_open_reader(arguments->db, &store, error) &&
              (word ? export_word(store, word, arguments->statement, format, error)
                    : export_list(store, stdout, error));
    store_close(store);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command export_command = {
    "export",
    "write a view or a query's answer as CSV, JSON or Markdown",
    "[VIEW|QUERY.sql]",
    0,
    1,
    {"db", "format", "statement", "list"},
    "Without a word, or with --list: the views with what each holds. A table goes as well, and a\n"
    "view of your own. QUERY.sql is a file of SQL, or one of results/queries by its name; it may\n"
    "only read. Its lines that tell the sqlite3 shell how a table looks (.mode, .headers, ...) are passed\n"
    "over, other commands of that shell are errors. Each SELECT of it is a table.\n"
    "\n"
    "--format is csv (if not said), jsonl or md. Nothing is rounded: reading a number back gives its\n"
    "bits, and one that is REAL never looks like an integer. csv is RFC 4180: UTF-8, lines end in\n"
    "CR LF, the first has the names. Every text in it is in quotes and nothing else is: NULL is an\n"
    "empty field, an empty text is \"\". jsonl is an object a line, and NULL is null. In md NULL is an\n"
    "empty cell, and what would be markup is escaped. Infinity is 1e999, and a blob its digits in\n"
    "hexadecimal. While it is written nobody can write to the database: send it to a file, not to a\n"
    "pager, while a sweep runs.\n"
    "\n"
    "examples:\n"
    "  headroom export\n"
    "  headroom export accuracy_vs_budget >accuracy.csv\n"
    "  headroom export prediction_by_input --format jsonl >predictions.jsonl\n"
    "  headroom export methods.sql --statement 1 --format md\n",
    run};
