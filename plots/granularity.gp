# Do finer classes or longer texts need more heads? Heads needed to be as good as all heads,
# against the number of classes and against the mean length. A row of panels for k fixed heads and one
# for each method with a budget; workloads on the same texts have one colour and are joined.
title_text = "How many heads are as good as all heads?"
caption = sprintf("Filled: the fewest heads that demonstrably lose at most 1 point of test accuracy, or half of what " \
    . "attention adds if that is less: 95%% interval over seeds (n = %s) and test inputs, paired with all heads " \
    . "(dashed). Open: none can be shown to; the mark is the fewest whose mean loss is no more. Bars: what cannot be " \
    . "ruled out, among the trained budgets. Left out: texts on which attention is not shown to add anything. " \
    . "Equal values stand side by side.", range(lowest_n_seeds, highest_n_seeds))

n_tiles = 2 * n_panels
n_columns = 2
n_more = 3
array legend_text[n_entries + n_more]
do for [e = 1 : n_entries] { legend_text[e] = fitted(entry[e], 250) }
legend_text[n_entries + 1] = "known"
legend_text[n_entries + 2] = "not resolved"
legend_text[n_entries + 3] = "every arm loses more"
load "page.gnuplot"

# Six colours, and a mark that changes with every round of them; filled: known, open: not.
array colours[6] = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9]
array marks[4] = [7, 5, 9, 13]
colour_in(e) = colours[(e - 1) % 6 + 1]
filled(e) = marks[(e - 1) / 6 % 4 + 1]
mark_in(e, known) = known == 2 ? 2 : known == 1 ? filled(e) : filled(e) - 1
in_series(b) = entry_of(series_of[b + 1])

set logscale x
set yrange [-0.3 : highest_all_heads + 0.5]
set ytics 0, highest_all_heads > 12 ? 4 : highest_all_heads > 6 ? 2 : 1
do for [t = 1 : n_tiles] {
    i = (t + 1) / 2
    heading = text_panel[i]
    load "panel.gnuplot"
    by_classes = t % 2
    x_column = by_classes ? n_classes : tokens
    beside = by_classes ? beside_classes : beside_tokens
    low = (by_classes ? lowest_n_classes : lowest_tokens) / 1.3
    high = (by_classes ? highest_n_classes : highest_tokens) * 1.3
    # Equal values stand side by side, the outermost of them still inside.
    step = 0.024 * log(high / low)
    aside = exp(step * (by_classes ? highest_beside_classes : highest_beside_tokens))
    beside_of(x, places) = x * exp(step * places)
    set xrange [low / aside : high * aside]
    set xlabel (by_classes ? "classes" : "mean length in tokens") offset 0, nearer
    set ylabel (by_classes ? "heads per layer" : "")
    if (log(high / low) < 3) {
        set xtics (2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000)
    } else {
        set xtics (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
    }
    plot highest_all_heads with lines linecolor rgb faint dashtype 2, \
        for [b = first_block[i] : last_block[i]] data index b \
            using (beside_of(column(x_column), column(beside))):needed_heads \
            with lines linewidth 1 linecolor rgb colour_in(in_series(b)), \
        for [b = first_block[i] : last_block[i]] data index b \
            using (beside_of(column(x_column), column(beside))):heads_low:(0):(column(heads_high) - column(heads_low)) \
            with vectors nohead linewidth 1.2 linecolor rgb colour_in(in_series(b)), \
        for [b = first_block[i] : last_block[i]] data index b \
            using (beside_of(column(x_column), column(beside))):needed_heads:(mark_in(in_series(b), column(known))) \
            with points pointtype variable pointsize 1.4 * size_mark linewidth 1.2 linecolor rgb colour_in(in_series(b))
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry with linespoints linecolor rgb colour_in(e) pointtype filled(e) \
        pointsize 1.4 * size_mark title legend_text[e], \
    keyentry with points pointtype 7 linecolor rgb faint pointsize 1.4 * size_mark title legend_text[n_entries + 1], \
    keyentry with points pointtype 6 linecolor rgb faint pointsize 1.4 * size_mark title legend_text[n_entries + 2], \
    keyentry with points pointtype 2 linecolor rgb faint pointsize 1.4 * size_mark title legend_text[n_entries + 3]
unset multiplot
