/*
 * The overlay as a merge of trees; see overlay.h. Only arms differ from what extending does: a grid
 * for long runs has the same arms and a few more, so they are told apart by their names.
 */
#include "harness/config/overlay.h"
#include "harness/config/extends.h"
#include "harness/config/sections.h"

#include <string.h>

static const char *arm_name(const struct node *arm) {
    const struct node *name = node_find(arm, "arm");
    return name && name->kind == NODE_SCALAR ? name->text : "";
}

/* The link that leads to the n-th entry of a list or to its end. */
static struct node **link_of(struct node *list, int n) {
    struct node **link = &list->first;
    while (n-- > 0 && *link) link = &(*link)->next;
    return link;
}

/* Moves the arms of `more` into `arms`. Two of one name in `more` both arrive, so that reading them
 * finds the mistake. The bound comes before the search: nobody shall buy quadratic time. */
static bool merge_arms(struct node *arms, struct node *more, struct error *error) {
    bool replaced[EXPERIMENT_ARMS_MAX] = {false};
    int n_before = arms->n_children;
    if (n_before > EXPERIMENT_ARMS_MAX || more->n_children > EXPERIMENT_ARMS_MAX)
        return error_set_at(error, &more->at, "more than %d arms", EXPERIMENT_ARMS_MAX);
    while (more->first) {
        struct node *arm = more->first, **link;
        int at = 0;
        more->first = arm->next;
        more->n_children--;
        while (at < n_before &&
               (replaced[at] || strcmp(arm_name(*link_of(arms, at)), arm_name(arm)) != 0))
            at++;
        link = link_of(arms, at < n_before ? at : arms->n_children);
        arm->next = NULL;
        if (*link) {
            replaced[at] = true;
            arm->next = (*link)->next;
            node_free(*link);
        } else {
            arms->n_children++;
        }
        *link = arm;
    }
    return true;
}

/* What a file says of itself is the same in both tiers; in `full` it would be silently ignored by
 * whoever asks for it without the tier. */
static bool check_keys(const struct node *full, struct error *error) {
    static const char *const fixed[] = {"extends", "workload", "granularity", "corpus",
                                        "tags",    "tier",     "full"};
    if (full->kind != NODE_MAP) return error_set_at(error, &full->at, "full must be a map of keys");
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const struct node *node = node_find(full, fixed[i]);
        if (node)
            return error_set_at(error, &node->key_at,
                                "'%s' belongs to the top of the file, not into full", fixed[i]);
    }
    return true;
}

bool overlay_full(struct node *root, struct error *error) {
    struct node *full = node_take(root, "full"), *more = NULL;
    if (!full) return true;
    bool ok = check_keys(full, error);
    struct node *arms = root->first;
    while (arms && strcmp(arms->key, "arms") != 0) arms = arms->next;
    if (ok && arms && arms->kind == NODE_LIST && (more = node_take(full, "arms"))) {
        if (more->kind == NODE_LIST)
            ok = merge_arms(arms, more, error);
        else
            ok = error_set_at(error, &more->at, "arms must be a list");
    }
    ok = ok && tree_merge(root, full, error);
    node_free(more);
    node_free(full);
    return ok;
}
