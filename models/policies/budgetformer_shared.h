/*
 * What the variants of BudgetFormer share (arXiv 2604.22583). From the pooled input x of a layer
 * come a budget s = sigmoid(f_o(x)), f_o(x) = w2 . relu(W1 x + b1) + b2, and head scores z = g_d(x)
 * = W_d x + b_d; inference runs the k = ceil(s H) best heads. That much is in what we had of the
 * paper, its abstract and two summaries, as are noise on the scores, a temperature that falls, an
 * entropy regulariser and the hinge on s; the full text was never available. How each of them is
 * scheduled and weighted is not in the summaries we had and is ours, and so is the cost. A variant
 * is the way in which s and z become gates in training, and what the chosen heads are multiplied by
 * at inference.
 *
 * Loss terms, means over samples and layers: w_e Hent, Hent the entropy of softmax(z / tau) over ln
 * H; hinge max(0, .1 - s) + max(0, s - .9); and cost * s, switched on by a ramp.
 *
 * The ablations leave a part out for good: a network that is not asked has no tensors and costs no
 * FLOPs.
 */
#ifndef HEADROOM_MODELS_POLICIES_BUDGETFORMER_SHARED_H
#define HEADROOM_MODELS_POLICIES_BUDGETFORMER_SHARED_H

#include "models/policies/budgetformer_row.h"
#include "models/policy.h"

enum budget_scores { SCORES_LEARNED, SCORES_RANDOM_AT_TEST, SCORES_RANDOM };

/* First member of every variant's options. */
struct budget_options {
    double cost;
    int cost_on; /* enum budget_cost_on */
    double noise, noise_until;
    double tau_start, tau_end, tau_until;
    double entropy_start, entropy_end;
    double hinge, ramp_from, ramp_until;
    double budget; /* 0: learned */
    bool global_budget;
    int scores; /* enum budget_scores */
    double initial_budget;
    int hidden;
};

#define BUDGET_FIELD(name) offsetof(struct budget_options, name)

/* Their rows in a variant's table, with the defaults in which variants differ. */
/* clang-format off */
#define BUDGET_ROWS(default_cost, default_entropy_start, default_entropy_end, default_tau_end)     \
    {"cost", OPTION_FLOAT, BUDGET_FIELD(cost), default_cost, 0, 100, NULL,                         \
     "weight lambda_c of the mean budget in the loss"},                                            \
    {"cost_on", OPTION_CHOICE, BUDGET_FIELD(cost_on), "s", 0, 0, "s|executed",                     \
     "the cost is on s, or on k / H with the gradient of s while k > 1"},                          \
    {"noise", OPTION_FLOAT, BUDGET_FIELD(noise), "0.3", 0, 10, NULL,                               \
     "sigma of the score noise at step 0; 0: no exploration"},                                     \
    {"noise_until", OPTION_FLOAT, BUDGET_FIELD(noise_until), "0.6", 0.01, 1, NULL,                 \
     "share of steps at which the noise has fallen linearly to 0"},                                \
    {"tau_start", OPTION_FLOAT, BUDGET_FIELD(tau_start), "2.0", 0.01, 100, NULL,                   \
     "temperature at step 0; that of tau_end: no annealing"},                                      \
    {"tau_end", OPTION_FLOAT, BUDGET_FIELD(tau_end), default_tau_end, 0.01, 100, NULL,             \
     "temperature from tau_until on"},                                                             \
    {"tau_until", OPTION_FLOAT, BUDGET_FIELD(tau_until), "0.8", 0.01, 1, NULL,                     \
     "share of steps over which tau falls exponentially"},                                         \
    {"entropy_start", OPTION_FLOAT, BUDGET_FIELD(entropy_start), default_entropy_start, -10, 10,   \
     NULL, "weight of the score entropy at step 0; negative explores"},                            \
    {"entropy_end", OPTION_FLOAT, BUDGET_FIELD(entropy_end), default_entropy_end, -10, 10, NULL,   \
     "weight of the score entropy at the last step; positive commits"},                            \
    {"hinge", OPTION_FLOAT, BUDGET_FIELD(hinge), "1", 0, 100, NULL,                                \
     "weight of the hinge that keeps s in [0.1, 0.9]"},                                            \
    {"ramp_from", OPTION_FLOAT, BUDGET_FIELD(ramp_from), "0.45", 0, 1, NULL,                       \
     "share of steps at which the cost starts"},                                                   \
    {"ramp_until", OPTION_FLOAT, BUDGET_FIELD(ramp_until), "0.65", 0, 1, NULL,                     \
     "share of steps at which the cost is fully on"},                                              \
    {"budget", OPTION_FLOAT, BUDGET_FIELD(budget), "0", 0, 1, NULL,                                \
     "ablation: this s for every input and no network f_o; 0: learned"},                           \
    {"global_budget", OPTION_BOOL, BUDGET_FIELD(global_budget), "false", 0, 0, NULL,               \
     "ablation: f_o is asked in the first layer only; its s holds for all layers"},                \
    {"scores", OPTION_CHOICE, BUDGET_FIELD(scores), "learned", 0, 0,                               \
     "learned|random-at-test|random",                                                              \
     "ablation: heads chosen by g_d; at random at test; in training too, and no g_d"},             \
    {"initial_budget", OPTION_FLOAT, BUDGET_FIELD(initial_budget), "0.8", 0.01, 0.99, NULL,        \
     "learned budget s at initialisation"},                                                        \
    {"hidden", OPTION_INT, BUDGET_FIELD(hidden), "0", 0, 65536, NULL,                              \
     "width of the budget network f_o; 0 means max(16, dim / 4)"}
/* clang-format on */

/* The most workspace that a variant's gate can ask for, in doubles. */
enum { BUDGET_SPACE = OPTION_LIST_MAX * (OPTION_LIST_MAX + 8) };

/* A variant's gate in training; `space` is workspace of BUDGET_SPACE. */
struct budget_gate {
    /* The noise that sigma scales: standard, at a counter. */
    double (*noise)(const struct rng *rng, uint64_t high, uint64_t low);
    /* a[heads] from the noisy scores z[heads]. */
    void (*forward)(const struct budget_row *row, const float *z, float *a, double *space);
    /* dL/dz[heads] from dL/da, of the task loss alone; returns dL/ds. */
    double (*backward)(const struct budget_row *row, const float *da, double *dz, double *space);
};

/* ---- what a layer is, for those who compute its rows ---- */

enum { W1, B1, W2, B2, BUDGET_TENSORS }; /* of f_o, where it is asked */
enum { WD, BD, SCORE_TENSORS };          /* of g_d, after those of f_o */

/* `hard`: see there. Without call->step, at inference, what is of training alone is left 0. */
struct budget_layer budget_layer_of(const struct gate_call *call, bool hard);
/* Width of f_o's hidden layer. */
int budget_hidden_width(const struct model_config *config);
/* Where the tensors of g_d start in gate_call.param. */
int budget_scores_at(const struct gate_call *call);

/* What is kept between the passes: [rows][h_o], [rows][H] the gate's, [rows][H] the clean scores,
 * and s [rows]. */
struct budget_saved {
    float *hidden, *kept, *z, *s;
};
struct budget_saved budget_saved_of(const struct gate_call *call);

/* The stream of scores that are drawn in this call, and its counters' high half, which is that of
 * noise too. */
struct rng budget_draws(const struct gate_call *call);
uint64_t budget_counter_high(const struct gate_call *call);

/* The entries of policy_ops; those of training take the variant's gate. A decision row is s
 * followed by z[H]. */
bool budget_check_options(struct model_config *config, struct error *error);
int budget_tensors(const struct model_config *config, int layer, struct policy_tensor *out);
int budget_saved_floats(const struct model_config *config, int layer);
int budget_shared_floats(const struct model_config *config);
void budget_gates_train(const struct gate_call *call, const struct budget_gate *gate, bool hard,
                        float *a);
void budget_gates_backward(const struct gate_call *call, const struct budget_gate *gate,
                           const float *da, float *dx);
int budget_decision_floats(const struct model_config *config, int layer);
void budget_decide(const struct gate_call *call, float *decision);
void budget_select(const struct gate_call *call, const float *decision, float *a); /* 0 or 1 */
double budget_of_decision(const float *decision);
void budget_set_heads(float *decision, int heads, int k);
uint64_t budget_gate_flops(const struct model_config *config, int layer, int n_tokens);

#endif
