# Do harder inputs get more heads? Heads per layer against the known difficulty of test inputs: one panel per workload,
# one line per arm of a method with a budget. A level line: the budget does not follow difficulty.
title_text = "Do harder inputs get more heads?"
caption = sprintf("Points: heads computed per layer, mean over the test inputs of a difficulty and over seeds (n = %s). " \
    . "Bars: 95%% t-interval over seeds, cut at 0 and all heads. Small " \
    . "dots: single seeds, where there are fewer than 10. Dashed: all " \
    . "heads. Arms of one difficulty stand side by side.", range(lowest_n_seeds, highest_n_seeds))
do for [e = 1 : n_entries] { legend_text[e] = entry[e] }
load "page.gnuplot"

set xlabel "known difficulty" offset 0, nearer
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    set ylabel (column_of(t) == 1 ? "heads per layer" : "")
    most = high_most_heads[t]
    set yrange [0 : 1.05 * most]
    span = high_difficulty[t] - low_difficulty[t]
    set xrange [low_difficulty[t] - 0.1 * span : high_difficulty[t] + 0.1 * span]
    set xtics autofreq 0, span > 10 ? ceil(span / 10) : 1
    n = last_block[t] - first_block[t] + 1
    beside(b) = 0.06 * span * (n > 1 ? (b - first_block[t]) / (n - 1.0) - 0.5 : 0)
    plot most with lines linecolor rgb faint dashtype 2, \
        for [b = first_block[t] : last_block[t]] data index b \
            using (column(difficulty) + beside(b)):heads_low:(0):(column(heads_high) - column(heads_low)) \
            with vectors nohead linewidth 1.2 linecolor rgb arm_colour(series_of[b + 1]), \
        for [b = first_block[t] : last_block[t]] data index b using (column(difficulty) + beside(b)):seed_heads \
            with points pointtype 7 pointsize size_dot linecolor rgb arm_colour(series_of[b + 1]), \
        for [b = first_block[t] : last_block[t]] data index b using (column(difficulty) + beside(b)):heads \
            with linespoints linewidth 1.2 pointsize size_mark pointtype arm_mark(series_of[b + 1]) \
            linecolor rgb arm_colour(series_of[b + 1])
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry with linespoints linewidth 1.2 pointsize size_mark \
    pointtype arm_mark(entry[e]) linecolor rgb arm_colour(entry[e]) title legend_text[e]
unset multiplot
