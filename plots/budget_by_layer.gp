# How many heads do inputs get in each layer? One panel per workload; one bar per layer (from 1) of
# each arm with a budget, cut into the shares of test inputs that run k heads.
title_text = "Where do the heads go? Executed heads per layer"
caption = sprintf("Shares over all test inputs and seeds (n = %s): counts, without error bars. Cost: weight of the " \
    . "budget in the loss.", range(lowest_n_seeds, highest_n_seeds))

# Many arms need the width of the page, and their names stand upright.
most_arms = 0
longest = 0
do for [t = 1 : n_panels] {
    n = last_block[t] - first_block[t] + 1
    most_arms = n > most_arms ? n : most_arms
    do for [b = first_block[t] : last_block[t]] {
        own = wide(series_of[b + 1]) * em
        longest = own > longest ? own : longest
    }
}
crowded = most_arms > 5
placed = crowded ? "left" : "center"
names_height = crowded ? between(60, longest, 220) : 20
bars_height = crowded ? 160 : 230
panel_height = bars_height + names_height + 10
top = 100.0 * panel_height / bars_height
n_columns = crowded ? 1 : columns_for(n_panels)

least = int(lowest_k)
n_entries = int(highest_k) - least + 1
array legend_text[n_entries]
do for [e = 1 : n_entries] { legend_text[e] = sprintf(least + e == 2 ? "%d head" : "%d heads", least + e - 1) }
load "page.gnuplot"

set palette defined (0 "#00204D", 0.25 "#414D6B", 0.5 "#7C7B78", 0.75 "#BCAF6F", 1 "#FFEA46") # cividis
set cbrange [0 : highest_k > 1 ? highest_k : 1]
unset colorbox
set yrange [0 : top]
set ytics 0, 25, 100
set grid noxtics
set xlabel "layer" offset 0, nearer
# Bars stand side by side, layer by layer, with a gap of one bar between arms.
x_of(b, layer) = (b - first_block[t]) * (layers + 1) + layer
name(arm, cost) = crowded ? fitted(arm, names_height) : fitted(cost eq "" ? arm : cost, width_in[1] / most_arms)
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    layers = int(high_layer[t]) + 1
    right = x_of(last_block[t], layers - 1)
    set ylabel (column_of(t) == 1 ? "test inputs, %" : "")
    set xrange [-0.7 : right + 0.7]
    set xtics ()
    do for [b = first_block[t] : last_block[t]] {
        do for [l = 0 : layers - 1] {
            if (layers * most_arms <= 30 || l == 0 || l == layers - 1) { set xtics add (sprintf("%d", l + 1) x_of(b, l)) }
        }
    }
    plot for [b = first_block[t] : last_block[t]] data index b \
             using (x_of(b, column(layer))):begin:(x_of(b, column(layer)) - 0.42):(x_of(b, column(layer)) + 0.42) \
                 :begin:until:k \
             with boxxyerror linecolor palette, \
         for [b = first_block[t] : last_block[t]] data index b every ::0::0 \
             using (x_of(b, 0.5 * (layers - 1))):(100 + 100 * (crowded ? 10.0 : 14.0) / bars_height) \
                 :(as_label(name(strcol(arm), strcol(cost)))):(crowded ? 90 : 0) \
             with labels rotate variable @placed textcolor rgb budget_colour
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry with boxes linecolor palette cb least + e - 1 title legend_text[e]
unset multiplot
