/*
 * Opens a card and says, in one sentence, why it cannot: no driver, no such card, one that lacks a
 * precision or that the program has no kernels for. Then everything goes to one stream, and a
 * failure waits until it is asked for, as CUDA itself reports most of them late.
 */
#include "models/cuda/attention_wgmma_kernels.h"
#include "models/cuda/cuda_device.h"
#include "models/cuda/cuda_sums.h"
#include "models/cuda/optimizer_kernels.h"
#include "models/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What is reserved before anybody knows how large a chunk is: for the optimiser's sums, and for
 * what a call is told. */
enum { LEAST_SCRATCH = 1 << 16, LEAST_SUMS = 1 << 14, LEAST_STAGING = 2 << 20 };

/* Packing a set of heads is some ten small copies a layer. With so many tokens, of 768 numbers, that
 * is half of what cuBLAS then saves over kernels that skip. */
enum { PACKS_FROM = 8192 };

bool cuda_fail(const struct device *d, const char *format, ...) {
    struct cuda_state *state = cuda_state_of(d);
    if (state->failed) return false;
    char text[sizeof state->failure.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_set(&state->failure, "%s", text);
    state->failed = true;
    return false;
}

bool cuda_check(const struct device *d, cudaError_t status, const char *what) {
    if (status == cudaSuccess) return !cuda_state_of(d)->failed;
    return cuda_fail(d, "the card failed at or before %s: %s (%s)", what,
                     cudaGetErrorString(status), cudaGetErrorName(status));
}

static bool ok(const struct device *d, struct error *error) {
    const struct cuda_state *state = cuda_state_of(d);
    if (state->failed) *error = state->failure;
    return !state->failed;
}

static void close_device(const struct device *d) {
    struct cuda_device *own = (struct cuda_device *)d;
    struct cuda_state *state = own->state;
    if (state->stream) cudaStreamSynchronize(state->stream);
    cuda_products_free(state->products);
    cuda_staging_free(d);
    cuda_sums_free(d);
    cuda_marks_free(state);
    cudaFree(state->scratch);
    if (state->stream) cudaStreamDestroy(state->stream);
    free(state);
    free(own);
}

static const struct policy_device_form *form(const struct policy_ops *policy) {
    return policy->cuda;
}

static const struct device_ops ops = {
    .allocate = cuda_allocate,
    .release = cuda_release,
    .held = cuda_held,
    .upload = cuda_upload,
    .download = cuda_download,
    .fetch = cuda_fetch,
    .fetched = cuda_fetched,
    .copy = cuda_copy,
    .clear = cuda_clear,
    .wait = cuda_wait,
    .ok = ok,
    .close = close_device,
    .mark = cuda_mark,
    .between = cuda_between,
    .chunk_new = cuda_chunk_new,
    .chunk_put = cuda_chunk_put,
    .chunk_free = cuda_chunk_free,
    .weights_new = cuda_weights_new,
    .weights_load = cuda_weights_load,
    .weights_free = cuda_weights_free,
    .weights_pack = cuda_weights_pack,
    .form = form,
    .multiply = cuda_multiply,
    .embed = cuda_embed_rows,
    .norm = cuda_norm,
    .bias = cuda_bias,
    .attend = cuda_attend,
    .gate = cuda_gate,
    .residual = cuda_residual,
    .pool = cuda_pool,
    .loss = cuda_loss,
    .gather = cuda_gather,
    .head_bias = cuda_head_bias,
    .attend_heads = cuda_attend_heads,
    .scatter = cuda_scatter,
    .takes_chosen = cuda_takes_chosen,
    .chosen_qkv = cuda_chosen_qkv,
    .chosen_map = cuda_chosen_map,
    .chosen_output = cuda_chosen_output,
    .record = cuda_record,
    .recorded = cuda_recorded,
    .replay = cuda_replay,
    .forget = cuda_forget,
    .loss_gradient = cuda_loss_gradient,
    .bias_gradient = cuda_bias_gradient,
    .pool_gradient = cuda_pool_gradient,
    .residual_gradient = cuda_residual_gradient,
    .norm_gradient = cuda_norm_gradient,
    .gate_gradient = cuda_gate_gradient,
    .attend_gradient = cuda_attend_gradient,
    .embed_gradient = cuda_embed_gradient,
    .add_sums = cuda_add_sums,
    .clear_tensors = cuda_clear_tensors,
    .square_sum = cuda_square_sum,
    .adamw = cuda_adamw,
    .adamw_late = cuda_adamw_late,
};

/* The sentence for what CUDA says before there is a card. */
static bool no_cards(cudaError_t status, struct error *error) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (status == cudaErrorNoDevice)
        return error_set(error, "this process sees no NVIDIA card; is one built in, and does "
                                "CUDA_VISIBLE_DEVICES name it?");
    if (driver == 0)
        return error_set(error, "this machine has no NVIDIA driver; install the one of its card");
    if (driver < CUDART_VERSION)
        return error_set(error,
                         "the NVIDIA driver is made for CUDA %d.%d and this program for CUDA "
                         "%d.%d; update the driver",
                         driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
                         CUDART_VERSION % 1000 / 10);
    return error_set(error, "CUDA does not start: %s", cudaGetErrorString(status));
}

/* Whether card `card` is there and can run the kernels: TF32 and bfloat16 begin with 8.0, and a block
 * of attention takes up to 75 KiB of shared memory (of 9.0: 96), more than 7.5 has. */
static bool check_card(int card, struct error *error) {
    struct cudaDeviceProp card_is;
    int n = 0;
    cudaError_t status = cudaGetDeviceCount(&n);
    if (status != cudaSuccess || n == 0)
        return no_cards(status != cudaSuccess ? status : cudaErrorNoDevice, error);
    if (card < 0 || card >= n)
        return error_set(error, "there is no cuda:%d; this process sees %d card%s, from cuda:0 on",
                         card, n, PLURAL_S(n));
    status = cudaGetDeviceProperties(&card_is, card);
    if (status == cudaSuccess) status = cudaSetDevice(card);
    if (status != cudaSuccess)
        return error_set(error, "cuda:%d does not open: %s", card, cudaGetErrorString(status));
    if (card_is.major < 8)
        return error_set(error,
                         "cuda:%d, %s, has compute capability %d.%d, and 8.0 or later is needed",
                         card, card_is.name, card_is.major, card_is.minor);
    status = cuda_kernels_exist();
    if (status == cudaSuccess) return true;
    if (status != cudaErrorNoKernelImageForDevice && status != cudaErrorInvalidDeviceFunction)
        return error_set(error, "cuda:%d does not open: %s", card, cudaGetErrorString(status));
    return error_set(error,
                     "this program was built without kernels for cuda:%d, %s, of compute "
                     "capability %d.%d; make it with CUDA_ARCH=%d%d",
                     card, card_is.name, card_is.major, card_is.minor, card_is.major,
                     card_is.minor);
}

bool cuda_open(int card, enum precision precision, const struct device **out, struct error *error) {
    bool ready = check_card(card, error);
    cudaGetLastError(); /* what failed before is not to be found by this device's first launch */
    if (!ready) return false;
    struct cuda_device *own = calloc(1, sizeof *own);
    struct cuda_state *state = calloc(1, sizeof *state);
    if (!own || !state) {
        free(own);
        free(state);
        return error_set(error, "out of memory for cuda:%d", card);
    }
    own->state = state;
    own->device = (struct device){.ops = &ops,
                                  .precision = precision,
                                  .operand_size = precision == PRECISION_BF16 ? 2 : 4,
                                  .card = card,
                                  .whole_batches = true,
                                  .keeps_operands = true,
                                  .packs_from = PACKS_FROM};
    const struct device *d = &own->device;
    state->wgmma = attention_wgmma_is_there();
    cuda_check(d, cudaStreamCreateWithFlags(&state->stream, cudaStreamNonBlocking), "opening it");
    if (!cuda_marks_new(d) || !ok(d, error) || !cuda_scratch_reserve(d, LEAST_SCRATCH, error) ||
        !cuda_sums_reserve(d, LEAST_SUMS, error) ||
        !cuda_staging_reserve(d, LEAST_STAGING, error) ||
        !cuda_products_new(d, &state->products, error)) {
        close_device(d);
        return false;
    }
    *out = d;
    return true;
}

int cuda_cards(void) {
    int n = 0;
    if (cudaGetDeviceCount(&n) == cudaSuccess) return n;
    cudaGetLastError();
    return 0;
}
