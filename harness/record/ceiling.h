/*
 * What bounds any phase on one core of a machine, measured by the bench; the best of each that was
 * seen in an environment is stored, for rooflines.
 */
#ifndef HEADROOM_HARNESS_RECORD_CEILING_H
#define HEADROOM_HARNESS_RECORD_CEILING_H

struct ceiling {
    double flops_per_second; /* of large products */
    double bytes_per_second; /* of a triad over arrays beyond the caches */
};

#endif
