# Every method beside every other: accuracy with its interval, sorted, and the FLOPs that it executes.
# One row per arm and one block per workload, of two panels.
title_text = "Methods: accuracy, and executed FLOPs as a share of all heads"
caption = sprintf("Points: mean over seeds (n = %s) on the test split; hyperparameters chosen on the validation slice. " \
    . "Bars: 95%% t-interval over seeds, cut at 0 and 100%%. Small dots: single seeds, where there are fewer than 10. " \
    . "Dashed: 1 / classes. Each block has a scale of its own. " \
    . "FLOPs: executed, gate included, over the dense FLOPs of all heads.", range(lowest_n_seeds, highest_n_seeds))

n_tiles = 2 * n_panels
n_columns = 2
array tile_height[n_tiles]
array n_arms_of[n_panels]
longest = 0
do for [t = 1 : n_tiles] {
    i = (t + 1) / 2
    stats data index first_block[i] using (own = wide(strcol(arm)) * em, longest = own > longest ? own : longest, \
        column(place)) nooutput
    n_arms_of[i] = int(high_place[i]) + 1
    tile_height[t] = (n_arms_of[i] + 1) * 19
}
first_space = between(120, longest + 30, 330)
column_width = 380
gap_x = 30
gap_y = 105
second_width = 230
n_entries = 0 # names stand beside the rows
load "page.gnuplot"

set grid noytics
named(mean, y) = mean == mean ? y : NaN # once, not for each seed
do for [i = 1 : n_panels] {
    b = first_block[i]
    n = n_arms_of[i]
    t = 2 * i - 1
    heading = text_panel[i]
    load "panel.gnuplot"
    # From the lowest to the highest bar or dot, at least ten points. NaN: no dots.
    least = low_seed_accuracy[i] < low_accuracy_low[i] ? low_seed_accuracy[i] : low_accuracy_low[i]
    most = high_seed_accuracy[i] > high_accuracy_high[i] ? high_seed_accuracy[i] : high_accuracy_high[i]
    middle = 0.5 * (least + most)
    half = 0.5 * (most - least)
    half = half < 5 ? 5 : half
    middle = middle + half > 100 ? 100 - half : middle
    x_low = middle - 1.06 * half
    set xrange [x_low : middle + 1.06 * half]
    set yrange [n : -1]
    set xlabel "test accuracy, %" offset 0, nearer
    set xtics autofreq
    unset ytics
    if (low_chance[i] >= x_low) {
        set arrow 1 from low_chance[i], graph 0 to low_chance[i], graph 1 nohead linecolor rgb faint dashtype 2
    }
    plot data index b \
             using accuracy_low:place:(column(accuracy_high) - column(accuracy_low)):(0):(colour(strcol(policy))) \
             with vectors nohead linewidth 1.2 linecolor rgb variable, \
         data index b using accuracy:place:(mark(strcol(policy))):(colour(strcol(policy))) \
             with points linewidth 1.2 pointsize size_mark pointtype variable linecolor rgb variable, \
         data index b using seed_accuracy:place:(colour(strcol(policy))) \
             with points pointtype 7 pointsize size_dot linecolor rgb variable, \
         data index b using (x_low):(named(column(accuracy), column(place))):(as_label(fitted(strcol(arm), first_space - 20))) \
             with labels right offset -1, 0 textcolor rgb dark
    unset arrow 1

    t = 2 * i
    heading = ""
    load "panel.gnuplot"
    set xlabel "executed FLOPs, % (heads per layer)" offset 0, nearer
    right = high_flops_share[i] > 100 ? high_flops_share[i] : 100
    set xrange [0 : 1.35 * right] # room for the number of heads
    set xtics 0, 25 * ceil(right / 100), 100 * ceil(right / 100)
    plot data index b using (0.5 * column(flops_share)):place:(0.5 * column(flops_share)):(0.3) \
             with boxxyerror linecolor rgb 0xB0B0B0, \
         data index b using (column(flops_share) + 0.03 * right):place:(sprintf("%.1f", column(mean_heads))) \
             with labels left font small textcolor rgb dark
}
load "legend.gnuplot"
plot -1 notitle
unset multiplot
