/*
 * What trained models answered and what they took, model by model, so that two sets of them can be
 * compared from wherever they come: a database (read here) or a file of predictions from elsewhere
 * (harness/compare). The current results of a database are what its views show. Those of another
 * revision or machine are also the ones that `--rerun` has put aside since.
 */
#ifndef HEADROOM_HARNESS_STORE_OUTCOMES_H
#define HEADROOM_HARNESS_STORE_OUTCOMES_H

#include "harness/store/store.h"

/* One trained model on its test inputs. Inputs are known by a text each: in the order of their
 * length, then of their bytes, so that numbers are in theirs. */
struct answers {
    char *workload, *arm; /* arm with its control; "" where nothing says one */
    int64_t seed;
    char data[65];   /* hash of the data set, "" if unknown: another one has other inputs */
    int n;           /* inputs */
    char **id;       /* [n]; NULL: "0", "1", "2", ... */
    uint32_t *label; /* [n] hash of the label's text: tells other inputs of the same name */
    int8_t *right;   /* [n] 0 or 1 */
};

/* Accuracy is in the answers; of the others each trained model has a value. */
enum measure { MEASURE_ACCURACY, MEASURE_HEADS, MEASURE_FLOPS, MEASURE_LATENCY, MEASURE_MEMORY };
enum { N_MEASURES = MEASURE_MEMORY + 1 };

/* "accuracy", "heads", "flops", "latency", "memory" */
extern const char *const measure_names[N_MEASURES];

/* Heads per layer, executed FLOPs per input, nanoseconds of a forward pass, bytes at the peak. */
struct measured {
    char *workload, *arm;
    int64_t seed;
    enum measure measure;
    int batch_size; /* 0: no matter of batches */
    double value;   /* of times the median */
    double *block;  /* [n_blocks] medians of stretches of the measurement; NULL: none */
    int n_blocks;
    bool doubtful;      /* there was a warning */
    double noise_floor; /* of time ratios: how far from 1 says nothing; 0: unknown */
    char *conditions;   /* times are compared under equal ones; NULL: unknown */
};

/* Those of a workload and arm stand together, by seed. */
struct outcomes {
    struct answers *answers;
    struct measured *measured;
    size_t n_answers, n_measured;
};

/* The next place of either list, zeroed; NULL with error set when out of memory. */
struct answers *outcomes_add_answers(struct outcomes *outcomes, struct error *error);
struct measured *outcomes_add_measured(struct outcomes *outcomes, struct error *error);
void outcomes_free(struct outcomes *outcomes);

/* FNV-1a of a label's text. */
uint32_t outcomes_label(const char *text);

/* Reads those of one workload and arm, or of all where it is NULL. where: NULL: the current ones; else
 * the latest that a revision which begins so, or a machine whose name contains it, has made of what is
 * planned now. Nothing found is no error here. */
bool outcomes_read(struct store *store, const char *workload, const char *arm, const char *where,
                   struct outcomes *out, struct error *error);

/* Explains why outcomes_read found nothing: what is unknown, and what there is. Always false. */
bool outcomes_explain_none(struct store *store, const char *workload, const char *arm,
                           const char *where, struct error *error);

#endif
