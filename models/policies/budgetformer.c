/*
 * BudgetFormer, consistent variant. From the pooled input x of a layer come a budget
 * s = sigmoid(w2 . relu(W1 x + b1) + b2) and head scores z = W_d x + b_d (stated by arXiv
 * 2604.22583); training multiplies head h by a soft top-k gate with an exact budget (ours),
 *   a_h = sigmoid((z_h + sigma eps_h - theta) / tau),   theta such that sum_h a_h = s H,
 * inference runs the k = ceil(s H) best heads (stated). As tau -> 0 the gate becomes the hard
 * top-k, and s = 1 is plain MHA, so what is deployed is the limit of what is trained; from
 * `hard_from` of the steps on the forward pass already uses the hard mask (straight-through
 * gradient).
 *
 * Loss terms, means over samples and layers: w_e Hent, Hent the entropy of softmax(z / tau) over ln
 * H; hinge max(0, .1 - s) + max(0, s - .9); and cost * s, switched on by a ramp.
 */
#include "models/gemm.h"
#include "models/policy.h"

#include <math.h>
#include <string.h>

struct budgetformer_options {
    double cost;
    double noise, noise_until;
    double tau_start, tau_end, tau_until;
    double entropy_start, entropy_end;
    double hinge, ramp_from, ramp_until, hard_from;
    double initial_budget;
    int hidden;
};

#define FIELD(name) offsetof(struct budgetformer_options, name)

static const struct option option_rows[] = {
    {"cost", OPTION_FLOAT, FIELD(cost), "0.03", 0, 100, NULL,
     "weight lambda_c of the mean budget s in the loss"},
    {"noise", OPTION_FLOAT, FIELD(noise), "0.3", 0, 10, NULL, "sigma of the score noise at step 0"},
    {"noise_until", OPTION_FLOAT, FIELD(noise_until), "0.6", 0.01, 1, NULL,
     "share of steps at which the noise has fallen linearly to 0"},
    {"tau_start", OPTION_FLOAT, FIELD(tau_start), "2.0", 0.01, 100, NULL, "temperature at step 0"},
    {"tau_end", OPTION_FLOAT, FIELD(tau_end), "0.2", 0.01, 100, NULL,
     "temperature from tau_until on"},
    {"tau_until", OPTION_FLOAT, FIELD(tau_until), "0.8", 0.01, 1, NULL,
     "share of steps over which tau falls exponentially"},
    {"entropy_start", OPTION_FLOAT, FIELD(entropy_start), "-0.01", -10, 10, NULL,
     "weight of the score entropy at step 0; negative explores"},
    {"entropy_end", OPTION_FLOAT, FIELD(entropy_end), "0.01", -10, 10, NULL,
     "weight of the score entropy at the last step; positive commits"},
    {"hinge", OPTION_FLOAT, FIELD(hinge), "1", 0, 100, NULL,
     "weight of the hinge that keeps s in [0.1, 0.9]"},
    {"ramp_from", OPTION_FLOAT, FIELD(ramp_from), "0.45", 0, 1, NULL,
     "share of steps at which the cost starts"},
    {"ramp_until", OPTION_FLOAT, FIELD(ramp_until), "0.65", 0, 1, NULL,
     "share of steps at which the cost is fully on"},
    {"hard_from", OPTION_FLOAT, FIELD(hard_from), "0.6", 0, 1, NULL,
     "share of steps from which the forward pass uses the hard top-k"},
    {"initial_budget", OPTION_FLOAT, FIELD(initial_budget), "0.8", 0.01, 0.99, NULL,
     "budget s at initialisation"},
    {"hidden", OPTION_INT, FIELD(hidden), "0", 0, 65536, NULL,
     "width of the budget network; 0 means max(16, dim / 4)"},
};

enum { W1, B1, W2, B2, WD, BD, N_TENSORS };

static const double hinge_low = 0.1, hinge_high = 0.9;
static const double full_margin = 1e-3; /* s H above H - this: all gates are 1 */
static const double ceil_margin = 1e-4; /* k = ceil(s H - this) */
static const double least_slope = 1e-6; /* sum of gate slopes below this: no gradient */

static const struct budgetformer_options *options_of(const struct model_config *config) {
    return (const void *)config->policy_options;
}

static int hidden_width(const struct model_config *config) {
    int asked = options_of(config)->hidden;
    if (asked > 0) return asked;
    return config->dim / 4 > 16 ? config->dim / 4 : 16;
}

static int tensors(const struct model_config *config, int layer, struct policy_tensor *out) {
    int dim = config->dim, hidden = hidden_width(config), heads = config->heads.value[layer];
    double s = options_of(config)->initial_budget;
    float spread = (float)(1.0 / sqrt(3.0 * dim)); /* the usual linear-layer scale */
    out[W1] = (struct policy_tensor){"budget.0.weight", 2, hidden, dim, spread, 0, .decay = true};
    out[B1] = (struct policy_tensor){"budget.0.bias", 1, 1, hidden, 0, 0, .decay = false};
    out[W2] = (struct policy_tensor){"budget.2.weight", 2, 1, hidden, 0.02f, 0, .decay = true};
    out[B2] = (struct policy_tensor){"budget.2.bias", 1, 1, 1, 0, (float)log(s / (1 - s)),
                                     .decay = false};
    out[WD] = (struct policy_tensor){"score.weight", 2, heads, dim, spread, 0, .decay = true};
    out[BD] = (struct policy_tensor){"score.bias", 1, 1, heads, 0, 0, .decay = false};
    return N_TENSORS;
}

/* hidden[rows][h_o], s[rows], z[rows][heads] from x[rows][D]. */
static void scores_forward(const struct gate_call *call, float *hidden, float *s, float *z) {
    int rows = call->rows, dim = call->config->dim, heads = call->heads;
    int width = hidden_width(call->config);
    struct matrix x = plain(call->x, dim);
    gemm(call->work, FLOP_GATE, rows, width, dim, 1.0f, x, transposed(call->param[W1], dim), 0.0f,
         hidden, width);
    work_add(call->work, FLOP_GATE, (uint64_t)rows * (uint64_t)width);
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < width; i++) {
            float *value = &hidden[r * width + i];
            *value += call->param[B1][i];
            *value = *value > 0.0f ? *value : 0.0f;
        }
    gemm(call->work, FLOP_GATE, rows, 1, width, 1.0f, plain(hidden, width),
         transposed(call->param[W2], width), 0.0f, s, 1);
    gemm(call->work, FLOP_GATE, rows, heads, dim, 1.0f, x, transposed(call->param[WD], dim), 0.0f,
         z, heads);
    for (int r = 0; r < rows; r++) {
        s[r] = (float)(1.0 / (1.0 + exp(-((double)s[r] + (double)call->param[B2][0]))));
        for (int h = 0; h < heads; h++) z[r * heads + h] += call->param[BD][h];
    }
}

/* gate_flops of BFC-1: N D for the pool, (2 D h_o + h_o) + 2 h_o + 2 D H; scalars not counted. */
static uint64_t gate_flops(const struct model_config *config, int layer, int n_tokens) {
    uint64_t dim = (uint64_t)config->dim, hidden = (uint64_t)hidden_width(config);
    uint64_t heads = (uint64_t)config->heads.value[layer];
    return (uint64_t)n_tokens * dim + 2 * dim * hidden + hidden + 2 * hidden + 2 * dim * heads;
}

/* The hard gate: 1 on the k = clamp(ceil(s H), 1, H) largest scores, ties to the lower index. */
static void top_k(const float *z, double s, int heads, float *a) {
    int k = (int)ceil(s * heads - ceil_margin);
    k = k < 1 ? 1 : k > heads ? heads : k;
    for (int h = 0; h < heads; h++) {
        int better = 0;
        for (int j = 0; j < heads; j++) better += z[j] > z[h] || (z[j] == z[h] && j < h);
        a[h] = better < k ? 1.0f : 0.0f;
    }
}

/* The soft gate. sum_h a_h falls monotonically in theta: Newton steps, bisected when they leave the
 * bracket, until the budget is met to 1e-9. */
static void soft_top_k(const float *z, double s, double tau, int heads, float *a) {
    double budget = s * heads, low = (double)z[0], high = (double)z[0];
    if (budget > heads - full_margin) {
        for (int h = 0; h < heads; h++) a[h] = 1.0f;
        return;
    }
    for (int h = 1; h < heads; h++) {
        low = (double)z[h] < low ? (double)z[h] : low;
        high = (double)z[h] > high ? (double)z[h] : high;
    }
    low -= 40.0 * tau; /* all gates 1 to rounding */
    high += 40.0 * tau;
    double theta = 0.5 * (low + high);
    for (int i = 0; i < 100; i++) {
        double sum = 0.0, slope = 0.0;
        for (int h = 0; h < heads; h++) {
            double gate = 1.0 / (1.0 + exp((theta - (double)z[h]) / tau));
            a[h] = (float)gate;
            sum += gate;
            slope += gate * (1.0 - gate) / tau;
        }
        if (fabs(sum - budget) < 1e-9) return;
        if (sum > budget)
            low = theta;
        else
            high = theta;
        theta += (sum - budget) / slope;
        if (!(theta > low && theta < high)) theta = 0.5 * (low + high);
    }
}

/* Where the schedules stand at a share p of the steps. */
struct schedule {
    double sigma, tau, entropy, cost;
    bool hard;
};

static struct schedule schedule_at(const struct budgetformer_options *o, double p) {
    double falling = p < o->tau_until ? p / o->tau_until : 1.0;
    double ramp = o->ramp_until > o->ramp_from ? (p - o->ramp_from) / (o->ramp_until - o->ramp_from)
                                               : (p >= o->ramp_from ? 1.0 : 0.0);
    ramp = ramp < 0.0 ? 0.0 : ramp > 1.0 ? 1.0 : ramp;
    return (struct schedule){
        .sigma = p < o->noise_until ? o->noise * (1.0 - p / o->noise_until) : 0.0,
        .tau = o->tau_start * pow(o->tau_end / o->tau_start, falling),
        .entropy = o->entropy_start + p * (o->entropy_end - o->entropy_start),
        .cost = o->cost * ramp,
        .hard = p >= o->hard_from,
    };
}

/* Kept per row: hidden [h_o], then the soft gates [H], the clean scores z [H], and s. */
static int saved_floats(const struct model_config *config, int layer) {
    return hidden_width(config) + 2 * config->heads.value[layer] + 1;
}

struct saved {
    float *hidden, *soft, *z, *s; /* [rows][h_o], [rows][H], [rows][H], [rows] */
};

static struct saved saved_parts(const struct gate_call *call) {
    size_t rows = (size_t)call->rows, heads = (size_t)call->heads;
    struct saved parts = {.hidden = call->saved};
    parts.soft = parts.hidden + rows * (size_t)hidden_width(call->config);
    parts.z = parts.soft + rows * heads;
    parts.s = parts.z + rows * heads;
    return parts;
}

/* softmax(z / tau) of one row into p, log p into log_p; returns its entropy over ln H (0 if H = 1).
 */
static double entropy_of(const float *z, double tau, int heads, double *p, double *log_p) {
    double max = z[0], sum = 0.0, entropy = 0.0;
    for (int h = 1; h < heads; h++) max = (double)z[h] > max ? (double)z[h] : max;
    for (int h = 0; h < heads; h++) sum += exp(((double)z[h] - max) / tau);
    for (int h = 0; h < heads; h++) {
        log_p[h] = ((double)z[h] - max) / tau - log(sum);
        p[h] = exp(log_p[h]);
        entropy -= p[h] * log_p[h];
    }
    return heads > 1 ? entropy / log(heads) : 0.0;
}

static void gates_train(const struct gate_call *call, float *a) {
    const struct budgetformer_options *o = options_of(call->config);
    struct policy_step *step = call->step;
    struct schedule now = schedule_at(o, step->progress);
    struct saved keep = saved_parts(call);
    int heads = call->heads;
    double share = 1.0 / ((double)step->n_samples * call->config->layers);
    uint64_t high = step->step * MODEL_LAYERS_MAX + (uint64_t)call->layer;
    scores_forward(call, keep.hidden, keep.s, keep.z);
    for (int r = 0; r < call->rows; r++) {
        const float *z = keep.z + r * heads;
        float noisy[OPTION_LIST_MAX] = {0};
        double p[OPTION_LIST_MAX], log_p[OPTION_LIST_MAX], s = (double)keep.s[r];
        for (int h = 0; h < heads; h++) {
            uint64_t low = (uint64_t)call->ids[r] * OPTION_LIST_MAX + (uint64_t)h;
            noisy[h] = z[h];
            if (now.sigma > 0.0)
                noisy[h] += (float)(now.sigma * rng_normal(&step->noise, high, low));
        }
        soft_top_k(noisy, s, now.tau, heads, keep.soft + r * heads);
        if (now.hard)
            top_k(noisy, s, heads, a + r * heads);
        else
            memcpy(a + r * heads, keep.soft + r * heads, (size_t)heads * sizeof *a);
        double hinge = fmax(0.0, hinge_low - s) + fmax(0.0, s - hinge_high);
        double entropy = entropy_of(z, now.tau, heads, p, log_p);
        step->regulariser += share * (now.entropy * entropy + o->hinge * hinge + now.cost * s);
        step->sum_budget += s;
        step->n_budget++;
    }
}

/* dL/dz and dL/ds of one row from dL/da, with A_h = a_h (1 - a_h) / tau and A = sum A_h:
 * da_h/dz_j = A_h (delta_hj - A_j / A), da_h/ds = H A_h / A; plus the regulariser. */
static double row_backward(const struct budgetformer_options *o, const struct schedule *now,
                           double share, const float *soft, const float *z, double s,
                           const float *da, int heads, float *dz) {
    double slope[OPTION_LIST_MAX], sum = 0.0, weighted = 0.0, ds = 0.0;
    double p[OPTION_LIST_MAX], log_p[OPTION_LIST_MAX];
    for (int h = 0; h < heads; h++) {
        slope[h] = (double)soft[h] * (1.0 - (double)soft[h]) / now->tau;
        sum += slope[h];
        weighted += slope[h] * (double)da[h];
    }
    bool flat = sum < least_slope || s * heads > heads - full_margin;
    double mean = flat ? 0.0 : weighted / sum;
    double entropy = entropy_of(z, now->tau, heads, p, log_p);
    for (int h = 0; h < heads; h++) {
        double task = flat ? 0.0 : slope[h] * ((double)da[h] - mean);
        double raw = heads > 1 ? -p[h] * (log_p[h] / log(heads) + entropy) / now->tau : 0.0;
        dz[h] = (float)(task + share * now->entropy * raw);
    }
    ds = heads * mean + share * now->cost;
    if (s < hinge_low) ds -= share * o->hinge;
    if (s > hinge_high) ds += share * o->hinge;
    return ds;
}

static void gates_backward(const struct gate_call *call, const float *da, float *dx) {
    const struct budgetformer_options *o = options_of(call->config);
    struct schedule now = schedule_at(o, call->step->progress);
    struct saved keep = saved_parts(call);
    int n_rows = call->rows, heads = call->heads, dim = call->config->dim;
    int width = hidden_width(call->config);
    double share = 1.0 / ((double)call->step->n_samples * call->config->layers);
    for (int r = 0; r < n_rows; r++) {
        float *hidden = keep.hidden + r * width, *dz = keep.z + r * heads, *soft = keep.soft;
        double s = (double)keep.s[r];
        double ds = row_backward(o, &now, share, soft + r * heads, dz, s, da + r * heads, heads,
                                 dz); /* z of the row becomes dz */
        float dlogit = (float)(ds * s * (1.0 - s));
        call->grad[B2][0] += dlogit;
        for (int i = 0; i < width; i++) { /* hidden becomes its gradient through the ReLU */
            call->grad[W2][i] += dlogit * hidden[i];
            hidden[i] = hidden[i] > 0.0f ? dlogit * call->param[W2][i] : 0.0f;
            call->grad[B1][i] += hidden[i];
        }
        for (int h = 0; h < heads; h++) call->grad[BD][h] += dz[h];
    }
    struct matrix x = plain(call->x, dim);
    gemm(NULL, FLOP_GATE, width, dim, n_rows, 1.0f, transposed(keep.hidden, width), x, 1.0f,
         call->grad[W1], dim);
    gemm(NULL, FLOP_GATE, heads, dim, n_rows, 1.0f, transposed(keep.z, heads), x, 1.0f,
         call->grad[WD], dim);
    gemm(NULL, FLOP_GATE, n_rows, dim, width, 1.0f, plain(keep.hidden, width),
         plain(call->param[W1], dim), 1.0f, dx, dim);
    gemm(NULL, FLOP_GATE, n_rows, dim, heads, 1.0f, plain(keep.z, heads),
         plain(call->param[WD], dim), 1.0f, dx, dim);
}

/* A decision row is s followed by z[H]. */
static int decision_floats(const struct model_config *config, int layer) {
    return 1 + config->heads.value[layer];
}

static void decide(const struct gate_call *call, float *decision) {
    struct saved keep = saved_parts(call);
    int heads = call->heads;
    scores_forward(call, keep.hidden, keep.s, keep.z);
    for (int r = 0; r < call->rows; r++) {
        float *row = decision + (size_t)r * (size_t)(1 + heads);
        row[0] = keep.s[r];
        memcpy(row + 1, keep.z + r * heads, (size_t)heads * sizeof *row);
    }
}

static void select_heads(const struct gate_call *call, const float *decision, float *a) {
    for (int r = 0; r < call->rows; r++) {
        const float *row = decision + (size_t)r * (size_t)(1 + call->heads);
        top_k(row + 1, (double)row[0], call->heads, a + r * call->heads);
    }
}

static double budget(const float *decision) {
    return (double)decision[0];
}

const struct policy_ops policy_budgetformer = {
    .name = "budgetformer",
    .summary = "learned per-input budget s and head scores; runs the ceil(s H) best heads",
    .options = {"arm (policy budgetformer)", option_rows, sizeof option_rows / sizeof *option_rows},
    .unit = GATE_PER_SAMPLE,
    .tensors = tensors,
    .saved_floats = saved_floats,
    .gates_train = gates_train,
    .gates_backward = gates_backward,
    .decision_floats = decision_floats,
    .decide = decide,
    .select = select_heads,
    .budget = budget,
    .gate_flops = gate_flops,
};
