/*
 * What a pass runs on: memory, and the kernels between which trainer.c and inference.c carry the
 * arrays. The passes are described there and nowhere else; a device says how one stage of them is
 * computed, for all inputs of a chunk at once. models/cpu has the one that is always there,
 * models/cuda another.
 *
 * Everything that a device is given lies in its own memory, unless said otherwise. Arrays of
 * `float` are float32 on every device. Arrays of `void` are operands of products, in the device's
 * precision: float32, or bfloat16 (operand_size bytes each). Reductions are float32 or double.
 * Calls are done in the order in which they are made, but need not be done when they return: only
 * `download`, `fetched`, `wait` and `between` wait. What fails is kept until `ok` asks.
 */
#ifndef HEADROOM_MODELS_DEVICE_H
#define HEADROOM_MODELS_DEVICE_H

#include "models/base/arena.h"
#include "models/base/rng.h"
#include "models/batch.h"
#include "models/model.h"

#include <stddef.h>
#include <stdint.h>

struct device;
struct parameters;

/* How products are computed: float32; float32 with operands rounded to 10 bits of mantissa; or
 * operands kept in bfloat16, with float32 sums, master weights and reductions. */
enum precision { PRECISION_FP32, PRECISION_TF32, PRECISION_BF16 };

/* "fp32", "tf32", "bf16", and the other way round: false if there is none of that name. */
const char *precision_name(enum precision precision);
bool precision_find(const char *name, enum precision *out);

/* What the elements of an array are at a place where either can stand. WEIGHTS are parameters:
 * float32 for everybody, but a device may multiply by its own copy of them (load_weights). */
enum element { NUMBERS, OPERANDS, WEIGHTS };

/* A matrix operand: row-major, ld elements between rows, used transposed or not. */
struct device_matrix {
    const void *data;
    int ld;
    bool transposed;
    enum element element;
};

/* What becomes of a product's sums before they are written: y = gelu(pre), GELU in its tanh form, of
 * pre = sum + bias; or, backwards, sum * gelu'(pre). */
enum epilogue { NO_EPILOGUE, GELU, GELU_GRADIENT };

/* C[m x n] = op(A)[m x k] op(B)[k x n], added to C if `adds`; NUMBERS or OPERANDS. With a bias or an
 * epilogue ldc is n; with an epilogue C is OPERANDS and not added to. */
struct device_product {
    int m, n, k;
    struct device_matrix a, b;
    void *c;
    int ldc;
    enum element c_element;
    bool adds;
    const float *bias; /* [n] parameters, added to each row; NULL: none. GELU has one */
    enum epilogue epilogue;
    void *pre;   /* [m][n] operands. GELU: keeps it here; C itself: keeps nothing */
    void *again; /* [m][n] GELU_GRADIENT: gelu(pre) is made again; NULL: it is not */
};

/* Which mask dropout draws: element i of a chunk's array is kept by word i % 4 of the block at
 * (number of the chunk << 48 | counter, i - i % 4). */
struct device_dropout {
    struct rng rng;
    double p; /* 0: nothing is dropped */
    uint64_t counter;
};

/* LayerNorm over D of an array [rows][D]. */
struct device_norm {
    const float *weight, *bias; /* [D] */
    double eps;
    void *y;            /* [rows][D] operands */
    float *mean, *rstd; /* [rows] what the backward pass needs; NULL: not kept */
};

/* The end of a sublayer, x + drop(branch + bias), as its gradient goes back through it:
 * branch = drop'(dx), dbias += its column sums. */
struct device_end {
    struct device_dropout dropout;
    void *branch; /* [tokens][D] operands */
    float *dbias; /* [D] */
};

/* A batch or a part of it where the device can read it. Made by chunk_new, filled by chunk_put. A
 * device that works on whole batches numbers the tokens as if they came in chunks of `chunk_tokens`
 * (batch_chunk), so that dropout's masks are the same everywhere. */
struct device_chunk {
    struct batch batch; /* in host memory */
    int number;         /* of the chunk in its batch */
    int chunk_tokens;
    bool drops;         /* its passes ask for masks of dropout */
    const int32_t *ids; /* [n_samples] batch.ids where the device can read them */
    void *own;          /* the device's copy */
};

/* An attention sublayer in training or with all its heads: [tokens][heads][3][head_dim] in,
 * [tokens][heads][head_dim] out. */
struct device_attention {
    int heads, head_dim;
    const void *qkv;
    void *context;
    float *log_sum; /* [heads][tokens], kept for the backward pass; NULL: not kept */
    float *scratch; /* device.attention_scratch floats */
};

/* One input that runs one head: rows of that head in packed arrays, where all inputs of the first
 * head of a group come first. */
struct head_segment {
    int head;          /* from 0 in its group */
    int token, length; /* of the input in its chunk: its K and V rows */
    int key, query;    /* first row in the packed arrays of K and V, and of Q and outputs */
    int n_queries;     /* rows that ask: `length`, or the tokens that chose the head */
};

/* Heads `first` .. first + n - 1 of a layer and who runs them; in host memory, as short as this
 * call. Where inputs choose, a packed row of Q, K, V holds [3][head_dim] and key equals query.
 * Where tokens choose, Q rows are [head_dim], K and V rows [2][head_dim], and query_token says
 * whose they are. */
struct head_group {
    int first, n, n_segments, n_keys, n_queries;
    const struct head_segment *segment; /* [n_segments] */
    const int32_t *query_token;         /* [n_queries] token in the chunk; NULL: inputs choose */
    const float *gate; /* [n_segments], or [n_queries] where tokens choose; what is not 1 scales */
};

/* An attention sublayer whose inputs have chosen their heads, in the layout of one with all heads.
 * Of a head that an input did not choose nothing is computed: its numbers are neither written nor
 * read, and weights are read for the inputs that run them. */
struct device_chosen {
    int dim, heads, head_dim;
    const float *gates;      /* [samples][heads] in the device's memory; 0: not chosen */
    const void *norm;        /* [tokens][D] */
    const float *qkv_weight; /* WEIGHTS, as is o_weight */
    const float *qkv_bias, *o_weight, *o_bias;
    void *qkv;      /* [tokens][heads][3][head_dim] */
    void *context;  /* [tokens][heads][head_dim] */
    float *x;       /* [tokens][D] */
    float *scratch; /* device.attention_scratch floats */
};

/* Sums of a training step, in the device's memory; cleared by who reads them. */
struct device_sums {
    double loss;     /* sum of cross-entropies */
    int64_t correct; /* inputs whose class has the largest logit, the first of equal ones */
};

/* One tensor of the optimiser's arrays, and what its step is. Of embeddings, which are looked up
 * and never multiplied by, a batch reads few rows: in the gradient all others are 0, and a device
 * need not read or clear them. */
struct adamw_tensor {
    size_t offset, count; /* floats */
    float size, keep;     /* step size, bias corrections included; 1 - rate * decay */
    int dim;              /* columns of embeddings; 0 of others */
    uint8_t *touched;     /* [count / dim] in the device's memory (struct tensor), or NULL */
    /* [count / dim] there, with `touched`: rows have their steps late, this one up to so many of
     * struct adamw's `past`; NULL: all rows have theirs at once. */
    int32_t *since;
};

/* Steps that a row can be late by. */
enum { ADAMW_PAST = 256 };

/* With g = gradient * clip, clip = clip_norm / norm where norm, the root of *square_sum, is larger:
 * mean = beta1 mean + (1 - beta1) g, square = beta2 square + (1 - beta2) g^2,
 * value = value * keep - size * mean / (sqrt(square) + epsilon). */
struct adamw {
    int n_tensors;
    const struct adamw_tensor *tensor; /* in host memory */
    float beta1, beta2, epsilon;
    double clip_norm;         /* 0: no clipping, and no square_sum */
    const double *square_sum; /* in device memory */
    /* [ADAMW_PAST][2] in device memory: `size` and `epsilon` of the n_past steps that some row with
     * `since` may not have had. These rows have one size and a `keep` of 1. */
    float *past;
    int n_past;
};

enum { DEVICE_MARKS = 1024 };

/* What a device's memory is held for: by who called `allocate`, or by the device itself. */
enum device_use {
    USE_ARRAYS,   /* `allocate` */
    USE_WEIGHTS,  /* weights_new */
    USE_BATCHES,  /* chunk_new */
    USE_SCRATCH,  /* of its kernels; grows with the largest chunk */
    USE_PRODUCTS, /* of the library of products */
    USE_STAGING,  /* copies of what lies on the host */
    DEVICE_USES
};

/* "arrays", "weights in bfloat16", ... as memory rows spell them. */
const char *device_use_name(enum device_use use);

struct device_ops {
    /* ---- memory ---- */
    bool (*allocate)(const struct device *d, size_t bytes, void **out, struct error *error);
    void (*release)(const struct device *d, void *memory, size_t bytes);
    /* Bytes that are held now; NULL on the host. All uses are all memory that was asked for. */
    size_t (*held)(const struct device *d, enum device_use use);
    void (*upload)(const struct device *d, void *to, const void *from, size_t bytes);
    void (*download)(const struct device *d, void *to, const void *from, size_t bytes);
    /* A download in two, of a small array and one at a time: `fetch` asks for it, and `fetched`
     * waits for nothing that was asked after that. NULL, both: `download` does. */
    void (*fetch)(const struct device *d, const void *from, size_t bytes);
    void (*fetched)(const struct device *d, void *to, size_t bytes);
    void (*copy)(const struct device *d, void *to, const void *from, size_t bytes);
    void (*clear)(const struct device *d, void *memory, size_t bytes);
    void (*wait)(const struct device *d);
    bool (*ok)(const struct device *d, struct error *error); /* what failed first, if anything */
    void (*close)(const struct device *d);

    /* ---- time; NULL on the host, where a clock is read ---- */
    /* Notes the moment at which all that was asked before is done as mark i of DEVICE_MARKS, in the
     * place of an earlier one. Waits for nothing. */
    void (*mark)(const struct device *d, int i);
    /* Nanoseconds of the device's own clock between two marks, noted in this order; waits for the
     * second. 0 after a failure. */
    double (*between)(const struct device *d, int from, int to);

    /* Reserves all that chunks of at most so many samples and tokens need, of inputs of at most
     * `length`; chunk_put takes chunk->batch, number and chunk_tokens over. */
    bool (*chunk_new)(const struct device *d, const struct model_config *config, int samples,
                      int tokens, int length, struct device_chunk *out, struct error *error);
    void (*chunk_put)(const struct device *d, struct device_chunk *chunk);
    void (*chunk_free)(const struct device *d, struct device_chunk *chunk);

    /* Parameters in device memory: named before they are multiplied by, and again whenever their
     * values have changed by another way than `adamw`. */
    bool (*weights_new)(const struct device *d, const float *weights, size_t n,
                        struct error *error);
    void (*weights_load)(const struct device *d, const float *weights);
    void (*weights_free)(const struct device *d, const float *weights);

    /* operands[n] = weights as products see them. */
    void (*weights_pack)(const struct device *d, const float *weights, size_t n, void *operands);

    /* The form of a policy's gates for this device; NULL: they are made on the host. */
    const struct policy_device_form *(*form)(const struct policy_ops *policy);

    /* ---- products ---- */
    /* n independent products, none of which reads what another writes. */
    void (*multiply)(const struct device *d, int n, const struct device_product *product);

    /* ---- forward ---- */
    /* x[tokens][D] = token + position (+ segment) (+ bigram) embedding, dropped. */
    void (*embed)(const struct device *d, const struct device_chunk *chunk,
                  const struct parameters *p, const struct device_dropout *dropout, float *x);
    void (*norm)(const struct device *d, int rows, int dim, const float *x,
                 const struct device_norm *norm);
    /* x[rows][cols] += bias[cols] */
    void (*bias)(const struct device *d, int rows, int cols, const float *bias, void *x,
                 enum element element);
    void (*attend)(const struct device *d, const struct device_chunk *chunk,
                   const struct device_attention *attention);
    /* gated[tokens][heads][head_dim] = a * context; rows of gates are inputs, or tokens. */
    void (*gate)(const struct device *d, const struct device_chunk *chunk, bool by_token, int heads,
                 int head_dim, const float *gates, const void *context, void *gated);
    /* out[tokens][D] = x + drop(branch + bias); branch is overwritten. Then the next sublayer's
     * LayerNorm of it; NULL: none follows. */
    void (*residual)(const struct device *d, const struct device_chunk *chunk, int dim,
                     const float *bias, const struct device_dropout *dropout, void *branch,
                     const float *x, float *out, const struct device_norm *next);
    /* pooled[rows][D] = mean of x over each input's tokens, or over single tokens (a copy). */
    void (*pool)(const struct device *d, const struct device_chunk *chunk, bool by_token, int dim,
                 const void *x, enum element element, float *pooled);
    /* logits[samples][classes] become probabilities; the sums are added to. */
    void (*loss)(const struct device *d, const struct device_chunk *chunk, int classes,
                 float *logits, struct device_sums *sums);

    /* ---- the chosen heads alone ---- */
    /* rows[n_keys][D] = x of the inputs of each head, end to end; of those who ask if `queries`. */
    void (*gather)(const struct device *d, const struct head_group *group, bool queries, int dim,
                   const void *x, void *rows);
    /* Adds to the packed rows of each head of the group, [n_keys][cols], or [n_queries][cols] of
     * those who ask if `queries`, its own cols numbers, from bias + head * stride on. */
    void (*head_bias)(const struct device *d, const struct head_group *group, bool queries,
                      int cols, const float *bias, int stride, void *rows);
    /* context[n_queries][head_dim] of the group's rows, multiplied by the gates. Where inputs
     * choose `q` is [n_keys][3][head_dim] and `kv` NULL; else [n_queries][head_dim] and
     * [n_keys][2][head_dim]. */
    void (*attend_heads)(const struct device *d, const struct head_group *group, int head_dim,
                         const void *q, const void *kv, void *context, float *scratch);
    /* x[token] += back[n_queries][D] of each head in turn. */
    void (*scatter)(const struct device *d, const struct device_chunk *chunk,
                    const struct head_group *group, int dim, const float *back, float *x);

    /* ---- the chosen heads alone, where they are: inputs choose, and the host needs not know ---- */
    /* Whether the three run such a model's heads, of inputs with so many tokens together. Each is a
     * part of the sublayer: Q, K and V with their bias, maps and values times the gates, and x += the
     * outputs through W_O and o_bias, for all inputs. */
    bool (*takes_chosen)(const struct device *d, const struct model_config *config, int tokens);
    void (*chosen_qkv)(const struct device *d, const struct device_chunk *chunk,
                       const struct device_chosen *chosen);
    void (*chosen_map)(const struct device *d, const struct device_chunk *chunk,
                       const struct device_chosen *chosen);
    void (*chosen_output)(const struct device *d, const struct device_chunk *chunk,
                          const struct device_chosen *chosen);

    /* ---- passes that are done again; NULL where a device keeps none ---- */
    /* What is asked from here to `recorded` is not done but kept; no upload, download or wait may be
     * asked. False: everything is done as ever, as nothing can be kept now. */
    bool (*record)(const struct device *d);
    void *(*recorded)(const struct device *d); /* NULL: it failed */
    /* Does all of it, with what is now in the same memory; false: nothing was done, as it is of
     * memory that is not there any more, or somebody wants to hear of products. */
    bool (*replay)(const struct device *d, void *recording);
    void (*forget)(const struct device *d, void *recording);

    /* ---- backward: gradients of parameters are added to, others overwritten unless said ---- */
    /* Those of biases and of LayerNorm may be put off until add_sums; NULL: they are not. */
    void (*add_sums)(const struct device *d);
    /* Probabilities become dL/dlogits = (p - [label]) * scale. */
    void (*loss_gradient)(const struct device *d, const struct device_chunk *chunk, int classes,
                          float scale, float *probability);
    void (*bias_gradient)(const struct device *d, int rows, int cols, const void *dx,
                          enum element element, float *dbias);
    /* dx[tokens][D] += dpooled / length; by_token: += dpooled. */
    void (*pool_gradient)(const struct device *d, const struct device_chunk *chunk, bool by_token,
                          int dim, const float *dpooled, void *dx, enum element element);
    /* The end of a sublayer from dx, where no LayerNorm follows it. */
    void (*residual_gradient)(const struct device *d, const struct device_chunk *chunk, int dim,
                              const float *dx, const struct device_end *end);
    /* y again from what `norm` kept; NULL where the device keeps operands. */
    void (*norm_again)(const struct device *d, int rows, int dim, const float *x,
                       const struct device_norm *norm);
    /* dx[tokens][D] += dL/dx of the LayerNorm of x, then the end of the sublayer that made x, whose
     * branch may be dy; NULL: none did. */
    void (*norm_gradient)(const struct device *d, const struct device_chunk *chunk, int dim,
                          const float *x, const struct device_norm *norm, const void *dy,
                          float *dweight, float *dbias, float *dx, const struct device_end *before);
    /* dgates[row][h] = sum over the row's tokens of <context_h, dcontext_h>, then dcontext *= a. */
    void (*gate_gradient)(const struct device *d, const struct device_chunk *chunk, bool by_token,
                          int heads, int head_dim, const float *gates, const void *context,
                          void *dcontext, float *dgates);
    /* dqkv from dcontext; delta: workspace of [tokens] floats. */
    void (*attend_gradient)(const struct device *d, const struct device_chunk *chunk,
                            const struct device_attention *attention, const void *dcontext,
                            float *delta, void *dqkv);
    /* Adds dropped dx to the gradients of the embeddings, and marks in g->tensors[].touched, where
     * that is not NULL, the rows that it adds to; dx is overwritten. */
    void (*embed_gradient)(const struct device *d, const struct device_chunk *chunk,
                           const struct device_dropout *dropout, float *dx, struct parameters *g);

    /* ---- optimiser ---- */
    /* The tensors' elements of g = 0, in one go: of many small ones. Of embeddings with `touched`
     * the rows that are marked, which are no more then. */
    void (*clear_tensors)(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                          float *g);
    /* *sum += squares of the tensors' elements of g, in double; `sum` in device memory. */
    void (*square_sum)(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                       const float *g, double *sum);
    /* g, mean, square and value are laid out alike; the tensors' offsets are into each. Of tensors
     * with `since` the marked rows have their step, after those that they are late by, and the step
     * is noted in past[n_past]. */
    void (*adamw)(const struct device *d, const struct adamw *step, const float *g, float *mean,
                  float *square, float *value);
    /* Of tensors with `since`: at least the rows that the chunk's tokens read have all of `past`,
     * as adamw makes them of gradients that are 0, bit for bit; without a chunk all rows, and
     * `since` is 0 then, so that the past can begin anew. NULL: no row is ever late. */
    void (*adamw_late)(const struct device *d, const struct adamw *step,
                       const struct device_chunk *chunk, const struct parameters *p, float *mean,
                       float *square);
};

struct device {
    const struct device_ops *ops;
    enum precision precision;
    size_t operand_size;
    bool is_host;        /* its memory is the host's, and operands are float32 */
    int card;            /* N of "cuda:N" */
    bool whole_batches;  /* works on all inputs of a batch at once, and on all heads of a layer */
    bool keeps_operands; /* training keeps LayerNorm's and GELU's results: memory costs it less than
                            making them again */
    size_t attention_scratch; /* floats that attention needs as workspace */
    /* Tokens of an input from which on it pays to pack the weights of the heads that it chose, though
     * the next may choose others; what several inputs of a batch choose alike is packed anyway.
     * Counts where heads run in place (takes_chosen). */
    int packs_from;
};

/* The n-th operand of an array. */
static inline void *operand_at(const struct device *d, const void *operands, size_t n) {
    return (char *)operands + n * d->operand_size;
}

/* Where an arena of the device's memory comes from; all NULL for the host's own. */
struct arena_source device_memory(const struct device *d);

/* Whether the heads that inputs chose run where they are, of so many tokens together. */
bool device_takes_chosen(const struct device *d, const struct model_config *config, int tokens);

/* The processor that runs the program: always there, float32, in chunks. */
const struct device *device_cpu(void);

/* "cpu", "cuda" (the first card that the process sees) or "cuda:N". Error in one sentence where
 * there is none, or where the program was built without CUDA. */
bool device_open(const char *name, enum precision precision, const struct device **out,
                 struct error *error);
void device_close(const struct device *d); /* may be NULL or the CPU's */

/* Cards that "cuda:N" can name; 0 where there is none or the program was built without CUDA. */
int device_cards(void);

/* Error unless the text is such a name. */
bool device_check_name(const char *name, struct error *error);

#endif
