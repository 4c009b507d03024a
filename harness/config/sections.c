/*
 * The rows of the sections `train:` and `profile:`; see sections.h.
 */
#include "harness/config/sections.h"

#define TRAIN(field) offsetof(struct train_config, field)
static const struct option train_rows[] = {
    {"epochs", OPTION_INT, TRAIN(epochs), "10", 1, 10000, NULL, "passes over the training split"},
    {"batch", OPTION_INT, TRAIN(batch), "32", 1, BATCH_SIZE_MAX, NULL, "inputs per optimiser step"},
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
    {"eval_batch", OPTION_INT, TRAIN(eval_batch), "64", 1, BATCH_SIZE_MAX, NULL,
     "inputs per batch when evaluating"},
    {"device", OPTION_STRING, TRAIN(device), "cpu", OPTION_LATER, 0, NULL,
     "what trains and evaluates: cpu, cuda (any card) or cuda:N (that one)"},
    {"precision", OPTION_CHOICE, TRAIN(precision), "fp32", OPTION_LATER, 0, "fp32|tf32|bf16",
     "of products on a card; weights, sums and the optimiser are fp32 in any case"},
};
const struct option_table train_options = {"train", train_rows,
                                           sizeof train_rows / sizeof *train_rows};

#define PROFILE(field) offsetof(struct profile_config, field)
static const struct option profile_rows[] = {
    {"batch_sizes", OPTION_INT_LIST, PROFILE(batch_sizes), "[1, 32]", 1, BATCH_SIZE_MAX, NULL,
     "inputs per forward pass, one profile each"},
    {"warmup", OPTION_INT, PROFILE(warmup), "5", 0, 10000, NULL,
     "forward passes before the first timed one of each block"},
    {"repeats", OPTION_INT, PROFILE(repeats), "100", PROFILE_BLOCKS_MAX, 100000, NULL,
     "timed forward passes"},
    {"blocks", OPTION_INT, PROFILE(blocks), "5", 1, PROFILE_BLOCKS_MAX, NULL,
     "blocks of timed passes; the arms of a workload take turns, in a new order for each"},
    {"inputs", OPTION_INT, PROFILE(inputs), "128", 1, 1000000, NULL,
     "test inputs that the timed passes cycle through"},
    {"seeds", OPTION_INT, PROFILE(seeds), "1", 0, OPTION_LIST_MAX, NULL,
     "how many of the seeds, from the first, are profiled per arm"},
    {"counters", OPTION_CHOICE, PROFILE(counters), "measured", 0, 0, "measured|cachegrind",
     "cachegrind: also count some passes under valgrind, as `simulated` (make headroom-v3)"},
    {"simulated_inputs", OPTION_INT, PROFILE(simulated_inputs), "16", 1, SIMULATED_INPUTS_MAX, NULL,
     "test inputs that valgrind runs, rounded up to whole batches"},
    {"events", OPTION_NAME_LIST, PROFILE(events), "[]", 0, 0, NULL,
     "PAPI presets or native events to count beside the usual ones"},
    {"multiplex", OPTION_BOOL, PROFILE(multiplex), "false", 0, 0, NULL,
     "events share the hardware in turns, scaled up and flagged; false: more passes"},
    {"again", OPTION_INT, PROFILE(again), "1", 0, EXPERIMENT_ARMS_MAX, NULL,
     "how many of the arms, from the first, are profiled twice: what differs is the noise floor"},
    {"grid_gco2_per_kwh", OPTION_FLOAT, PROFILE(grid_gco2_per_kwh), "0", 0, 5000, NULL,
     "carbon intensity of your electricity; 0: none given, and no gCO2 is reported"},
    {"devices", OPTION_NAME_LIST, PROFILE(devices), "[]", OPTION_LATER, 0, NULL,
     "what each checkpoint is profiled on, such as [cpu, cuda]; []: what trained it"},
    {"precision", OPTION_CHOICE, PROFILE(precision), "as-trained", OPTION_LATER, 0,
     "as-trained|fp32|tf32|bf16", "of profiles on a card; the CPU computes in fp32"},
    {"card_energy", OPTION_CHOICE, PROFILE(card_energy), "short", OPTION_LATER, 0, "off|short|long",
     "joules of a card: no, or 3 or 5 regions of 2 s for each batch size"},
};
const struct option_table profile_options = {"profile", profile_rows,
                                             sizeof profile_rows / sizeof *profile_rows};
