# How does training go? Loss, accuracy, the budget that is asked for, the entropy of the scores that choose heads, and
# the temperature of their softmax against optimiser steps: a row of panels per workload, a line per arm. What
# no arm has is no panel.
title_text = "How does training go?"
caption = sprintf("Means over seeds (n = %s) at the end of each epoch, without bars; of tuned arms the chosen candidate. " \
    . "Arms: all heads, and those that learn which heads run. Loss: cross-entropy, in training with the gates that it " \
    . "trains, on the validation slice with the heads that then run. s: share of heads that is asked for; entropy: of the scores over a layer's heads, " \
    . "%% of the most that is possible; both over the epoch. Temperature: worked out from step and options, not stored.", \
    range(lowest_n_seeds, highest_n_seeds))

array metric[5] = [train_loss, accuracy, s, entropy, temperature]
array label_of[5] = ["loss", "validation accuracy, %", "budget s asked for, %", "score entropy, %", "temperature"]
array there[5] = [lowest_train_loss, lowest_accuracy, lowest_s, lowest_entropy, lowest_temperature]
array shown[5]
n_shown = 0
do for [m = 1 : 5] {
    if (there[m] == there[m]) {
        n_shown = n_shown + 1
        shown[n_shown] = m
    }
}
n_tiles = n_shown * n_panels
n_columns = n_shown
column_width = n_shown > 2 ? 235 : 340
panel_height = 200
gap_x = 90
do for [e = 1 : n_entries] { legend_text[e] = entry[e] }
n_more = 2
legend_text[n_entries + 1] = "loss in training"
legend_text[n_entries + 2] = "loss on the validation slice"
least(a, b) = a != a || b < a ? b : a # NaN: there is none
load "page.gnuplot"

set xlabel "optimiser steps" offset 0, nearer
set xtics autofreq
do for [i = 1 : n_panels] {
    do for [k = 1 : n_shown] {
        t = (i - 1) * n_shown + k
        m = shown[k]
        heading = k == 1 ? text_panel[i] : ""
        load "panel.gnuplot"
        set ylabel label_of[m]
        set xrange [0 : 1.03 * high_step[i]]
        set xtics 0, 10 ** floor(log10(high_step[i])) * (high_step[i] / 10 ** floor(log10(high_step[i])) > 4 ? 2 : \
            high_step[i] / 10 ** floor(log10(high_step[i])) > 2 ? 1 : 0.5)
        low = m == 1 ? least(low_train_loss[i], low_validation_loss[i]) : m == 2 ? low_accuracy[i] : low_temperature[i]
        high = m == 1 ? -least(-high_train_loss[i], -high_validation_loss[i]) : m == 2 ? high_accuracy[i] : high_temperature[i]
        pad = low == high ? (low == 0 ? 1 : 0.1 * abs(low)) : NaN # what does not change is a line in the middle
        if (m == 3 || m == 4) { set yrange [0 : 105] }
        else { if (pad == pad) { set yrange [low - pad : high + pad] } else { set yrange [*:*] } }
        drawn = metric[m]
        sparse = ceil(high_n_epochs[i] / 6)
        plot for [b = first_block[i] : m == 1 ? last_block[i] : -1] data index b using step:validation_loss \
                with lines linewidth 1 dashtype 3 linecolor rgb arm_colour(series_of[b + 1]), \
            for [b = first_block[i] : last_block[i]] data index b using step:drawn \
                with linespoints linewidth 1.2 pointinterval sparse pointsize 0.8 * size_mark \
                pointtype arm_mark(series_of[b + 1]) linecolor rgb arm_colour(series_of[b + 1])
    }
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry with linespoints linewidth 1.2 pointsize size_mark \
        pointtype arm_mark(entry[e]) linecolor rgb arm_colour(entry[e]) title legend_text[e], \
    keyentry with lines linewidth 1.2 linecolor rgb dark title legend_text[n_entries + 1], \
    keyentry with lines linewidth 1 dashtype 3 linecolor rgb dark title legend_text[n_entries + 2]
unset multiplot
