# What does each part of a method do? A bar for each part that is changed: one panel per arm that it is compared with,
# what costs most above.
title_text = "What is lost when a part of a method is changed?"
caption = sprintf("Bars: test accuracy with the part changed minus without, in points (of 100%%); paired by seed and test " \
    . "input. Lines: 95%% intervals for other seeds and other test inputs (n = %s seeds). Filled: they do not reach 0; " \
    . "empty: they do, or there is one seed. Number: heads per layer that run. Parts: options of the method, an " \
    . "inference mode, or a control that replaces its decisions.", range(lowest_n_seeds, highest_n_seeds))

n_columns = n_panels < 2 ? 1 : 2
array tile_height[n_panels]
longest = 0
do for [t = 1 : n_panels] {
    stats data index first_block[t] using (own = wide(strcol(changed)) * em, longest = own > longest ? own : longest, \
        column(place)) nooutput
    tile_height[t] = int((high_place[t] + 2) * 22)
}
first_space = between(100, longest + 30, 260)
gap_x = first_space + 15
gap_y = 105
column_width = n_columns == 1 ? 600 : 340
n_entries = 0 # names stand beside the rows
load "page.gnuplot"

verdict(sign) = sign > 0 ? 0x0072B2 : sign < 0 ? 0xD55E00 : faint
only(sign, wanted, points) = (sign == 0) == wanted ? points : NaN
set grid noytics
unset ytics
set xlabel "points of test accuracy" offset 0, nearer
do for [t = 1 : n_panels] {
    b = first_block[t]
    heading = sprintf("%s: %.1f heads", text_panel[t], low_reference_heads[t])
    load "panel.gnuplot"
    # At least half a point to either side of 0, and to the right room for the heads.
    x_low = low_low[t] < -0.5 ? low_low[t] : -0.5
    x_high = high_high[t] > 0.5 ? high_high[t] : 0.5
    span = x_high - x_low
    set xrange [x_low - 0.05 * span : x_high + 0.16 * span]
    set yrange [high_place[t] + 1 : -1]
    set arrow 1 from 0, graph 0 to 0, graph 1 nohead linecolor rgb dark
    plot data index b using (0.5 * only(column(sign), 0, column(points))):place:(0.5 * abs(column(points))):(0.3) \
                 :(verdict(column(sign))) with boxxyerror linecolor rgb variable, \
         data index b using (0.5 * only(column(sign), 1, column(points))):place:(0.5 * abs(column(points))):(0.3) \
             with boxxyerror fillstyle empty border rgb faint linecolor rgb faint, \
         data index b using low:place:(column(high) - column(low)):(0) \
             with vectors nohead linewidth 1.6 linecolor rgb dark, \
         data index b using (x_low - 0.05 * span):place:(as_label(fitted(strcol(changed), first_space - 20))) \
             with labels right offset -1, 0 textcolor rgb dark, \
         data index b using (x_high + 0.15 * span):place:(sprintf("%.1f", column(heads))) \
             with labels right font small textcolor rgb dark
    unset arrow 1
}
load "legend.gnuplot"
plot -1 notitle
unset multiplot
