/*
 * A head policy decides, per input (or token) and layer, which attention heads run. Everything that
 * differs between methods stands behind this interface, in one file of models/policies/ each: the
 * encoder asks for a gate matrix a[row][head] and hands back dL/da[row][head], taken before the
 * multiplication by a (so a head that was masked still gets a gradient; at a = 1 it is Michel et
 * al.'s head importance). At inference a gate of zero means that the head is not computed.
 *
 * Rows are samples or, for a per-token policy, tokens: the encoder multiplies a row's gate into
 * that row's token range, so training serves both with the same code. At inference a head's Q, map
 * rows and O are then computed for the tokens that chose it alone, its K and V for every token of
 * an input in which any token chose it. Methods that prune a trained model have gates while they
 * train or score it (`post_hoc`, `keep`); what they leave has none.
 *
 * Inference is split in two: `decide` maps x to a small decision row (say a budget and scores),
 * `select` maps a decision row to gates. Decisions can thus be recorded, averaged over the training
 * set and given a number of heads (static control) or permuted across inputs (shuffled control)
 * without knowing what is in a row.
 */
#ifndef HEADROOM_MODELS_POLICY_H
#define HEADROOM_MODELS_POLICY_H

#include "models/model.h"
#include "models/base/rng.h"

struct device;
struct work;
struct parameters;
struct head_gates;

enum { POLICY_TENSORS_MAX = 8, POLICY_MODES_MAX = 4 };

enum gate_unit { GATE_NONE, GATE_PER_SAMPLE, GATE_PER_TOKEN };

/* What a method takes from the finished trial of another arm with the same seed (`base: ARM` of its
 * arm): nothing, the heads and FLOPs that it runs, or its weights. */
enum policy_base { BASE_NONE, BASE_BUDGET, BASE_WEIGHTS };

/* What the base runs, as means over the validation slice: heads of each layer, and the executed
 * FLOPs of one input, gates included. */
struct base_budget {
    int layers;
    double heads[MODEL_LAYERS_MAX];
    double flops_per_input;
    double mean_length, mean_square_length; /* tokens, and their squares */
};

/* What a static method (BASE_WEIGHTS) does between its base's weights and the model that it leaves
 * (harness/trial/post_hoc.c). Each round it may take gradients over training inputs without a step
 * of the optimiser; then it is asked which heads stay. */
struct post_hoc {
    int epochs;   /* of training weights and gates together, before the first round */
    int rounds;   /* how often `keep` is asked, at least 1; the last answer counts */
    bool scores;  /* before each round the gradients of its own tensors are added to them */
    int inputs;   /* training inputs of a scoring pass; 0: all */
    int recovery; /* epochs of training what is left */
    double rate;  /* peak learning rate of all these epochs, as a share of the trial's */
};

/* One tensor a policy owns in each layer. rank 1: rows = 1, cols numbers. */
struct policy_tensor {
    const char *name; /* after "layers.{l}.policy." */
    int rank, rows, cols;
    float init_std; /* normal; 0: every element = init_value */
    float init_value;
    bool decay;          /* AdamW weight decay applies */
    float learning_rate; /* peak, with the same schedule; 0: that of the weights */
};

/* Where training stands, and what the regularisers of all layers of this step add up to. */
struct policy_step {
    double progress; /* steps done / total steps, 0..1 */
    uint64_t step;
    struct rng noise;   /* the named stream of this trial */
    int n_samples;      /* of the whole batch, for the mean over samples */
    double regulariser; /* out: sum over layers, added to the loss */
    double sum_budget;  /* out: sum of s over rows and layers (0 where there is no s) */
    long n_budget;      /* out: how many s were summed */
    /* out: sum over rows and layers of the entropy of the learned scores' distribution over that of
     * an even one: 1 prefers no head, 0 a single one; and how many were summed. Without noise. */
    double sum_entropy;
    long n_entropy;
};

/* One call of a policy for one layer and one chunk of the batch (batch.h). */
struct gate_call {
    const struct model_config *config;
    int layer, heads, rows;
    int n_samples;          /* of the chunk */
    const int32_t *offsets; /* [n_samples + 1] each sample's tokens: its rows if rows are tokens */
    const float *x;         /* [rows][D] pooled (or per-token) input of the attention sublayer */
    uint64_t seed;          /* of the trial; set at inference */
    int mode;               /* at inference; 0: as the options say, i > 0: modes[i - 1] */
    const int32_t *ids;     /* [n_samples] each input's index in its split; per-input randomness */
    float *const *param;    /* [n tensors] values, in declared order */
    float *const *grad;     /* [n tensors] gradients to add to; NULL at inference */
    float *saved;           /* saved_floats(): kept from gates_train to gates_backward */
    float *shared;          /* [samples][shared_floats]: see shared_floats */
    /* The whole net, for methods that rank heads over all layers: one layer's gates may depend on
     * other layers' tensors, and its backward pass then adds to their gradients too. */
    const struct parameters *parameters;
    struct parameters *gradients; /* NULL at inference */
    struct policy_step *step;     /* NULL at inference */
    struct work *work;            /* where inference books what the gate costs; NULL in training */
    /* Of a device form alone (policy_ops.cuda). */
    const struct device *device;
    struct gate_sums *sums; /* in device memory: what training adds to, not to `step` */
    const void *told;       /* in device memory: what `tell` wrote for this step and layer */
};

/* What a layer's gates add to the sums of a step, where they are made on a device; as in
 * policy_step. */
struct gate_sums {
    double regulariser, budget, entropy;
    int64_t n_budget, n_entropy;
};

enum { POLICY_TOLD_BYTES = 128 };

/* The entries of the same names in policy_ops, for a device with memory of its own: all arrays of
 * the call (x, ids, param, grad, saved, shared) and all that are passed lie in it; `config`,
 * `step`, `work` and the call itself in the host's. Who books work does so on the host, as
 * everywhere. */
struct policy_device_form {
    /* Writes on the host what changes from step to step, at most POLICY_TOLD_BYTES: training's
     * kernels read it where it lies, so that what they are asked for stays the same and can be
     * repeated (models/trainer_recordings.c). NULL: it does not. */
    void (*tell)(const struct gate_call *call, void *told);
    void (*gates_train)(const struct gate_call *call, float *a);
    void (*gates_backward)(const struct gate_call *call, const float *da, float *dx);
    /* Both at once: decisions, and the gates that `select` makes of them. */
    void (*decide)(const struct gate_call *call, float *decision, float *a);
};

#if HAVE_CUDA
#define POLICY_CUDA_FORM(form) (&(form))
#else
#define POLICY_CUDA_FORM(form) NULL
#endif

struct policy_ops {
    const char *name, *summary;
    struct option_table options;
    enum gate_unit unit;
    enum policy_base base;

    /* Changes the model's shape (heads per layer, layers, positions); NULL: leaves it. */
    bool (*shape)(struct model_config *config, struct error *error);
    /* BASE_BUDGET: changes the shape of a resolved model to what the base runs. Until the base is
     * finished the model is the full one. */
    bool (*shape_like)(struct model_config *config, const struct base_budget *base,
                       struct error *error);
    /* BASE_WEIGHTS: what to do with the base's weights, and, after each round, the gate of every
     * head: 0 removes it, another is folded into its W_O. `keep` may write the policy's tensors. */
    void (*post_hoc)(const struct model_config *config, struct post_hoc *out);
    void (*keep)(struct parameters *parameters, int round, struct head_gates *out);
    /* Writes the tensors of one layer, returns how many (layers may differ); NULL: none. */
    int (*tensors)(const struct model_config *config, int layer, struct policy_tensor *out);
    /* Floats per row that gates_train keeps for gates_backward; NULL: none. */
    int (*saved_floats)(const struct model_config *config, int layer);
    /* Floats per sample that live through one pass over all layers: forward from the first layer to
     * the last, backward from the last to the first. Nobody clears them. NULL: none. */
    int (*shared_floats)(const struct model_config *config);

    /* Training. gates_train fills a[rows][heads] and adds this layer's regulariser to call->step.
     * gates_backward takes dL/da (task loss only) and adds the gradients of its parameters and
     * dL/dx, both including the regulariser. NULL backward: gates have no gradient. */
    void (*gates_train)(const struct gate_call *call, float *a);
    void (*gates_backward)(const struct gate_call *call, const float *da, float *dx);

    /* Inference. decide fills decision[rows][decision_floats]; select fills a[rows][heads] from the
     * decision and the options alone: it may be called on the host where decide's arrays are not.
     * Both of decision_floats and select NULL: a decision row is the gates themselves. */
    int (*decision_floats)(const struct model_config *config, int layer);
    void (*decide)(const struct gate_call *call, float *decision);
    void (*select)(const struct gate_call *call, const float *decision, float *a);
    /* The same on a card, in a file beside this one; NULL: pooled inputs come to the host and gates
     * go back. */
    const struct policy_device_form *cuda;
    /* The budget s in (0,1] behind one decision row; NULL: the policy has none. */
    double (*budget)(const float *decision);
    /* Makes one decision row run k of `heads` heads, 1 <= k <= heads, and changes the rest of the
     * row as little as it can. NULL: the policy has no static control. */
    void (*set_heads)(float *decision, int heads, int k);

    /* Ways to run the same weights that a training is evaluated in, beside the one that its options
     * say: "mode:NAME", NULL-terminated, POLICY_MODES_MAX at most. NULL: none. */
    const char *const *modes;

    /* Gate FLOPs of one layer for one input of n tokens (BFC-1, pooling included); NULL: 0. A layer
     * that does not look at its input costs 0, and nothing is pooled for it. */
    uint64_t (*gate_flops)(const struct model_config *config, int layer, int n_tokens);
};

/* Completes a config whose model_options fields, policy, policy_options, vocab, classes, max_len
 * and separator are set: model_resolve_full, then the policy changes the shape. */
static inline bool model_resolve(struct model_config *config, struct error *error) {
    return model_resolve_full(config, error) &&
           (!config->policy->shape || config->policy->shape(config, error));
}

/* Whether gates that were learned with the weights decide at inference: an adaptive method, whose
 * model as it was trained may not be the one that is deployed. */
static inline bool policy_is_adaptive(const struct policy_ops *policy) {
    return policy->gates_backward && policy->base == BASE_NONE;
}

/* Floats of one decision row of the model's policy. */
static inline size_t policy_decision_floats(const struct model_config *config, int layer) {
    const struct policy_ops *policy = config->policy;
    return (size_t)(policy->decision_floats ? policy->decision_floats(config, layer)
                                            : config->heads.value[layer]);
}

/* What the model's policy shares between layers, floats per sample. */
static inline size_t policy_shared_floats(const struct model_config *config) {
    return config->policy->shared_floats ? (size_t)config->policy->shared_floats(config) : 0;
}

#endif
