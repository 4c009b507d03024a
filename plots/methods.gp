# Every method beside every other: accuracy with its interval, sorted, and the FLOPs that it executes.
# One row per arm and one block per workload, of two panels.
title_text = "Methods: accuracy, and executed FLOPs as a share of all heads"
caption = sprintf("Points: mean over seeds (n = %s) on the test split; hyperparameters chosen on the validation slice. " \
    . "Bars: 95%% t-interval over seeds, cut at 0 and 1. Dashed: 1 / classes. Each block has a scale of its own. " \
    . "FLOPs: executed, gate included, over the dense FLOPs of all heads.", range(lowest_n_seeds, highest_n_seeds))

n_tiles = 2 * n_panels
n_columns = 2
array tile_height[n_tiles]
array n_arms_of[n_panels]
longest = 0
do for [t = 1 : n_tiles] {
    stats data index first_block[(t + 1) / 2] using (own = wide(strcol(arm)) * em, longest = own > longest ? own : longest, \
        column(accuracy)) nooutput
    n_arms_of[(t + 1) / 2] = STATS_records
    tile_height[t] = (STATS_records + 1) * 19
}
first_space = between(120, longest + 30, 330)
column_width = 380
gap_x = 30
gap_y = 105
second_width = 230
n_entries = 0 # names stand beside the rows
load "page.gnuplot"

set grid noytics
do for [i = 1 : n_panels] {
    b = first_block[i]
    n = n_arms_of[i]
    t = 2 * i - 1
    heading = text_panel[i]
    load "panel.gnuplot"
    # From the lowest to the highest bar, at least a tenth.
    middle = 0.5 * (low_accuracy_low[i] + high_accuracy_high[i])
    half = 0.5 * (high_accuracy_high[i] - low_accuracy_low[i])
    half = half < 0.05 ? 0.05 : half
    middle = middle + half > 1 ? 1 - half : middle
    x_low = middle - 1.06 * half
    set xrange [x_low : middle + 1.06 * half]
    set yrange [n : -1]
    set xlabel "test accuracy" offset 0, nearer
    set xtics autofreq
    unset ytics
    if (low_chance[i] >= x_low) {
        set arrow 1 from low_chance[i], graph 0 to low_chance[i], graph 1 nohead linecolor rgb faint dashtype 2
    }
    plot data index b \
             using accuracy_low:0:(column(accuracy_high) - column(accuracy_low)):(0):(colour(strcol(policy))) \
             with vectors nohead linewidth 1.2 linecolor rgb variable, \
         data index b using accuracy:0:(mark(strcol(policy))):(colour(strcol(policy))) \
             with points linewidth 1.2 pointsize size_mark pointtype variable linecolor rgb variable, \
         data index b using (x_low):0:(as_label(fitted(strcol(arm), first_space - 20))) \
             with labels right offset -1, 0 textcolor rgb dark
    unset arrow 1

    t = 2 * i
    heading = ""
    load "panel.gnuplot"
    set xlabel "executed FLOPs (heads per layer)" offset 0, nearer
    right = high_flops_share[i] > 1 ? high_flops_share[i] : 1
    set xrange [0 : 1.35 * right] # room for the number of heads
    set xtics 0, 0.25 * ceil(right), ceil(right)
    plot data index b using (0.5 * column(flops_share)):0:(0.5 * column(flops_share)):(0.3) \
             with boxxyerror linecolor rgb 0xB0B0B0, \
         data index b using (column(flops_share) + 0.03 * right):0:(sprintf("%.1f", column(mean_heads))) \
             with labels left font small textcolor rgb dark
}
load "legend.gnuplot"
plot -1 notitle
unset multiplot
