/*
 * Products that cuBLASLt makes together with what follows them: a bias, GELU, GELU's gradient. Made
 * apart these read and write the result once more each, which takes as long as half the product.
 * Those that nothing follows go the same way, because a call whose algorithm is known takes less of
 * the host's time, which bounds small batches.
 *
 * Only in bfloat16, and only where addresses and rows are whole multiples of 16 bytes. Which
 * algorithm suits a shape is cuBLASLt's choice, and finding it takes longer than most products: so
 * it is asked for once, kept in a small table, and serves all batches of about that size. Where it
 * has none the caller makes the parts one after the other.
 *
 * Same bits: a sum that is split among blocks is put together in float32 in a step of its own, or
 * not split; what adds up in the result, in the order in which blocks finish, is not allowed. The
 * question is asked for addresses of 16 bytes, so that the answer does not depend on where an array
 * happens to lie.
 */
#include "models/cuda/cuda_epilogues.h"

#include <stdlib.h>
#include <string.h>

enum { SHAPES = 128, ALIGNMENT = CUDA_WHOLE_BYTES }; /* shapes of some passes; bytes */

/* A product, or what an algorithm is chosen by. */
struct shape {
    int m, n, k, ld_a, ld_b, ld_c;
    int a_transposed, b_transposed, c_numbers, adds;
    int epilogue; /* cublasLtEpilogue_t */
};

struct known_shape {
    struct shape shape;
    bool possible;
    cublasLtMatmulAlgo_t algorithm;
};

struct cuda_epilogues {
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c;
    cublasLtMatmulPreference_t preference;
    void *workspace;
    size_t workspace_bytes;
    struct known_shape known[SHAPES];
    int n_known, next; /* where the next one goes once all places are taken */
    __typeof__(cublasLtMatmul) *multiply;
    __typeof__(cublasLtMatmulAlgoGetHeuristic) *find;
    __typeof__(cublasLtMatmulDescCreate) *product_create;
    __typeof__(cublasLtMatmulDescDestroy) *product_destroy;
    __typeof__(cublasLtMatmulDescSetAttribute) *product_set;
    __typeof__(cublasLtMatrixLayoutCreate) *layout_create;
    __typeof__(cublasLtMatrixLayoutDestroy) *layout_destroy;
    __typeof__(cublasLtMatrixLayoutSetAttribute) *layout_set;
    __typeof__(cublasLtMatmulPreferenceCreate) *preference_create;
    __typeof__(cublasLtMatmulPreferenceDestroy) *preference_destroy;
    __typeof__(cublasLtMatmulPreferenceSetAttribute) *preference_set;
};

/* ---- the library ---- */

static bool find_functions(void *library, struct cuda_epilogues *e, struct error *error) {
    return cuda_symbol(library, "cublasLtMatmul", &e->multiply, error) &&
           cuda_symbol(library, "cublasLtMatmulAlgoGetHeuristic", &e->find, error) &&
           cuda_symbol(library, "cublasLtMatmulDescCreate", &e->product_create, error) &&
           cuda_symbol(library, "cublasLtMatmulDescDestroy", &e->product_destroy, error) &&
           cuda_symbol(library, "cublasLtMatmulDescSetAttribute", &e->product_set, error) &&
           cuda_symbol(library, "cublasLtMatrixLayoutCreate", &e->layout_create, error) &&
           cuda_symbol(library, "cublasLtMatrixLayoutDestroy", &e->layout_destroy, error) &&
           cuda_symbol(library, "cublasLtMatrixLayoutSetAttribute", &e->layout_set, error) &&
           cuda_symbol(library, "cublasLtMatmulPreferenceCreate", &e->preference_create, error) &&
           cuda_symbol(library, "cublasLtMatmulPreferenceDestroy", &e->preference_destroy, error) &&
           cuda_symbol(library, "cublasLtMatmulPreferenceSetAttribute", &e->preference_set, error);
}

/* Which algorithms may be proposed: those that fit the workspace and have the same bits every time. */
static bool prefer(struct cuda_epilogues *e) {
    static const cublasLtMatmulPreferenceAttributes_t of_array[] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, alignment = ALIGNMENT;
    uint64_t bytes = e->workspace_bytes;
    bool ok = e->preference_create(&e->preference) == CUBLAS_STATUS_SUCCESS &&
              e->preference_set(e->preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes,
                                sizeof schemes) == CUBLAS_STATUS_SUCCESS &&
              e->preference_set(e->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                sizeof bytes) == CUBLAS_STATUS_SUCCESS;
    for (size_t i = 0; ok && i < sizeof of_array / sizeof *of_array; i++)
        ok = e->preference_set(e->preference, of_array[i], &alignment, sizeof alignment) ==
             CUBLAS_STATUS_SUCCESS;
    return ok;
}

bool cuda_epilogues_new(void *library, void *handle, void *workspace, size_t bytes,
                        struct cuda_epilogues **out, struct error *error) {
    struct cuda_epilogues *e = calloc(1, sizeof *e);
    if (!e) return error_set(error, "out of memory for cuBLASLt");
    *out = e;
    e->handle = handle;
    e->workspace = workspace;
    e->workspace_bytes = bytes;
    if (!find_functions(library, e, error)) return false;
    /* Types and sizes are set before each product. */
    if (e->product_create(&e->product, CUBLAS_COMPUTE_32F, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS &&
        e->layout_create(&e->a, CUDA_R_16BF, 8, 8, 8) == CUBLAS_STATUS_SUCCESS &&
        e->layout_create(&e->b, CUDA_R_16BF, 8, 8, 8) == CUBLAS_STATUS_SUCCESS &&
        e->layout_create(&e->c, CUDA_R_16BF, 8, 8, 8) == CUBLAS_STATUS_SUCCESS && prefer(e))
        return true;
    return error_set(error, "cuBLASLt does not start");
}

void cuda_epilogues_free(struct cuda_epilogues *e) {
    if (!e) return;
    if (e->preference) e->preference_destroy(e->preference);
    if (e->a) e->layout_destroy(e->a);
    if (e->b) e->layout_destroy(e->b);
    if (e->c) e->layout_destroy(e->c);
    if (e->product) e->product_destroy(e->product);
    free(e);
}

/* ---- what is asked of it ---- */

static int epilogue_of(const struct device_product *p) {
    if (p->epilogue == GELU_GRADIENT) return CUBLASLT_EPILOGUE_DGELU;
    if (p->epilogue == GELU)
        return p->pre == p->c ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU_AUX_BIAS;
    return p->bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
}

static struct shape shape_of(const struct device_product *p) {
    return (struct shape){.m = p->m,
                          .n = p->n,
                          .k = p->k,
                          .ld_a = p->a.ld,
                          .ld_b = p->b.ld,
                          .ld_c = p->ldc,
                          .a_transposed = p->a.transposed,
                          .b_transposed = p->b.transposed,
                          .c_numbers = p->c_element == NUMBERS,
                          .adds = p->adds,
                          .epilogue = epilogue_of(p)};
}

/* At most an eighth more, so that sizes between two powers of 2 become eight. */
static int rounded_up(int size) {
    int step = 1;
    while (size / step >= 16) step *= 2;
    return (size + step - 1) / step * step;
}

/* The shape that stands for those of about so many rows of a batch: the largest of them, so that
 * the workspace is enough for each. Powers of 2 stand for themselves. */
static struct shape representative(struct shape s) {
    if (!s.a_transposed)
        s.m = rounded_up(s.m);
    else if (!s.b_transposed)
        s.k = rounded_up(s.k);
    return s;
}

static void set_layout(const struct cuda_epilogues *e, cublasLtMatrixLayout_t layout, bool bf16,
                       int rows, int cols, int ld) {
    uint32_t type = bf16 ? CUDA_R_16BF : CUDA_R_32F;
    uint64_t height = (uint64_t)rows, width = (uint64_t)cols;
    int64_t stride = ld;
    e->layout_set(layout, CUBLASLT_MATRIX_LAYOUT_TYPE, &type, sizeof type);
    e->layout_set(layout, CUBLASLT_MATRIX_LAYOUT_ROWS, &height, sizeof height);
    e->layout_set(layout, CUBLASLT_MATRIX_LAYOUT_COLS, &width, sizeof width);
    e->layout_set(layout, CUBLASLT_MATRIX_LAYOUT_LD, &stride, sizeof stride);
}

/* cuBLASLt takes columns where we have rows: to it our C is C^T = op(B)^T op(A)^T, so its first
 * factor is our second, and what goes with a column of our C goes with a row of its own. */
static void describe(const struct cuda_epilogues *e, const struct shape *s, const void *bias,
                     const void *pre) {
    int32_t first = s->b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    int32_t second = s->a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    int64_t ld_pre = pre ? s->n : 0;
    uint32_t epilogue = (uint32_t)s->epilogue;
    e->product_set(e->product, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first);
    e->product_set(e->product, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second);
    e->product_set(e->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
    e->product_set(e->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
    e->product_set(e->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, &pre, sizeof pre);
    e->product_set(e->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, &ld_pre, sizeof ld_pre);
    if (s->b_transposed)
        set_layout(e, e->a, true, s->k, s->n, s->ld_b);
    else
        set_layout(e, e->a, true, s->n, s->k, s->ld_b);
    if (s->a_transposed)
        set_layout(e, e->b, true, s->m, s->k, s->ld_a);
    else
        set_layout(e, e->b, true, s->k, s->m, s->ld_a);
    set_layout(e, e->c, !s->c_numbers, s->n, s->m, s->ld_c);
}

/* The table's row for a product, which is asked for where it is new. */
static const struct known_shape *known_of(struct cuda_epilogues *e, const struct shape *product,
                                          bool has_bias, bool has_pre) {
    const struct shape chosen = representative(*product), *shape = &chosen;
    for (int i = 0; i < e->n_known; i++)
        if (memcmp(&e->known[i].shape, shape, sizeof *shape) == 0) return &e->known[i];
    struct known_shape *own = &e->known[e->next];
    e->next = (e->next + 1) % SHAPES;
    if (e->n_known < SHAPES) e->n_known++;
    *own = (struct known_shape){.shape = *shape};
    /* Nothing is read there: addresses are looked at for their alignment alone, which is to be
     * this one and not more. */
    static const _Alignas(16 * ALIGNMENT) char aligned[2 * ALIGNMENT];
    const void *somewhere = aligned + ALIGNMENT;
    cublasLtMatmulHeuristicResult_t found;
    int n = 0;
    describe(e, shape, has_bias ? somewhere : NULL, has_pre ? somewhere : NULL);
    cublasStatus_t status =
        e->find(e->handle, e->product, e->a, e->b, e->c, e->c, e->preference, 1, &found, &n);
    own->possible = status == CUBLAS_STATUS_SUCCESS && n == 1 &&
                    found.state == CUBLAS_STATUS_SUCCESS &&
                    found.workspaceSize <= e->workspace_bytes;
    if (own->possible) own->algorithm = found.algo;
    return own;
}

bool cuda_epilogues_multiply(struct cuda_epilogues *e, cudaStream_t stream,
                             const struct device_product *p, const void *a, const void *b,
                             const void *bias, cublasStatus_t *status) {
    const float one = 1.0f, zero = 0.0f;
    struct shape shape = shape_of(p);
    bool has_pre = p->epilogue != NO_EPILOGUE && p->pre != p->c;
    const void *pre = has_pre ? p->pre : NULL;
    if ((p->bias && !bias) || p->again || !cuda_is_whole(a, p->a.ld) ||
        !cuda_is_whole(b, p->b.ld) || !cuda_is_whole(p->c, p->ldc) || !cuda_is_whole(bias, 8) ||
        !cuda_is_whole(pre, 8))
        return false;
    const struct known_shape *known = known_of(e, &shape, bias != NULL, has_pre);
    if (!known->possible) return false;
    describe(e, &shape, bias, pre);
    *status =
        e->multiply(e->handle, e->product, &one, b, e->a, a, e->b, p->adds ? &one : &zero, p->c,
                    e->c, p->c, e->c, &known->algorithm, e->workspace, e->workspace_bytes, stream);
    return *status != CUBLAS_STATUS_NOT_SUPPORTED && *status != CUBLAS_STATUS_INVALID_VALUE;
}
