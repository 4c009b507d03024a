/*
 * Passes that are done again, as CUDA graphs: what a pass launches is captured from its stream once
 * and then started with one call. At small batches the launches are most of a pass's time.
 *
 * A graph keeps addresses. Those of the caller stay as they are, and so do cuBLAS's workspace and
 * the copies of weights; the scratch that stages share, and the memory of sums that are put off,
 * grow when somebody asks for more of it, and a graph from before that is not good any more.
 */
#include "models/cuda/cuda_device.h"
#include "models/cuda/cuda_sums.h"

#include <stdlib.h>

struct recording {
    cudaGraphExec_t graph;
    const void *scratch, *sums;
};

/* Who listens to products is told by the calls that make them, some of which must wait to know. */
bool cuda_record(const struct device *d) {
    if (cuda_state_of(d)->failed || cuda_is_observed(d)) return false;
    cuda_add_sums(d); /* what was put off before is no part of it */
    return cuda_check(d,
                      cudaStreamBeginCapture(cuda_stream_of(d), cudaStreamCaptureModeThreadLocal),
                      "recording");
}

void *cuda_recorded(const struct device *d) {
    cudaGraph_t graph = NULL;
    cuda_add_sums(d); /* what the pass put off is: a replay puts nothing into the table */
    cudaError_t status = cudaStreamEndCapture(cuda_stream_of(d), &graph);
    struct recording *r = calloc(1, sizeof *r);
    if (!r) cuda_fail(d, "out of memory for a recording");
    if (r && cuda_check(d, status, "recording"))
        cuda_check(d, cudaGraphInstantiateWithFlags(&r->graph, graph, 0), "recording");
    if (graph) cudaGraphDestroy(graph);
    if (r && r->graph) {
        r->scratch = cuda_state_of(d)->scratch;
        r->sums = cuda_sums_memory(d);
        return r;
    }
    free(r);
    return NULL;
}

bool cuda_replay(const struct device *d, void *recording) {
    const struct recording *r = recording;
    const struct cuda_state *state = cuda_state_of(d);
    if (r->scratch != state->scratch || r->sums != cuda_sums_memory(d) || cuda_is_observed(d))
        return false;
    cuda_add_sums(d); /* where they lie the pass puts its own */
    cuda_check(d, cudaGraphLaunch(r->graph, cuda_stream_of(d)), "a recorded pass");
    return true;
}

void cuda_forget(const struct device *d, void *recording) {
    struct recording *r = recording;
    cuda_wait(d);
    cuda_check(d, cudaGraphExecDestroy(r->graph), "freeing a recording");
    free(r);
}
