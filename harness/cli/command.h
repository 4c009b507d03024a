/*
 * What a command of the program is: a name, the words and flags it takes, a help text that teaches,
 * and a function. commands.c owns the list, main.c prints; a command returns its exit status and, when it
 * could not do its work, an error. Flags are one table (command_line.c), so that parsing,
 * suggestions and help cannot drift apart.
 */
#ifndef HEADROOM_HARNESS_CLI_COMMAND_H
#define HEADROOM_HARNESS_CLI_COMMAND_H

#include "harness/config/overrides.h"
#include "harness/sweep/shard.h"
#include "harness/table/format.h"
#include "models/base/error.h"

#include <stdio.h>

/* Exit statuses, the same for every command. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,       /* something did not work: a trial, a file, the database */
    EXIT_USAGE = 2,        /* the command line was not understood */
    EXIT_UNKNOWN = 3,      /* compare --strict: the data cannot tell */
    EXIT_INTERRUPTED = 130 /* SIGINT or SIGTERM; what was finished is kept */
};

enum { FLAG_WORDS_MAX = 16 };

/* Of a flag that may be given several times, in their order. */
struct flag_words {
    int n;
    const char *word[FLAG_WORDS_MAX];
};

/* Everything a command line can say. Texts are borrowed from argv. */
struct arguments {
    const char *db;             /* path of the database, "results/results.db" */
    bool full;                  /* --tier full */
    const char *filter;         /* NULL: no filter */
    const char *tag;            /* NULL: whatever their tags */
    int jobs;                   /* 0: one per core that may be used */
    int timeout;                /* seconds per trial, 0: none */
    int64_t memory;             /* bytes per trial, 0: no bound */
    int stall;                  /* seconds without progress of a trial, 0: no bound */
    int save_every;             /* minutes after which a training leaves behind where it stands */
    const char *out;            /* folder of the figures; NULL: figures/ beside the database */
    const char *html;           /* file of a page; NULL: none */
    const char *md;             /* file of a report for a repository; NULL: none */
    const char *rerun;          /* which results are made again; NULL: none */
    const char *shape;          /* of the bench: "DIM,BATCH,LENGTH"; NULL: the whole table */
    const char *workload;       /* file or name; NULL: not said */
    const char *format;         /* of the output; NULL: for people */
    const char *margin;         /* points within which accuracies are equal; NULL: not said */
    struct flag_words fail_if;  /* conditions */
    struct flag_words events;   /* to count */
    int batch, inputs, repeats; /* of counting; 0: not said */
    const char *from;           /* data file; NULL: not said */
    const char *label;          /* column of a table; NULL: not said */
    struct flag_words texts;    /* likewise of its texts */
    struct shard shard;         /* of a sweep; of = 0: all of it */
    struct overrides overrides; /* --set, --seeds, --device, for the files that are read */
    int statement;              /* of a file; 0: not said */
    int elements;               /* of an array of jobs; 0: as many as there are */
    struct flag_words sbatch;   /* options of its jobs */
    bool list;
    bool dry_run, no_profile, no_train, no_ceiling, replace, take_over, quick, json, resolved, help,
        version, no_run, strict, checkpoints; /* strict: what cannot be told is a failure */
    bool saving;          /* of the bench: what skipped heads save on a device */
    bool verbose;         /* tables as wide as they are, and all that is said below them */
    bool verify;          /* of the doctor: hold counters against known work */
    bool no_table;        /* no flag: of a sweep whose caller prints a page of its own */
    char workloads[1024]; /* no flag: the folder of workloads that have names */
    int n_words;
    char **words; /* what is not a flag, in order */
};

enum { COMMAND_FLAGS_MAX = 22 };

struct command {
    const char *name, *summary;
    const char *words; /* "[FILES...]", "" */
    int min_words, max_words;
    const char *flags[COMMAND_FLAGS_MAX]; /* names from the flag table, without the dashes */
    const char *text;                     /* paragraphs and examples for --help */
    int (*run)(const struct arguments *arguments, struct error *error);
};

extern const struct command sweep_command, trial_command, list_command, validate_command,
    doctor_command, bench_command, report_command, evaluate_command, predict_command, show_command,
    data_command, new_command, count_command, forward_command, plot_command, clean_command,
    card_command, compare_command, merge_command, export_command, status_command, submit_command,
    version_command, help_command, manual_command, completion_command;

/* Reads argv[0..argc-1] (program and command name removed). `command` NULL: only --help,
 * --version. */
bool command_line_read(const struct command *command, int argc, char **argv, struct arguments *out,
                       struct error *error);

/* How tables are written that are for people. */
enum table_format command_line_table(const struct arguments *arguments);

/* What is told of a flag; value NULL: it takes none. Where values are words, `|` stands between. */
struct flag_shown {
    const char *name, *value, *help;
    bool again; /* it may be given several times */
};

/* The flags of a command, those that every command has too; how many. NULL: of the program. */
size_t command_line_flags(const struct command *command,
                          struct flag_shown out[COMMAND_FLAGS_MAX + 2]);

#endif
