/*
 * The command line as one table of flags. getopt_long would parse as well, but it can neither
 * suggest the flag that was meant nor write the help text, and both should come from the same rows.
 */
#include "harness/cli/command.h"
#include "harness/measure/memory_bound.h"
#include "models/base/closest_name.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum flag_kind {
    FLAG_SWITCH,
    FLAG_TEXT,
    FLAG_WORDS,
    FLAG_COUNT,
    FLAG_COUNT_OR_NONE,
    FLAG_MEMORY,
    FLAG_TIER,
    FLAG_SETTING,
    FLAG_SEEDS,
    FLAG_SHARD
};

/* What is as quiet for so long was stopped, or waits for something that does not come. */
enum { STALL_SECONDS = 600 };

struct flag {
    const char *name, *value;
    enum flag_kind kind;
    size_t offset;
    const char *help;
};

static const struct flag flags[] = {
    {"db", "PATH", FLAG_TEXT, offsetof(struct arguments, db),
     "the database (default results/results.db)"},
    {"tier", "default|full", FLAG_TIER, offsetof(struct arguments, full),
     "which grid: full adds the full files and overlays `full:`"},
    {"filter", "REGEX", FLAG_TEXT, offsetof(struct arguments, filter),
     "only trials whose workload/arm/seed matches (in figures: workload/arm)"},
    {"out", "DIR", FLAG_TEXT, offsetof(struct arguments, out),
     "where to draw (default: figures/ beside the database)"},
    {"html", "FILE", FLAG_TEXT, offsetof(struct arguments, html),
     "write a page for browsers that holds everything, instead of the table"},
    {"md", "FILE", FLAG_TEXT, offsetof(struct arguments, md),
     "write a report for a repository, with its figures beside it, instead of the table"},
    {"tag", "T", FLAG_TEXT, offsetof(struct arguments, tag),
     "only workloads with this tag, whatever their tier"},
    {"shard", "I/N", FLAG_SHARD, offsetof(struct arguments, shard),
     "only the I-th of N parts of equal work, such as 2/8"},
    {"jobs", "N", FLAG_COUNT, offsetof(struct arguments, jobs),
     "trainings at a time, and on each card (default: cores of the affinity and CPU quota; 1 on a card)"},
    {"timeout", "SECONDS", FLAG_COUNT, offsetof(struct arguments, timeout),
     "stop a trial that runs longer (default: never)"},
    {"memory", "SIZE", FLAG_MEMORY, offsetof(struct arguments, memory),
     "end a trial that takes more of it, such as 800M or 4G (default: no bound)"},
    {"stall", "SECONDS", FLAG_COUNT_OR_NONE, offsetof(struct arguments, stall),
     "stop a trial that computes and says nothing for so long (default: 600; 0: never)"},
    {"save-every", "MINUTES", FLAG_COUNT_OR_NONE, offsetof(struct arguments, save_every),
     "how often a training saves where it stands (default: 2; 0: only when it is stopped)"},
    {"dry-run", NULL, FLAG_SWITCH, offsetof(struct arguments, dry_run),
     "only say what would be done"},
    {"no-profile", NULL, FLAG_SWITCH, offsetof(struct arguments, no_profile),
     "no times and counters"},
    {"no-train", NULL, FLAG_SWITCH, offsetof(struct arguments, no_train),
     "only profiles, of what is trained already"},
    {"elements", "N", FLAG_COUNT, offsetof(struct arguments, elements),
     "of the array, at most (default: one for each group of trials, up to 1000)"},
    {"sbatch", "OPTION", FLAG_WORDS, offsetof(struct arguments, sbatch),
     "for the jobs: --sbatch=--time=4:00:00; may be given several times"},
    {"no-ceiling", NULL, FLAG_SWITCH, offsetof(struct arguments, no_ceiling),
     "profile without measuring what rooflines are drawn with"},
    {"rerun", "WHICH", FLAG_TEXT, offsetof(struct arguments, rerun),
     "make results again: failed|stale|profiles|all"},
    {"replace", NULL, FLAG_SWITCH, offsetof(struct arguments, replace),
     "let a file (merge: a result) take the place of another of its name"},
    {"checkpoints", NULL, FLAG_SWITCH, offsetof(struct arguments, checkpoints),
     "copy the trained models as well, each verified by its hash"},
    {"take-over", NULL, FLAG_SWITCH, offsetof(struct arguments, take_over),
     "run what a machine that is gone was running (on a disk without locks)"},
    {"workload", "W", FLAG_TEXT, offsetof(struct arguments, workload),
     "a workload by its name; evaluate takes its file, too"},
    {"label", "COLUMN", FLAG_TEXT, offsetof(struct arguments, label),
     "of a table: the column of the class, by name or, without a header, by number"},
    {"text", "COLUMN", FLAG_WORDS, offsetof(struct arguments, texts),
     "of a table: a column of the text, likewise; may be given several times"},
    {"from", "FILE", FLAG_TEXT, offsetof(struct arguments, from),
     "a data file of csv, tsv or JSON lines: guess what it needs"},
    {"set", "KEY=VALUE", FLAG_SETTING, offsetof(struct arguments, overrides),
     "change a setting of the files: train.epochs=3; may be given several times"},
    {"seeds", "LIST", FLAG_SEEDS, offsetof(struct arguments, overrides.seeds),
     "train every arm with these seeds: 1-5, or 1,3,7-9"},
    {"device", "D", FLAG_TEXT, offsetof(struct arguments, overrides.device),
     "what computes: cpu, cuda (any card) or cuda:N (that one)"},
    {"precision", "P", FLAG_TEXT, offsetof(struct arguments, overrides.precision),
     "of products on a card: fp32, tf32 or bf16"},
    {"no-run", NULL, FLAG_SWITCH, offsetof(struct arguments, no_run),
     "only print what the database has"},
    {"format", "F", FLAG_TEXT, offsetof(struct arguments, format),
     "table, md, csv, json or jsonl; of figures svg, png or pdf; each command has its own"},
    {"statement", "N", FLAG_COUNT, offsetof(struct arguments, statement),
     "of a file of several SELECTs the N-th"},
    {"list", NULL, FLAG_SWITCH, offsetof(struct arguments, list), "say what there is"},
    {"margin", "POINTS", FLAG_TEXT, offsetof(struct arguments, margin),
     "accuracies that are so near are as good as equal (default: 1)"},
    {"fail-if", "CONDITION", FLAG_WORDS, offsetof(struct arguments, fail_if),
     "end with status 1 where it surely holds; may be given several times"},
    {"event", "NAME", FLAG_WORDS, offsetof(struct arguments, events),
     "what to count; may be given several times (default: all that a profile counts)"},
    {"batch", "N", FLAG_COUNT, offsetof(struct arguments, batch), "inputs of a pass (default: 1)"},
    {"inputs", "N", FLAG_COUNT, offsetof(struct arguments, inputs),
     "test inputs to cycle through (default: as the workload's profile)"},
    {"repeats", "N", FLAG_COUNT, offsetof(struct arguments, repeats),
     "passes that are counted (default: as the workload's profile)"},
    {"strict", NULL, FLAG_SWITCH, offsetof(struct arguments, strict),
     "end with status 3 where the data cannot tell whether one holds"},
    {"json", NULL, FLAG_SWITCH, offsetof(struct arguments, json),
     "for programs: a JSON object (of each text or line)"},
    {"verify", NULL, FLAG_SWITCH, offsetof(struct arguments, verify),
     "only hold what each counter reads against work that causes so much"},
    {"verbose", NULL, FLAG_SWITCH, offsetof(struct arguments, verbose),
     "tables with all columns, however wide, and all notes"},
    {"quick", NULL, FLAG_SWITCH, offsetof(struct arguments, quick),
     "a subset on small shapes, in seconds"},
    {"shape", "D,B,N", FLAG_TEXT, offsetof(struct arguments, shape),
     "time models of this size only and store nothing"},
    {"saving", NULL, FLAG_SWITCH, offsetof(struct arguments, saving),
     "of a device: what skipped heads save, in place of speed"},
    {"resolved", NULL, FLAG_SWITCH, offsetof(struct arguments, resolved),
     "with every key that was left out, at its default"},
    {"help", NULL, FLAG_SWITCH, offsetof(struct arguments, help), "this text"},
    {"version", NULL, FLAG_SWITCH, offsetof(struct arguments, version),
     "what `headroom version` says"},
};
enum { N_FLAGS = sizeof flags / sizeof *flags };

static const struct flag *find_flag(const char *name, size_t length) {
    for (size_t i = 0; i < N_FLAGS; i++)
        if (strlen(flags[i].name) == length && memcmp(flags[i].name, name, length) == 0)
            return &flags[i];
    return NULL;
}

/* Fills the names a command accepts: its own, and help everywhere; version only for the program. */
static size_t accepted(const struct command *command, const char *out[COMMAND_FLAGS_MAX + 2]) {
    size_t n = 0;
    for (size_t i = 0; command && i < COMMAND_FLAGS_MAX && command->flags[i]; i++)
        out[n++] = command->flags[i];
    out[n++] = "help";
    if (!command) out[n++] = "version";
    return n;
}

/* MiB or GiB, with its letter: a number alone may be meant as either. */
static bool read_memory(const char *value, int64_t *bytes) {
    enum { MOST = 1 << 20 }; /* GiB */
    char *end;
    long long count = strtoll(value, &end, 10);
    bool gib = strcmp(end, "G") == 0;
    if (end == value || count < 0 || count > MOST * (gib ? 1LL : 1024LL)) return false;
    if (!gib && strcmp(end, "M") != 0) return false;
    *bytes = count << (gib ? 30 : 20);
    return *bytes >= (int64_t)MEMORY_BOUND_LEAST_MIB << 20;
}

static bool set_flag(const struct flag *flag, const char *value, struct arguments *out,
                     struct error *error) {
    char *field = (char *)out + flag->offset;
    struct flag_words *words;
    char *end;
    long count;
    int least;
    switch (flag->kind) {
    case FLAG_SWITCH:
        *(bool *)(void *)field = true;
        return true;
    case FLAG_TEXT:
        if (!*value)
            return error_set(error, "--%s needs a value: --%s %s", flag->name, flag->name,
                             flag->value);
        *(const char **)(void *)field = value;
        return true;
    case FLAG_WORDS:
        words = (struct flag_words *)(void *)field;
        if (words->n == FLAG_WORDS_MAX)
            return error_set(error, "--%s is there more than %d times", flag->name, FLAG_WORDS_MAX);
        words->word[words->n++] = value;
        return true;
    case FLAG_COUNT:
    case FLAG_COUNT_OR_NONE:
        least = flag->kind == FLAG_COUNT;
        count = strtol(value, &end, 10);
        if (end == value || *end || count < least || count > 1000000)
            return error_set(error, "--%s needs a whole number from %d on, not '%s'", flag->name,
                             least, value);
        *(int *)(void *)field = (int)count;
        return true;
    case FLAG_MEMORY:
        return read_memory(value, (int64_t *)(void *)field) ||
               error_set(error,
                         "--%s needs a size from %dM on, such as 800M or 4G, not '%s': OpenBLAS "
                         "alone takes half of that",
                         flag->name, MEMORY_BOUND_LEAST_MIB, value);
    case FLAG_TIER:
        if (strcmp(value, "default") != 0 && strcmp(value, "full") != 0)
            return error_set(error, "--tier is 'default' or 'full', not '%s'", value);
        *(bool *)(void *)field = strcmp(value, "full") == 0;
        return true;
    case FLAG_SETTING:
        return overrides_add((struct overrides *)(void *)field, value, error);
    case FLAG_SEEDS:
        return overrides_read_seeds(value, (struct int_list *)(void *)field, error);
    case FLAG_SHARD:
        return shard_parse(value, (struct shard *)(void *)field, error);
    }
    return false;
}

/* One argument that starts with a dash; returns how many arguments it used, 0 on error. */
static int read_flag(const struct command *command, int argc, char **argv, struct arguments *out,
                     struct error *error) {
    const char *names[COMMAND_FLAGS_MAX + 2];
    size_t n_names = accepted(command, names);
    const char *name = argv[0];
    if (strcmp(name, "-h") == 0) name = "--help";
    if (strcmp(name, "-V") == 0) name = "--version";
    size_t length = strcspn(name, "=");
    bool attached = name[length] == '=';
    const struct flag *flag = NULL;

    for (size_t i = 0; i < n_names; i++)
        if (length == strlen(names[i]) + 2 && memcmp(name, "--", 2) == 0 &&
            memcmp(name + 2, names[i], length - 2) == 0)
            flag = find_flag(names[i], length - 2);
    if (!flag) {
        char word[64];
        const char *start = name + strspn(name, "-");
        size_t size = strcspn(start, "=");
        if (size >= sizeof word) size = sizeof word - 1;
        memcpy(word, start, size);
        word[size] = '\0';
        const char *guess = closest_name(word, names, n_names);
        error_set(error, "unknown option '%s'%s%s%s", argv[0], guess ? ", did you mean '--" : "",
                  guess ? guess : "", guess ? "'?" : "");
        bool of_others = find_flag(start, size) != NULL;
        if (!guess && !of_others && command && command->max_words > 0)
            error_append(error, "; a word that begins with '-' stands behind `--`");
        return 0;
    }
    if (flag->kind == FLAG_SWITCH) {
        if (attached) error_set(error, "--%s takes no value", flag->name);
        return !attached && set_flag(flag, NULL, out, error) ? 1 : 0;
    }
    if (!attached && argc < 2) {
        error_set(error, "--%s needs a value: --%s %s", flag->name, flag->name, flag->value);
        return 0;
    }
    if (!set_flag(flag, attached ? name + length + 1 : argv[1], out, error)) return 0;
    return attached ? 1 : 2;
}

bool command_line_read(const struct command *command, int argc, char **argv, struct arguments *out,
                       struct error *error) {
    bool words_only = false;
    *out = (struct arguments){
        .db = "results/results.db", .stall = STALL_SECONDS, .save_every = 2, .words = argv};
    for (int i = 0; i < argc;) {
        if (words_only || argv[i][0] != '-' || !argv[i][1]) {
            argv[out->n_words++] = argv[i++]; /* never ahead of i: words gather at the front */
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            words_only = true;
            i++;
            continue;
        }
        int used = read_flag(command, argc - i, argv + i, out, error);
        if (used == 0) return false;
        i += used;
    }
    if (!command || out->help) return true;
    if (out->n_words >= command->min_words && out->n_words <= command->max_words) return true;
    return error_set(error, "%s, usage: headroom %s %s",
                     out->n_words < command->min_words ? "too few arguments" : "too many arguments",
                     command->name, command->words);
}

enum table_format command_line_table(const struct arguments *arguments) {
    return arguments->verbose ? TABLE_WIDE : TABLE_ALIGNED;
}

size_t command_line_flags(const struct command *command,
                          struct flag_shown out[COMMAND_FLAGS_MAX + 2]) {
    const char *names[COMMAND_FLAGS_MAX + 2];
    size_t n = accepted(command, names);
    for (size_t i = 0; i < n; i++) {
        const struct flag *flag = find_flag(names[i], strlen(names[i]));
        bool again = flag->kind == FLAG_WORDS || flag->kind == FLAG_SETTING;
        out[i] = (struct flag_shown){flag->name, flag->value, flag->help, again};
    }
    return n;
}
