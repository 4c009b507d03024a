/*
 * The views that are kept for figures; see figure_data.h.
 */
#include "harness/store/figure_data.h"
#include "harness/store/comparison.h"
#include "harness/store/store_private.h"

/* A view after those that it reads. */
static const struct kept_view shared[] = {{"t_quantile", "df", NULL},
                                          {"policy_declares", NULL, NULL},
                                          {"dense_arm", "workload", NULL},
                                          {"current_profile", "id", NULL},
                                          {"profile_pair", NULL, NULL},
                                          {"timing_environment", "environment_id", NULL},
                                          {"profile_summary", "id", NULL},
                                          {"saving_by_seed", NULL, NULL},
                                          {"method_arm", "workload, arm", NULL},
                                          {0}};

static const struct kept_view of_figures[] = {{"training_cost", NULL, NULL},
                                              {"current_comparison", NULL, NULL},
                                              {"paired_difference", "workload, arm_a, arm_b", NULL},
                                              {"attention_gain", NULL, NULL},
                                              {"value_by_part", NULL, NULL},
                                              {"measure_by_seed", NULL, NULL},
                                              {0}};

/* After what figures, or a report, have kept of their own; what is kept already stays. */
static const struct kept_view last[] = {{"training_cost", NULL, NULL},
                                        {"spread_by_arm", NULL, NULL},
                                        {"interval_by_measure", NULL, NULL},
                                        {"noise_floor", NULL, NULL},
                                        {"latency_note", NULL, NULL},
                                        {"accuracy_vs_budget", NULL, NULL},
                                        {0}};

bool shared_data_keep(struct store *store, struct error *error) {
    return comparison_keep(store, error) && comparison_update(store, error) &&
           store_keep(store, shared, error);
}

bool shared_data_keep_last(struct store *store, struct error *error) {
    return store_keep(store, last, error);
}

bool figure_data_keep(struct store *store, struct error *error) {
    return shared_data_keep(store, error) && store_keep(store, of_figures, error) &&
           shared_data_keep_last(store, error);
}
