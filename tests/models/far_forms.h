/*
 * The far device's form of every policy's gates (far_device.h, which includes this in its middle):
 * the policy's own functions, given translated arrays. So what the engine does for a policy whose
 * tensors, inputs and gates stay on the device is tested where no device has a form of its own.
 */
#ifndef HEADROOM_TESTS_FAR_FORMS_H
#define HEADROOM_TESTS_FAR_FORMS_H

/* A call with translated arrays, and the storage of what it points to. */
struct far_call {
    struct gate_call near;
    float *param[POLICY_TENSORS_MAX], *grad[POLICY_TENSORS_MAX];
    struct parameters *parameters, *gradients;
    struct policy_step step;
};

/* Where every tensor that the device has an address of really is. */
static inline struct parameters *far_parameters(const struct device *d,
                                                const struct parameters *p) {
    if (!p) return NULL;
    struct parameters *near = malloc(sizeof *near);
    assert_non_null(near);
    *near = *p;
    for (int l = 0; l < p->config.layers; l++)
        for (int i = 0; i < POLICY_TENSORS_MAX; i++)
            near->layer[l].policy[i] = far_floats(d, p->layer[l].policy[i]);
    return near;
}

static inline void far_call_begin(const struct gate_call *call, struct far_call *out) {
    const struct device *d = call->device;
    const struct policy_ops *policy = call->config->policy;
    struct policy_tensor tensors[POLICY_TENSORS_MAX];
    int n = policy->tensors ? policy->tensors(call->config, call->layer, tensors) : 0;
    *out = (struct far_call){.near = *call};
    for (int i = 0; i < n; i++) {
        out->param[i] = far_floats(d, call->param[i]);
        if (call->grad) out->grad[i] = far_floats(d, call->grad[i]);
    }
    struct gate_call *near = &out->near;
    near->param = out->param;
    near->grad = call->grad ? out->grad : NULL;
    near->x = far_floats(d, call->x);
    near->ids = far_near(d, call->ids);
    near->saved = far_floats(d, call->saved);
    near->shared = far_floats(d, call->shared);
    near->parameters = out->parameters = far_parameters(d, call->parameters);
    near->gradients = out->gradients = far_parameters(d, call->gradients);
    near->device = NULL;
    near->sums = NULL;
    if (!call->step) return;
    /* Where the step stands is as it was told, however old the call is. The sums of this call alone;
     * the engine's step must stay as it is. */
    const struct policy_step *told = far_near(d, call->told);
    assert_non_null(told);
    out->step = *told;
    out->step.regulariser = out->step.sum_budget = out->step.sum_entropy = 0;
    out->step.n_budget = out->step.n_entropy = 0;
    near->step = &out->step;
}

static inline void far_call_end(const struct gate_call *call, struct far_call *done) {
    free(done->parameters);
    free(done->gradients);
    if (!call->step || !call->sums) return;
    struct gate_sums *sums = far_near(call->device, call->sums);
    sums->regulariser += done->step.regulariser;
    sums->budget += done->step.sum_budget;
    sums->entropy += done->step.sum_entropy;
    sums->n_budget += done->step.n_budget;
    sums->n_entropy += done->step.n_entropy;
}

static inline void far_tell(const struct gate_call *call, void *told) {
    _Static_assert(sizeof *call->step <= POLICY_TOLD_BYTES, "it has to fit");
    memcpy(told, call->step, sizeof *call->step);
}

static inline void far_gates_train(const struct gate_call *call, float *a) {
    struct far_call far;
    far_call_begin(call, &far);
    assert_non_null(call->sums);
    call->config->policy->gates_train(&far.near, far_floats(call->device, a));
    far_call_end(call, &far);
}

static inline void far_gates_backward(const struct gate_call *call, const float *da, float *dx) {
    struct far_call far;
    far_call_begin(call, &far);
    call->config->policy->gates_backward(&far.near, far_floats(call->device, da),
                                         far_floats(call->device, dx));
    far_call_end(call, &far);
}

static inline void far_decide(const struct gate_call *call, float *decision, float *a) {
    const struct policy_ops *policy = call->config->policy;
    float *near_decision = far_floats(call->device, decision);
    float *near_a = far_floats(call->device, a);
    struct far_call far;
    far_call_begin(call, &far);
    policy->decide(&far.near, near_decision);
    if (policy->select)
        policy->select(&far.near, near_decision, near_a);
    else
        memcpy(near_a, near_decision, (size_t)call->rows * (size_t)call->heads * sizeof *a);
    far_call_end(call, &far);
}

/* The entries that a policy has decide which of these are there. */
static inline const struct policy_device_form *far_form(const struct policy_ops *policy) {
    static const struct policy_device_form forms[2] = {
        {far_tell, far_gates_train, NULL, far_decide},
        {far_tell, far_gates_train, far_gates_backward, far_decide}};
    /* A balance of loads is over the CPU's chunks, which a form would have to make itself. */
    if (!policy->gates_train || strncmp(policy->name, "moh", 3) == 0) return NULL;
    return &forms[policy->gates_backward != NULL];
}

#endif
