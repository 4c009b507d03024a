# Do some classes get more heads? A row per class, the most heads first: one panel per workload, one mark per arm of a
# method with a budget.
title_text = "Which classes get more heads?"
caption = sprintf("Points: heads computed per layer, mean over the test inputs of a class and over seeds (n = %s). " \
    . "Bars: 95%% t-interval over seeds, cut at 0 and all heads. Small dots: single seeds, where there are fewer than 10. Dashed: all " \
    . "heads. Rows: by their mean over arms; of many classes those with the most and with the fewest heads.", \
    range(lowest_n_seeds, highest_n_seeds))

n_columns = n_panels < 2 ? 1 : 2
array tile_height[n_panels]
longest = 0
do for [t = 1 : n_panels] {
    stats data index first_block[t] : last_block[t] using (own = wide(strcol(name)) * em, \
        longest = own > longest ? own : longest, column(place)) nooutput
    tile_height[t] = int((high_place[t] + 2) * between(22, 9 * (last_block[t] - first_block[t] + 1), 60))
}
first_space = between(80, longest + 30, 230)
gap_x = first_space + 15
gap_y = 105
column_width = n_columns == 1 ? 600 : 340
do for [e = 1 : n_entries] { legend_text[e] = entry[e] }
load "page.gnuplot"

unset ytics
set xlabel "heads per layer" offset 0, nearer
once(x, y) = x == x ? y : NaN # not for each seed
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    most = high_most_heads[t]
    set xrange [0 : 1.05 * most]
    set yrange [high_place[t] + 1 : -1]
    n = last_block[t] - first_block[t] + 1
    beside(b) = n > 1 ? 0.6 * ((b - first_block[t]) / (n - 1.0) - 0.5) : 0
    set arrow 1 from most, graph 0 to most, graph 1 nohead linecolor rgb faint dashtype 2
    plot for [b = first_block[t] : last_block[t]] data index b \
             using heads_low:(column(place) + beside(b)):(column(heads_high) - column(heads_low)):(0) \
             with vectors nohead linewidth 1.2 linecolor rgb arm_colour(series_of[b + 1]), \
         for [b = first_block[t] : last_block[t]] data index b using seed_heads:(column(place) + beside(b)) \
             with points pointtype 7 pointsize size_dot linecolor rgb arm_colour(series_of[b + 1]), \
         for [b = first_block[t] : last_block[t]] data index b using heads:(column(place) + beside(b)) \
             with points linewidth 1.2 pointsize size_mark pointtype arm_mark(series_of[b + 1]) \
             linecolor rgb arm_colour(series_of[b + 1]), \
         data index first_block[t] using (0):(once(column(heads), column(place))) \
             :(as_label(fitted(strcol(name), first_space - 20))) \
             with labels right offset -1, 0 textcolor rgb dark
    unset arrow 1
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry with points linewidth 1.2 pointsize size_mark \
    pointtype arm_mark(entry[e]) linecolor rgb arm_colour(entry[e]) title legend_text[e]
unset multiplot
