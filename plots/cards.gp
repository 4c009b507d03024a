# What attention adds to each data set, and what more than one head does: forest plots that share their rows.
title_text = "Can these data sets test an attention method?"
caption = sprintf("Attention adds: all heads minus the best model without attention (by validation; bag of words, of " \
    . "bigrams, or no attention). More than one head adds: all heads minus one head per layer trained alone. Points " \
    . "of test accuracy; bars: 95%% intervals for other seeds and other test inputs, n = %s seeds; every arm tuned " \
    . "equally often. Blue: shown to add; orange: shown to cost; grey: neither. Where attention is not shown to add " \
    . "anything, 'as good as all heads' means nothing.", range(lowest_n_seeds, highest_n_seeds))

n_columns = 2
array tile_height[n_tiles]
longest = 0
n = 0
do for [t = 1 : n_tiles] {
    stats data index first_block[t] using (own = wide(strcol(name)) * em, longest = own > longest ? own : longest, \
        column(points)) nooutput
    n = STATS_records > n ? STATS_records : n
}
do for [t = 1 : n_tiles] { tile_height[t] = (n + 1) * 19 }
first_space = between(120, longest + 30, 330)
column_width = 330
gap_x = 30
n_entries = 0 # names stand beside the rows
load "page.gnuplot"

verdict(sign) = sign > 0 ? 0x0072B2 : sign < 0 ? 0xD55E00 : faint
set grid noytics
do for [t = 1 : n_tiles] {
    b = first_block[t]
    heading = text_panel[t]
    load "panel.gnuplot"
    # 0 is always seen.
    x_low = low_low[t] < 0 ? low_low[t] : 0
    x_high = high_high[t] > 0 ? high_high[t] : 0
    span = x_high - x_low > 1 ? x_high - x_low : 1
    set xrange [x_low - 0.05 * span : x_high + 0.05 * span]
    set yrange [n : -1]
    set xlabel "points" offset 0, nearer
    set xtics autofreq
    unset ytics
    set arrow 1 from 0, graph 0 to 0, graph 1 nohead linecolor rgb dark
    plot data index b using low:0:(column(high) - column(low)):(0):(verdict(column(sign))) \
             with vectors nohead linewidth 1.6 linecolor rgb variable, \
         data index b using points:0:(verdict(column(sign))) \
             with points linewidth 1.2 pointsize size_mark pointtype 7 linecolor rgb variable, \
         data index b using (x_low - 0.05 * span):0:(t == 1 ? as_label(fitted(strcol(name), first_space - 20)) : "") \
             with labels right offset -1, 0 textcolor rgb dark
    unset arrow 1
}
load "legend.gnuplot"
plot -1 notitle
unset multiplot
