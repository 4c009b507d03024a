/*
 * Products through cuBLAS, loaded when a card is opened: a program that links it pays for it at
 * every start, 200 MB of resident memory and up to .4 s, also where no card is asked for. Small
 * ones in bfloat16 that come as a group are one launch of our own (grouped_kernels.cu).
 *
 * fp32 is float32 throughout. tf32 rounds the factors of operands and weights to 10 bits of
 * mantissa, bf16 keeps operands in bfloat16 and multiplies by a copy of the weights in bfloat16;
 * both add up in float32. Where a factor is NUMBERS (pooled inputs, logits and their gradients,
 * gates) the product is float32 in every precision: these are small, and a loss is made of them.
 *
 * Same bits: cuBLAS promises them from run to run for the same version, the same kind of card and
 * the same shapes, as long as it uses one stream or a workspace of our own; it has both, and its
 * atomic modes are off, as by default. It promises nothing between shapes: with another batch size
 * the last bits of a row may change.
 */
#include "models/cuda/cuda_device.h"
#include "models/cuda/cuda_epilogues.h"
#include "models/cuda/grouped_kernels.h"
#include "models/cuda/optimizer_kernels.h"
#include "models/cuda/stage_kernels.h"

#include <cublas_v2.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKSPACE = 32 << 20 }; /* what cuBLAS takes by itself on the largest cards */

/* Weights that are multiplied by, and their copy. */
struct copied_weights {
    const float *weights;
    size_t n;
    void *copy;
};

struct cuda_products {
    void *library;
    cublasHandle_t handle;
    void *workspace;
    struct cuda_epilogues *epilogues;
    struct copied_weights *copied;
    size_t n_copied;
    void (*observe)(void *context, int m, int n, int k);
    void *context;
    __typeof__(cublasGetProperty) *get_property;
    __typeof__(cublasCreate_v2) *create;
    __typeof__(cublasDestroy_v2) *destroy;
    __typeof__(cublasSetStream_v2) *set_stream;
    __typeof__(cublasSetWorkspace_v2) *set_workspace;
    __typeof__(cublasSetMathMode) *set_math_mode;
    __typeof__(cublasGemmEx) *gemm;
    __typeof__(cublasGetStatusString) *status_string;
};

/* ---- the library ---- */

static bool open_library(struct cuda_products *p, struct error *error) {
    char name[32], why[400];
    snprintf(name, sizeof name, "libcublas.so.%d", CUBLAS_VER_MAJOR);
    p->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (p->library) return true;
    snprintf(why, sizeof why, "%s", dlerror());
    p->library = dlopen("libcublas.so", RTLD_NOW | RTLD_LOCAL);
    if (p->library) return true;
    return error_set(error,
                     "cannot load %s, which comes with the CUDA toolkit: %s; install it, or name "
                     "its folder in LD_LIBRARY_PATH",
                     name, why);
}

/* ISO C has no cast from an object's address to a function's; POSIX gives both the same form. */
bool cuda_symbol(void *library, const char *name, void *function, struct error *error) {
    void *symbol = dlsym(library, name);
    if (!symbol) return error_set(error, "libcublas.so has no %s; install a newer one", name);
    memcpy(function, &symbol, sizeof symbol);
    return true;
}

static bool find_functions(struct cuda_products *p, struct error *error) {
    int major = 0;
    if (!cuda_symbol(p->library, "cublasGetProperty", &p->get_property, error) ||
        !cuda_symbol(p->library, "cublasCreate_v2", &p->create, error) ||
        !cuda_symbol(p->library, "cublasDestroy_v2", &p->destroy, error) ||
        !cuda_symbol(p->library, "cublasSetStream_v2", &p->set_stream, error) ||
        !cuda_symbol(p->library, "cublasSetWorkspace_v2", &p->set_workspace, error) ||
        !cuda_symbol(p->library, "cublasSetMathMode", &p->set_math_mode, error) ||
        !cuda_symbol(p->library, "cublasGemmEx", &p->gemm, error) ||
        !cuda_symbol(p->library, "cublasGetStatusString", &p->status_string, error))
        return false;
    if (p->get_property(MAJOR_VERSION, &major) == CUBLAS_STATUS_SUCCESS &&
        major == CUBLAS_VER_MAJOR)
        return true;
    return error_set(error, "libcublas.so is of version %d, and this program needs %d", major,
                     CUBLAS_VER_MAJOR);
}

static bool done(const struct cuda_products *p, cublasStatus_t status, struct error *error) {
    return status == CUBLAS_STATUS_SUCCESS ||
           error_set(error, "cuBLAS does not start: %s", p->status_string(status));
}

/* Variables by which cuBLAS computes in another precision than it is asked for: as TF32, and float32
 * put together from bfloat16. */
static bool check_environment(struct error *error) {
    static const char *const names[] = {"NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATE_SINGLE_PRECISION"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return error_set(error,
                             "%s is set to %s and would change the precision of products; unset "
                             "it and say --precision instead",
                             names[i], value);
    }
    return true;
}

bool cuda_products_new(const struct device *d, struct cuda_products **out, struct error *error) {
    if (!check_environment(error)) return false;
    struct cuda_products *p = calloc(1, sizeof *p);
    if (!p) return error_set(error, "out of memory for cuBLAS");
    *out = p;
    /* Sums of bfloat16 products that are split among blocks stay float32 too. */
    return open_library(p, error) && find_functions(p, error) &&
           done(p, p->create(&p->handle), error) &&
           done(p, p->set_stream(p->handle, cuda_stream_of(d)), error) &&
           cuda_reserve(d, USE_PRODUCTS, WORKSPACE, &p->workspace, error) &&
           done(p, p->set_workspace(p->handle, p->workspace, WORKSPACE), error) &&
           done(p, p->set_math_mode(p->handle, CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION),
                error) &&
           cuda_epilogues_new(p->library, p->handle, p->workspace, WORKSPACE, &p->epilogues, error);
}

void cuda_products_free(struct cuda_products *p) {
    if (!p) return;
    for (size_t i = 0; i < p->n_copied; i++) cudaFree(p->copied[i].copy);
    free(p->copied);
    cuda_epilogues_free(p->epilogues);
    if (p->handle) p->destroy(p->handle);
    cudaFree(p->workspace);
    if (p->library) dlclose(p->library);
    free(p);
}

void cuda_observe(const struct device *d, void (*observe)(void *context, int m, int n, int k),
                  void *context) {
    struct cuda_products *p = cuda_state_of(d)->products;
    p->observe = observe;
    p->context = context;
}

void cuda_observed(const struct device *d, int m, int n, int k) {
    const struct cuda_products *p = cuda_state_of(d)->products;
    if (p->observe) p->observe(p->context, m, n, k);
}

bool cuda_is_observed(const struct device *d) {
    return cuda_state_of(d)->products->observe;
}

/* ---- weights in bfloat16 ---- */

/* The registered array that an address lies in; NULL: none. */
static struct copied_weights *copied_at(const struct device *d, const float *weights) {
    const struct cuda_products *p = cuda_state_of(d)->products;
    uintptr_t at = (uintptr_t)weights;
    for (size_t i = 0; i < p->n_copied; i++) {
        struct copied_weights *c = &p->copied[i];
        uintptr_t first = (uintptr_t)c->weights;
        if (at >= first && at < first + c->n * sizeof *c->weights) return c;
    }
    return NULL;
}

void *cuda_weights_copy(const struct device *d, const float *weights) {
    const struct copied_weights *c = copied_at(d, weights);
    return c ? operand_at(d, c->copy, (size_t)(weights - c->weights)) : NULL;
}

bool cuda_weights_new(const struct device *d, const float *weights, size_t n, struct error *error) {
    struct cuda_products *p = cuda_state_of(d)->products;
    struct copied_weights new = {weights, n, NULL};
    if (!cuda_is_bf16(d)) return true;
    struct copied_weights *grown = realloc(p->copied, (p->n_copied + 1) * sizeof *grown);
    if (!grown) return error_set(error, "out of memory for the names of weights");
    p->copied = grown;
    if (!cuda_reserve(d, USE_WEIGHTS, n * d->operand_size, &new.copy, error))
        return error_prefix(error, "weights in bfloat16");
    p->copied[p->n_copied++] = new;
    return true;
}

void cuda_weights_load(const struct device *d, const float *weights) {
    const struct copied_weights *c = copied_at(d, weights);
    if (c)
        cuda_check(d, cuda_launch_round(cuda_stream_of(d), c->n, c->weights, c->copy),
                   "rounding weights");
}

void cuda_weights_free(const struct device *d, const float *weights) {
    struct cuda_products *p = cuda_state_of(d)->products;
    struct copied_weights *c = copied_at(d, weights);
    if (!c) return;
    cuda_give_back(d, USE_WEIGHTS, c->copy, c->n * d->operand_size);
    *c = p->copied[--p->n_copied];
}

void cuda_weights_pack(const struct device *d, const float *weights, size_t n, void *operands) {
    const void *from = cuda_is_bf16(d) ? cuda_weights_copy(d, weights) : weights;
    if (from)
        cuda_copy(d, operands, from, n * d->operand_size);
    else
        cuda_fail(d, "packing of weights that no weights_new has named");
}

/* ---- products ---- */

/* The library's call that a product is. */
struct call {
    const void *a, *b;
    cudaDataType_t factors, result;
    cublasComputeType_t compute;
};

/* Where a factor lies; *missing becomes true if it should be in bfloat16 and is not. */
static const void *factor(const struct device *d, const struct device_matrix *m, bool bf16,
                          bool *missing) {
    if (!bf16 || m->element != WEIGHTS) return m->data;
    const void *copy = cuda_weights_copy(d, m->data);
    *missing |= !copy;
    return copy;
}

static bool call_of(const struct device *d, const struct device_product *p, struct call *out) {
    bool numbers = p->a.element == NUMBERS || p->b.element == NUMBERS;
    bool operands = p->a.element == OPERANDS || p->b.element == OPERANDS;
    bool bf16 = cuda_is_bf16(d) && !numbers, missing = false;
    out->a = factor(d, &p->a, bf16, &missing);
    out->b = factor(d, &p->b, bf16, &missing);
    out->factors = bf16 ? CUDA_R_16BF : CUDA_R_32F;
    out->result = bf16 && p->c_element == OPERANDS ? CUDA_R_16BF : CUDA_R_32F;
    out->compute = d->precision == PRECISION_TF32 && !numbers ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                              : CUBLAS_COMPUTE_32F;
    if (cuda_is_bf16(d) && numbers && (operands || p->c_element == OPERANDS))
        return cuda_fail(d, "a product of float32 numbers and bfloat16 operands is not supported");
    return !missing || cuda_fail(d, "a product by weights that no weights_new has named");
}

/* An empty sum. */
static void clear_result(const struct device *d, const struct device_product *p) {
    size_t size = p->c_element == OPERANDS ? d->operand_size : sizeof(float);
    cuda_check(d,
               cudaMemset2DAsync(p->c, (size_t)p->ldc * size, 0, (size_t)p->n * size, (size_t)p->m,
                                 cuda_stream_of(d)),
               "an empty product");
}

/* cuBLAS takes columns where we have rows: to it our C is C^T = op(B)^T op(A)^T. */
static cublasStatus_t multiply_alone(const struct device *d, const struct device_product *p,
                                     const struct call *call) {
    const struct cuda_products *products = cuda_state_of(d)->products;
    const float one = 1.0f, zero = 0.0f;
    return products->gemm(products->handle, p->b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                          p->a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, p->n, p->m, p->k, &one,
                          call->b, call->factors, p->b.ld, call->a, call->factors, p->a.ld,
                          p->adds ? &one : &zero, p->c, call->result, p->ldc, call->compute,
                          CUBLAS_GEMM_DEFAULT);
}

/* What follows a product, by kernels of ours. */
static void finish(const struct device *d, const struct device_product *p) {
    bool bf16 = cuda_is_bf16(d) && p->c_element == OPERANDS;
    cudaStream_t stream = cuda_stream_of(d);
    if (p->epilogue == GELU)
        cuda_check(d, cuda_launch_gelu(stream, bf16, p->m, p->n, p->bias, p->pre, p->c), "GELU");
    else if (p->bias)
        cuda_check(d, cuda_launch_bias(stream, bf16, p->m, p->n, p->bias, p->c), "a bias");
    if (p->epilogue == GELU_GRADIENT)
        cuda_check(d,
                   cuda_launch_gelu_gradient(stream, bf16, (size_t)p->m * (size_t)p->n, p->pre,
                                             p->again, p->c),
                   "the gradient of GELU");
}

/* In one call where cuBLASLt can; bfloat16 alone, as float32 is not what takes the time. */
static bool multiply_whole(const struct device *d, const struct device_product *p,
                           const struct call *call, cublasStatus_t *status) {
    const void *bias = p->bias;
    if (call->factors != CUDA_R_16BF) return false;
    if (bias && call->result == CUDA_R_16BF) bias = cuda_weights_copy(d, p->bias);
    return cuda_epilogues_multiply(cuda_state_of(d)->products->epilogues, cuda_stream_of(d), p,
                                   call->a, call->b, bias, status);
}

/* Numbers of a result that is still in the card's cache when it is read again. */
enum { GELU_GRADIENT_APART = 1 << 23 };

/* GELU's gradient of a small product apart. cuBLASLt has it as part of a product in kernels of an
 * older kind alone: on an H100 one of 1024 x 3072 x 768 takes 36 us, and 13 without it. One pass more
 * over the result is less than that as long as memory has no part in it. */
static bool multiply_apart(const struct device *d, const struct device_product *p,
                           const struct call *call, cublasStatus_t *status) {
    struct device_product alone = *p;
    if (p->epilogue != GELU_GRADIENT || (size_t)p->m * (size_t)p->n > GELU_GRADIENT_APART)
        return false;
    alone.epilogue = NO_EPILOGUE;
    alone.pre = alone.again = NULL;
    if (!multiply_whole(d, &alone, call, status)) return false;
    finish(d, p);
    return true;
}

static void multiply_one(const struct device *d, const struct device_product *p) {
    struct device_product alone = *p;
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
    struct call call;
    if (p->m == 0 || p->n == 0) return;
    if (p->epilogue == GELU) alone.c = p->pre;
    if (p->k == 0) {
        if (!p->adds) clear_result(d, &alone);
        finish(d, p);
        return;
    }
    if (!call_of(d, p, &call)) return;
    cuda_observed(d, p->m, p->n, p->k);
    if (!multiply_apart(d, p, &call, &status) && !multiply_whole(d, p, &call, &status)) {
        status = multiply_alone(d, &alone, &call);
        finish(d, p);
    }
    if (status != CUBLAS_STATUS_SUCCESS)
        cuda_fail(d, "cuBLAS failed at a product of %d x %d x %d: %s", p->m, p->n, p->k,
                  cuda_state_of(d)->products->status_string(status));
}

/* ---- products of a group of heads ---- */

/* Rows of a product, on average, from which on it fills a card by itself. */
enum { ROWS_FOR_ITSELF = 1024 };

/* Whether p can be one of a group that begins with `first`: they differ in rows alone. */
static bool is_alike(const struct device_product *p, const struct device_product *first) {
    return p->n == first->n && p->k == first->k && p->a.ld == first->a.ld &&
           p->b.ld == first->b.ld && p->ldc == first->ldc && !p->a.transposed &&
           p->b.transposed == first->b.transposed && p->a.element == OPERANDS &&
           p->b.element == WEIGHTS && p->c_element == first->c_element && !p->adds && !p->bias &&
           p->epilogue == NO_EPILOGUE && p->k > 0 && p->k % 8 == 0 && p->n % 8 == 0;
}

/* One launch for all, if they are small, alike and in bfloat16; false: they are not. */
static bool multiply_group(const struct device *d, int n, const struct device_product *product) {
    struct grouped_products group = {.n = product->n,
                                     .k = product->k,
                                     .ld_a = product->a.ld,
                                     .ld_b = product->b.ld,
                                     .ld_c = product->ldc,
                                     .transposed = product->b.transposed,
                                     .c_bf16 = product->c_element == OPERANDS};
    int64_t rows = 0;
    if (!cuda_is_bf16(d) || n < 2 || n > GROUPED_PRODUCTS) return false;
    for (int i = 0; i < n; i++) {
        const struct device_product *p = &product[i];
        const void *copy = is_alike(p, product) ? cuda_weights_copy(d, p->b.data) : NULL;
        rows += p->m;
        if (!copy || !cuda_is_whole(p->a.data, p->a.ld) || !cuda_is_whole(copy, p->b.ld))
            return false;
        if (p->m == 0) continue;
        group.product[group.n_products++] =
            (struct grouped_product){p->a.data, copy, p->c, p->m, group.tiles};
        group.tiles += (p->m + GROUPED_TILE - 1) / GROUPED_TILE;
    }
    if (rows > (int64_t)n * ROWS_FOR_ITSELF) return false;
    for (int i = 0; i < n; i++)
        if (product[i].m > 0) cuda_observed(d, product[i].m, product[i].n, product[i].k);
    cuda_check(d, grouped_launch(&group, cuda_stream_of(d)), "products of a group of heads");
    return true;
}

void cuda_multiply(const struct device *d, int n, const struct device_product *product) {
    if (multiply_group(d, n, product)) return;
    for (int i = 0; i < n; i++) multiply_one(d, &product[i]);
}
