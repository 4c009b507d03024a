/*
 * Phase markers: the engine says which part of its work begins, and whoever is interested keeps the
 * time. The engine knows no clock, and where nobody listens a mark is one test of a pointer. A
 * phase lasts until the next one is entered, so phases are exclusive and cover everything in
 * between.
 */
#ifndef HEADROOM_MODELS_PHASE_H
#define HEADROOM_MODELS_PHASE_H

enum phase {
    /* of an inference */
    PHASE_EMBEDDING,
    PHASE_NORM,   /* all LayerNorms */
    PHASE_GATE,   /* what the policy does to choose heads, its pooling included */
    PHASE_GATHER, /* rows of the inputs that chose a head, there and back */
    PHASE_QKV,
    PHASE_MAP, /* scores, softmax, weighted values, multiplication by the gate */
    PHASE_OUTPUT,
    PHASE_FFN,
    PHASE_POOL,
    PHASE_CLASSIFIER,
    PHASE_TRANSFER, /* between a device's memory and the host's; of training, of gates alone */
    /* of a training step; data and optimiser are marked by who calls them */
    PHASE_DATA,
    PHASE_FORWARD,
    PHASE_BACKWARD,
    PHASE_OPTIMISER,
    PHASES
};
enum { INFERENCE_PHASES = PHASE_TRANSFER + 1 };

/* "embedding", "norm", ... as the database spells them. */
static inline const char *phase_name(enum phase phase) {
    static const char *const names[PHASES] = {
        "embedding", "norm",       "gate",     "gather", "qkv",     "map",      "output",    "ffn",
        "pool",      "classifier", "transfer", "data",   "forward", "backward", "optimiser",
    };
    return names[phase];
}

/* Who listens: `enter` is called at the beginning of each phase. On a device whose calls return
 * before they are done, the device notes the moment (`mark` of device.h). */
struct phases {
    void (*enter)(void *context, enum phase phase);
    void *context;
};

static inline void phase_enter(const struct phases *phases, enum phase phase) {
    if (phases) phases->enter(phases->context, phase);
}

#endif
