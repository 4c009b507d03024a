/*
 * `headroom compare A B`: what is different between two sides, how sure that is, and whether a
 * build should fail for it.
 */
#include "harness/cli/command.h"
#include "harness/compare/condition.h"
#include "harness/compare/write.h"
#include "harness/table/shown.h"

#include <math.h>
#include <stdlib.h>

static bool read_margin(const char *text, double *margin, struct error *error) {
    char *end;
    *margin = 1.0;
    if (!text) return true;
    *margin = strtod(text, &end);
    if (end == text || *end || !(*margin > 0.0 && *margin <= 100.0))
        return error_set(error, "--margin is a number of points above 0, not '%s'", text);
    return true;
}

/* All conditions are read before anything is compared: a typo must not take minutes to be found. */
static bool read_conditions(const struct arguments *arguments, struct condition out[FLAG_WORDS_MAX],
                            struct error *error) {
    for (int i = 0; i < arguments->fail_if.n; i++)
        if (!condition_parse(arguments->fail_if.word[i], &out[i], error)) return false;
    return true;
}

/* Says of each condition that is not false what it is; returns the exit status. */
static int decide(const struct arguments *arguments, const struct condition *conditions,
                  const struct comparison *comparison, struct error *error) {
    int n_true = 0, n_unknown = 0;
    for (int i = 0; i < arguments->fail_if.n; i++) {
        enum condition_state state;
        struct text reasons = {0};
        if (!condition_decide(&conditions[i], comparison, &state, &reasons, error))
            return EXIT_FAILED;
        if (state != CONDITION_FALSE)
            shown_print(stderr, "--fail-if '%s' %s\n%s", conditions[i].text,
                        state == CONDITION_TRUE ? "holds:" : "cannot be told:",
                        reasons.data ? reasons.data : "");
        text_free(&reasons);
        n_true += state == CONDITION_TRUE;
        n_unknown += state == CONDITION_UNKNOWN;
    }
    if (n_true > 0) return EXIT_FAILED;
    return n_unknown > 0 && arguments->strict ? EXIT_UNKNOWN : EXIT_OK;
}

static int run(const struct arguments *arguments, struct error *error) {
    struct condition conditions[FLAG_WORDS_MAX];
    struct comparison comparison = {0};
    struct side sides[2] = {0};
    enum table_format format = TABLE_ALIGNED;
    double margin;
    int status = EXIT_USAGE;
    if ((arguments->format && !compare_format_parse(arguments->format, &format, error)) ||
        !read_margin(arguments->margin, &margin, error) ||
        !read_conditions(arguments, conditions, error) ||
        !sides_parse(arguments->words[0], arguments->words[1], arguments->db, arguments->workload,
                     sides, error))
        return status;
    status = EXIT_FAILED;
    if (sides_read(sides, error) && compare_sides(sides, margin, &comparison, error) &&
        compare_write(sides, &comparison, format, stdout, error)) {
        fflush(stdout); /* what is said of conditions stands below the table, also in one file */
        status = decide(arguments, conditions, &comparison, error);
    }
    comparison_free(&comparison);
    sides_free(sides);
    return status;
}

const struct command compare_command = {
    "compare",
    "compare two arms, databases, commits, machines or files",
    "A B",
    2,
    2,
    {"db", "workload", "margin", "format", "fail-if", "strict"},
    "B against A: accuracy (points), heads, FLOPs, time and memory (ratios B / A), trained models\n"
    "paired by seed and answers by test input. Says which is better, or that they are equal within\n"
    "--margin, or that it cannot tell and how many seeds or inputs would. A side is\n"
    "  ARM, WORKLOAD/ARM         an arm of --db; behind FILE.db: one of another database\n"
    "  FILE.db                   all arms of it, each with its namesake on the other side\n"
    "  @REVISION, @MACHINE       what a commit (its first digits) or a machine (a part of its name)\n"
    "                            made of it, also before a --rerun; goes behind any of the above\n"
    "  FILE.jsonl                predictions, a line each: {\"seed\": 1, \"input\": 7, \"label\": \"x\",\n"
    "                            \"predicted\": \"y\"}, if you like with \"workload\", \"latency_ns\";\n"
    "                            beside an ARM inputs and classes are numbers from 0, as stored\n"
    "What one side does not say is as on the other.\n"
    "\n"
    "A CONDITION is MEASURE < > <= >= NUMBER of B against A, such as 'accuracy < -1' (points),\n"
    "'heads > 0', 'flops > 1', 'latency > 1.05', 'latency_batch_32 > 1.05', 'memory > 1.1'. It holds\n"
    "only if the data exclude that it does not, so noise fails no build. Exit status: 0 none holds, 1\n"
    "one does, 3 with --strict: it cannot be told.\n"
    "\n"
    "examples:\n"
    "  headroom compare offsets/fixed-8 offsets/fixed-4\n"
    "  headroom compare before.db after.db --fail-if 'accuracy < -1' --fail-if 'latency > 1.05'\n"
    "  headroom compare fixed-8@8c18dfb @70b063d --workload offsets\n"
    "  headroom compare @laptop @server --format md\n"
    "  headroom compare ours.jsonl theirs.jsonl --margin 0.5\n",
    run};
