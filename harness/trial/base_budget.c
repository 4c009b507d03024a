/*
 * Counting what a base runs. The same evaluation as everywhere, so the FLOPs are those that the
 * kernels booked, and they equal the closed form.
 */
#include "harness/trial/base_budget.h"
#include "harness/trial/evaluation.h"

#include <string.h>

static void take_means(const struct evaluation_result *r, struct base_budget *out) {
    memset(out, 0, sizeof *out);
    out->layers = r->layers;
    out->flops_per_input = (double)flops_total(&r->executed) / r->n;
    for (int i = 0; i < r->n; i++) {
        double length = (double)r->length[i];
        out->mean_length += length / r->n;
        out->mean_square_length += length * length / r->n;
        for (int l = 0; l < r->layers; l++)
            out->heads[l] += (double)r->heads_run[i * r->layers + l] / r->n;
    }
}

bool base_budget_count(const struct trained *trained, const struct dataset *data,
                       const struct model_config *dense, int batch, struct base_budget *out,
                       struct error *error) {
    struct saved_model base = {0};
    struct evaluator *evaluator = NULL;
    struct evaluation_result result = {0};
    bool ok = false;
    if (!saved_model_read_trained(trained, &base, error)) return false;
    if (!saved_model_check_data(&base, data, error)) {
        error_prefix(error, "%s was trained on other data", trained->path);
        goto done;
    }
    if (!evaluator_new(base.parameters, dense, batch, data->max_len, &evaluator, error) ||
        !evaluator_run(evaluator, &data->validation, NULL, NULL, &result, error))
        goto done;
    take_means(&result, out);
    ok = true;
done:
    evaluation_result_free(&result);
    evaluator_free(evaluator);
    saved_model_free(&base);
    return ok;
}
