# Accuracy on the test split against executed FLOPs: one panel per workload, with the Pareto front of the means. An
# arm below the line is beaten by another that executes no more.
title_text = "What does accuracy cost? Accuracy against executed FLOPs"
caption = sprintf("Points: mean over seeds (n = %s) on the test split. Bars: 95%% t-interval of the mean over seeds, " \
    . "cut at 0 and 100%%. Small dots: single seeds, where there are fewer than 10. Line: the arms whose mean no other " \
    . "reaches with as few FLOPs, gates included; how sure that is, the line does not say. Each panel has scales of " \
    . "its own.", range(lowest_n_seeds, highest_n_seeds))

# The front is a line in each panel and no kind of mark.
front = "not beaten"
n_policies = 0
do for [e = 1 : n_entries] {
    if (entry[e] ne front) {
        n_policies = n_policies + 1
        entry[n_policies] = entry[e]
    }
}
n_entries = n_policies
n_more = 1
do for [e = 1 : n_entries] { legend_text[e] = numbered(entry[e]) }
legend_text[n_entries + 1] = "no other mean is as accurate for as few FLOPs"
load "page.gnuplot"

set ylabel "test accuracy, %"
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    set xlabel sprintf("executed %s of an input", text_unit[t]) offset 0, nearer
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
    x_low = -0.04 * high_flops[t]
    x_high = 1.08 * high_flops[t]
    set xrange [x_low : x_high]
    label_first = first_block[t]; label_last = last_block[t]
    label_x = flops; label_low = accuracy_low; label_high = accuracy_high; label_text = cost
    load "labels.gnuplot"
    plot for [b = last_block[t] : last_block[t]] data index b using flops:front_accuracy \
             with steps linewidth 1.5 linecolor rgb dark, \
        for [b = first_block[t] : last_block[t]] data index b \
            using flops:accuracy_low:(0):(column(accuracy_high) - column(accuracy_low)) @bar_drawn, \
        for [b = first_block[t] : last_block[t]] data index b using flops:seed_accuracy \
            with points pointtype 7 pointsize size_dot linecolor rgb colour(series_of[b + 1]), \
        for [b = first_block[t] : last_block[t]] data index b using flops:accuracy @mark_drawn
    unset label
    unset arrow
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry @entry_drawn title legend_text[e], \
    keyentry with lines linewidth 1.5 linecolor rgb dark title legend_text[n_entries + 1]
unset multiplot
