# Accuracy on the test split against the share of heads that run, k/H: one panel per workload. The fixed-head
# curve is what any budget method has to beat at the same budget.
title_text = "What do heads buy? Accuracy against executed heads"
caption = sprintf("Points: mean over seeds (n = %s) on the test split. Bars: 95%% t-interval of the mean over " \
    . "seeds, cut at 0 and 100%%. Small dots: single seeds, where there are fewer than 10. Dashed: 1 / classes. " \
    . "Dotted: the most frequent class of training as the only answer. Each panel has a scale of its own.", \
    range(lowest_n_seeds, highest_n_seeds))
do for [e = 1 : n_entries] { legend_text[e] = numbered(entry[e]) }
load "page.gnuplot"

# Three policies run no heads: side by side, so that none hides another.
shifted(x, p) = p eq "bag-of-words" ? x - 3 : p eq "bag-of-bigrams" ? x + 3 : x

set xrange [-6 : 106]
set xtics 0, 25, 100
set xlabel "executed heads k/H, %" offset 0, nearer
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    set ylabel "test accuracy, %"
    if (last_block[t] < first_block[t]) {
        text = fitted(text_reason[t], 5 * column_width)
        room = column_width - 40
        load "wrap.gnuplot"
        set label 1 wrapped at graph 0.5, 0.6 center textcolor rgb faint
        set yrange [0 : 100]
        set ylabel ""
        unset ytics
        plot -1
        unset label 1
        continue
    }
    # From the lowest to the highest bar or dot, at least ten points, and room for labels. NaN: no dots.
    y_low = low_seed_accuracy[t] < low_accuracy_low[t] ? low_seed_accuracy[t] : low_accuracy_low[t]
    y_high = high_seed_accuracy[t] > high_accuracy_high[t] ? high_seed_accuracy[t] : high_accuracy_high[t]
    middle = 0.5 * (y_low + y_high)
    half = 0.5 * (y_high - y_low)
    half = half < 5 ? 5 : half
    middle = middle + half > 100 ? 100 - half : middle
    y_low = middle - 1.25 * half
    y_high = middle + 1.25 * half
    set yrange [y_low : y_high]
    set ytics autofreq
    fixed_at = -1
    do for [b = first_block[t] : last_block[t]] { if (series_of[b + 1] eq "fixed") { fixed_at = b } }
    x_low = -6; x_high = 106
    label_first = first_block[t]; label_last = last_block[t]
    label_x = head_budget; label_low = accuracy_low; label_high = accuracy_high; label_text = cost
    load "labels.gnuplot"
    plot low_chance[t] with lines linecolor rgb faint dashtype 2, \
        low_majority[t] with lines linecolor rgb dark dashtype 3, \
        for [b = first_block[t] : last_block[t]] data index b \
            using (shifted(column(head_budget), series_of[b + 1])):accuracy_low:(0) \
                :(column(accuracy_high) - column(accuracy_low)) @bar_drawn, \
        for [b = first_block[t] : last_block[t]] data index b \
            using (shifted(column(head_budget), series_of[b + 1])):seed_accuracy with points pointtype 7 \
                pointsize size_dot linecolor rgb colour(series_of[b + 1]), \
        for [b = fixed_at : fixed_at] data index (b < 0 ? 0 : b) using head_budget:(b < 0 ? NaN : column(accuracy)) \
            with lines linewidth 1.5 linecolor rgb colour("fixed"), \
        for [b = first_block[t] : last_block[t]] data index b \
            using (shifted(column(head_budget), series_of[b + 1])):accuracy @mark_drawn
    unset label
    unset arrow
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry @entry_drawn title legend_text[e]
unset multiplot
