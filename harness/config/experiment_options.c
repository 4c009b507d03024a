/*
 * What the top of a workload file and every arm may say: each setting is one row with its default,
 * its range and its help, from which the parser, the trial JSON and `headroom list options` are
 * made. The sections have tables of their own (sections.c).
 */
#include "harness/config/experiment.h"

#define TOP(field) offsetof(struct experiment, field)
static const struct option top_rows[] = {
    {"extends", OPTION_STRING, TOP(extends), "", 0, 0, NULL,
     "a workload file that this one changes; maps are merged, KEY: ~ removes what is inherited"},
    {"workload", OPTION_STRING, TOP(name), NULL, 0, 0, NULL,
     "name, unique over all files of a sweep"},
    {"summary", OPTION_STRING, TOP(summary), "", 0, 0, NULL, "one line about what is asked"},
    {"granularity", OPTION_STRING, TOP(granularity), "-", 0, 0, NULL,
     "short label of the axis: synthetic, coarse, fine"},
    {"corpus", OPTION_STRING, TOP(corpus), "", 0, 0, NULL,
     "the same name for workloads that are the same texts in coarser or finer classes"},
    {"tags", OPTION_NAME_LIST, TOP(tags), "[]", 0, 0, NULL,
     "names that --tag selects by: quick, real, paper, your own"},
    {"duration", OPTION_STRING, TOP(duration), "", 0, 0, NULL,
     "how long a sweep of the file takes, for people"},
    {"tier", OPTION_CHOICE, TOP(tier), "named", 0, 0, "default|full|named",
     "smallest tier that runs the file unnamed"},
    {"seeds", OPTION_INT_LIST, TOP(seeds), "[1, 2, 3]", 0, 2147483647, NULL,
     "one trial per arm and seed"},
};
const struct option_table experiment_options = {"workload file", top_rows,
                                                sizeof top_rows / sizeof *top_rows};

static const struct option arm_rows[] = {
    {"target_budget", OPTION_FLOAT, offsetof(struct candidates, target_budget), "0", 0, 1, NULL,
     "with tune: take the candidate that runs this share of the heads; 0: the most accurate"}};
const struct option_table arm_options = {"arm", arm_rows, 1};
