/*
 * What the top of a workload file and its sections `train:` and `profile:` may say: each setting is
 * one row with its default, its range and its help, from which the parser, the trial JSON and
 * `headroom list options` are made. The sections `data:` and `model:` stand beside what they
 * describe.
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

#define TRAIN(field) offsetof(struct train_config, field)
static const struct option train_rows[] = {
    {"epochs", OPTION_INT, TRAIN(epochs), "10", 1, 10000, NULL, "passes over the training split"},
    {"batch", OPTION_INT, TRAIN(batch), "32", 1, 4096, NULL, "inputs per optimiser step"},
    {"learning_rate", OPTION_FLOAT, TRAIN(learning_rate), "1e-3", 1e-9, 10, NULL,
     "peak learning rate of AdamW"},
    {"weight_decay", OPTION_FLOAT, TRAIN(weight_decay), "0.01", 0, 10, NULL,
     "decoupled decay of weight matrices; biases, norms and embeddings have none"},
    {"beta1", OPTION_FLOAT, TRAIN(beta1), "0.9", 0, 0.99999, NULL, "AdamW: decay of the mean"},
    {"beta2", OPTION_FLOAT, TRAIN(beta2), "0.999", 0, 0.9999999, NULL,
     "AdamW: decay of the mean square"},
    {"epsilon", OPTION_FLOAT, TRAIN(epsilon), "1e-8", 1e-16, 1, NULL, "AdamW: denominator offset"},
    {"warmup", OPTION_FLOAT, TRAIN(warmup), "0.1", 0, 1, NULL,
     "share of the steps with rising learning rate; cosine to 0 after it"},
    {"clip_norm", OPTION_FLOAT, TRAIN(clip_norm), "1", 0, 1e6, NULL,
     "largest gradient norm, 0 = not clipped"},
    {"select_after", OPTION_FLOAT, TRAIN(select_after), "0.65", 0, 1, NULL,
     "share of the steps after which the best validation epoch is chosen"},
    {"eval_batch", OPTION_INT, TRAIN(eval_batch), "64", 1, 4096, NULL,
     "inputs per batch when evaluating"},
};
const struct option_table train_options = {"train", train_rows,
                                           sizeof train_rows / sizeof *train_rows};

#define PROFILE(field) offsetof(struct profile_config, field)
static const struct option profile_rows[] = {
    {"batch_sizes", OPTION_INT_LIST, PROFILE(batch_sizes), "[1, 32]", 1, 4096, NULL,
     "inputs per forward pass, one profile each"},
    {"warmup", OPTION_INT, PROFILE(warmup), "5", 0, 10000, NULL,
     "forward passes before the first timed one of each block"},
    {"repeats", OPTION_INT, PROFILE(repeats), "100", 20, 100000, NULL, "timed forward passes"},
    {"blocks", OPTION_INT, PROFILE(blocks), "5", 1, 20, NULL,
     "blocks of timed passes; the arms of a workload take turns, in a new order for each"},
    {"inputs", OPTION_INT, PROFILE(inputs), "128", 1, 1000000, NULL,
     "test inputs that the timed passes cycle through"},
    {"seeds", OPTION_INT, PROFILE(seeds), "1", 0, OPTION_LIST_MAX, NULL,
     "how many of the seeds, from the first, are profiled per arm"},
    {"counters", OPTION_CHOICE, PROFILE(counters), "measured", 0, 0, "measured|cachegrind",
     "cachegrind: also count some passes under valgrind, as `simulated` (make headroom-v3)"},
    {"simulated_inputs", OPTION_INT, PROFILE(simulated_inputs), "16", 1, 4096, NULL,
     "test inputs that valgrind runs, rounded up to whole batches"},
    {"events", OPTION_NAME_LIST, PROFILE(events), "[]", 0, 0, NULL,
     "PAPI presets or native events to count beside the usual ones"},
    {"multiplex", OPTION_BOOL, PROFILE(multiplex), "false", 0, 0, NULL,
     "events share the hardware in turns, scaled up and flagged; false: more passes"},
    {"again", OPTION_INT, PROFILE(again), "1", 0, EXPERIMENT_ARMS_MAX, NULL,
     "how many of the arms, from the first, are profiled twice: what differs is the noise floor"},
    {"grid_gco2_per_kwh", OPTION_FLOAT, PROFILE(grid_gco2_per_kwh), "0", 0, 5000, NULL,
     "carbon intensity of your electricity; 0: none given, and no gCO2 is reported"},
};
const struct option_table profile_options = {"profile", profile_rows,
                                             sizeof profile_rows / sizeof *profile_rows};
