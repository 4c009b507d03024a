/*
 * BudgetFormer's gates on a card: the device forms of both variants, and what they ask the
 * variants.
 */
#ifndef HEADROOM_MODELS_POLICIES_BUDGETFORMER_CUDA_H
#define HEADROOM_MODELS_POLICIES_BUDGETFORMER_CUDA_H

#include "models/policies/budgetformer_shared.h"

extern const struct policy_device_form budgetformer_cuda, budgetformer_paper_cuda;

/* Of budgetformer.c: whether the soft gate is Gumbel's, and whether the forward pass uses the mask
 * of what inference will run. Of budgetformer_paper.c: the enum paper_mode of an inference. */
bool budgetformer_is_gumbel(const struct gate_call *call);
bool budgetformer_is_hard(const struct gate_call *call);
int budgetformer_paper_mode(const struct gate_call *call);

#endif
