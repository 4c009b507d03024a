/*
 * `headroom plot`: figures of a database, drawn again where it has changed.
 */
#include "harness/cli/command.h"
#include "harness/plot/plot.h"
#include "harness/table/width.h"

static int run(const struct arguments *arguments, struct error *error) {
    const struct plot_request request = {
        .db = arguments->db,
        .out = arguments->out,
        .filter = arguments->filter,
        .workload = arguments->workload,
        .format = arguments->format,
        .figures = (const char *const *)arguments->words,
        .n_figures = arguments->n_words,
        .width = width_of_lines(stdout),
        .notes = stderr,
    };
    static const int statuses[] = {
        [PLOT_DONE] = EXIT_OK, [PLOT_FAILED] = EXIT_FAILED, [PLOT_NOT_UNDERSTOOD] = EXIT_USAGE};
    return statuses[plot_draw(&request, stdout, error)];
}

const struct command plot_command = {
    "plot",
    "draw figures of a database with gnuplot",
    "[FIGURES...]",
    0,
    1000000,
    {"db", "out", "filter", "workload", "format"},
    "Without FIGURES: all of plots/, as DIR/NAME.svg, NAME.png and NAME.pdf, at most six panels\n"
    "on a page (further pages are NAME-2, NAME-3, ...). What was not measured is not drawn, and a line\n"
    "says why. A figure whose data has not changed is left alone. The numbers behind each figure\n"
    "are in DIR/data/NAME.dat, for other tools; plots/README.md says how to change a figure or\n"
    "add one.\n"
    "\n"
    "Of more than 60 workloads the first 60 by name are drawn, in about a minute whatever else the\n"
    "database holds; pictures and stderr say so. --workload is the name of one in the database, and\n"
    "--filter is looked for in workload/arm: what they choose is drawn whole, and nothing else is read,\n"
    "so that one workload of hundreds takes seconds; --filter . draws all.\n"
    "\n"
    "--format svg, png or pdf draws that one alone, in a third of the time; pictures in the others that\n"
    "would be out of date then are removed.\n"
    "\n"
    "examples:\n"
    "  headroom plot\n"
    "  headroom plot overview --out /tmp/figures\n"
    "  headroom plot accuracy_vs_budget latency_vs_flops --workload offsets\n"
    "  headroom plot --filter '/fixed-'                   fixed heads alone\n",
    run};
