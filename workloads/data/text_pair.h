/*
 * Two texts as one input: the tokens of the first, the separator, the tokens of the second. No text
 * can contain the separator, as no tokeniser makes one token of "<sep>"; so it alone says where the
 * second text starts, and splits, batches and caches need not know of pairs.
 */
#ifndef HEADROOM_WORKLOADS_DATA_TEXT_PAIR_H
#define HEADROOM_WORKLOADS_DATA_TEXT_PAIR_H

#define TEXT_PAIR_SEPARATOR "<sep>"

enum { TEXT_PAIR_LENGTH_MIN = 3 }; /* tokens of the shortest pair that lost neither text */

/* How many of `first` and `second` tokens to keep so that they and the separator fit into max_len:
 * the longer text loses its last tokens until both are of one length, then both do, the second
 * first. Neither vanishes where max_len is TEXT_PAIR_LENGTH_MIN or more. */
struct text_pair_kept {
    int first, second;
};
struct text_pair_kept text_pair_cut(int first, int second, int max_len);

#endif
