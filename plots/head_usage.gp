# Which heads run, and for which class? A row of heat maps for each arm. On the left all test inputs, with a row for each
# layer of each trained model and the share that compute each head; beside it the same for the inputs of a class. On the
# right a row for each class, with the heads computed in each layer. One scale for all, so that a colour is the same
# share; the number is in the cell.
title_text = "Which heads run, and for which classes?"
n_between = 0 # columns for classes
do for [p = 1 : n_panels] {
    do for [b = first_block[p] : last_block[p]] {
        own = series_of[b + 1] eq "heads" || series_of[b + 1] eq "classes" ? 0 : b - first_block[p]
        n_between = own > n_between ? own : n_between
    }
}
n_columns = n_between + 2
n_tiles = n_columns * n_panels
row = 19
array block_of[n_tiles]
array tile_title[n_tiles]
array tile_height[n_tiles]
array most_x[n_tiles]
array most_y[n_tiles]
array longest[2] # label of a row, on the left and on the right
longest[1] = 0; longest[2] = 0
do for [t = 1 : n_tiles] { block_of[t] = -1; tile_height[t] = 0 }
heads = 0
layers = 0
do for [p = 1 : n_panels] {
    do for [b = first_block[p] : last_block[p]] {
        by_layer = series_of[b + 1] eq "classes"
        t = (p - 1) * n_columns + (by_layer ? n_columns : b - first_block[p] + 1)
        block_of[t] = b
        side = by_layer + 1
        stats data index b using (own = wide(strcol(label)) * em, \
            longest[side] = own > longest[side] ? own : longest[side], tile_title[t] = strcol(title), column(cell_y)) nooutput
        most_y[t] = STATS_max
        stats data index b using cell_x nooutput
        most_x[t] = STATS_max
        tile_height[t] = int((most_y[t] + 1) * row)
        if (by_layer) { layers = most_x[t] + 1 > layers ? most_x[t] + 1 : layers }
        else { heads = most_x[t] + 1 > heads ? most_x[t] + 1 : heads }
    }
}
caption = sprintf("%% of test inputs that compute a head, in each trained model (n = %s seeds); heads of one number have " \
    . "nothing in common between seeds. ", range(lowest_n_seeds, highest_n_seeds)) \
    . (n_between ? "Beside them the same of the inputs of a class, with how many these are, where inputs run different " \
    . "heads; of more than three classes, of those with the most test inputs. " : "") \
    . (highest_unknown > 0 ? (n_between ? "Other models" : "These models") . " were trained by a Headroom that did not " \
    . "store which heads run for which class. " : "") \
    . "Right: heads computed for the inputs of a class, % of the layer's, mean over seeds; of more than 20 classes, of " \
    . "the 10 with the most heads and the 10 with the fewest."

first_space = between(100, longest[1] + 30, 230)
gap_x = 22
gap_y = 135
space_top = 110
array own_width[n_columns]
array own_space[n_columns]
do for [c = 1 : n_columns] {
    own_width[c] = n_between ? between(150, 25 * heads, 200) : 340
    own_space[c] = c == 1 ? first_space : gap_x
}
own_width[n_columns] = n_between ? between(90, 30 * layers, 220) : 220
own_space[n_columns] = between(60, longest[2] + 30, 230)
n_entries = 0
n_more = 5
array legend_text[n_more]
do for [e = 1 : n_more] { legend_text[e] = sprintf("%d%%", 25 * (e - 1)) }
load "page.gnuplot"

set palette defined (0 "#00204D", 0.25 "#414D6B", 0.5 "#7C7B78", 0.75 "#BCAF6F", 1 "#FFEA46") # cividis
set cbrange [0 : 100]
unset colorbox
unset grid
unset ytics
set xtics scale 0
text_in(percent, room) = room >= 24 ? sprintf("%.0f", percent) : ""
do for [t = 1 : n_tiles] {
    if (block_of[t] < 0) { continue }
    b = block_of[t]
    by_layer = column_of(t) == n_columns
    labelled = by_layer || column_of(t) == 1
    heading = fitted(tile_title[t], width_in[column_of(t)] + (labelled ? 40 : 10))
    load "panel.gnuplot"
    unset label
    if (column_of(t) == 1) {
        p = row_of(t)
        few = block_of[t + 1] >= 0 && high_n_classes[p] > 3 ? sprintf(": 3 of %.0f classes", high_n_classes[p]) : ""
        set label 1 fitted(text_panel[p] . few, width - 60) at screen across(30), down(top_of(t) - 48) left
    }
    set xrange [-0.5 : most_x[t] + 0.5]
    set yrange [most_y[t] + 0.5 : -0.5]
    set xlabel (by_layer ? "layer" : "head") offset 0, nearer
    set xtics ()
    room = width_in[column_of(t)] / (most_x[t] + 1)
    every_nth = int(ceil(20 / room))
    do for [k = 0 : int(most_x[t])] { if (k % every_nth == 0) { set xtics add (sprintf("%d", k + 1) k) } }
    plot data index b using cell_x:cell_y:(column(cell_x) - 0.49):(column(cell_x) + 0.49):(column(cell_y) - 0.47):(column(cell_y) + 0.47):percent \
             with boxxyerror linecolor palette, \
         data index b using cell_x:cell_y:(text_in(column(percent), room)):(column(percent) < 55 ? 0xFFFFFF : 0x000000) \
             with labels font small textcolor rgb variable, \
         data index b using (-0.5):(labelled && column(cell_x) == 0 ? column(cell_y) : NaN) \
             :(as_label(fitted(strcol(label), space_of[column_of(t)] - 20))) \
             with labels right offset -1, 0 textcolor rgb dark
}
unset label
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_more] keyentry with boxes linecolor palette cb 25 * (e - 1) title legend_text[e]
unset multiplot
