# Which heads run, and how many for which class? Two heat maps for each arm: on the left a row for each layer of each
# trained model, with the share of test inputs that compute each head; on the right a row for each class, with the
# heads computed in each layer. One scale for both, so that a colour is the same share; the number is in the cell.
title_text = "Which heads run, and for which classes?"
caption = sprintf("Left: %% of test inputs that compute a head, in each trained model (n = %s seeds); heads of one number " \
    . "have nothing in common between seeds. Right: heads computed for the inputs of a class, %% of the layer's, mean over " \
    . "seeds; of many classes those with the most and with the fewest. Which heads a class gets is not stored.", \
    range(lowest_n_seeds, highest_n_seeds))

n_tiles = 2 * n_panels
n_columns = 2
row = 19
array tile_height[n_tiles]
array most_x[n_tiles]
array most_y[n_tiles]
array longest[2] # label of a row, on the left and on the right
longest[1] = 0; longest[2] = 0
block_of(t) = t % 2 ? first_block[(t + 1) / 2] : last_block[(t + 1) / 2]
is_there(t) = t % 2 || first_block[t / 2] < last_block[t / 2] # an arm without predictions has no classes
do for [t = 1 : n_tiles] {
    side = 2 - t % 2
    stats data index block_of(t) using (own = wide(strcol(label)) * em, \
        longest[side] = own > longest[side] ? own : longest[side], column(cell_y)) nooutput
    most_y[t] = STATS_max
    stats data index block_of(t) using cell_x nooutput
    most_x[t] = STATS_max
    tile_height[t] = int((most_y[t] + 1) * row)
}
first_space = between(100, longest[1] + 30, 230)
gap_x = between(60, longest[2] + 30, 230)
gap_y = 105
column_width = 340
second_width = 220
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
    if (!is_there(t)) { continue }
    by_head = t % 2
    b = block_of(t)
    heading = by_head ? text_panel[(t + 1) / 2] : ""
    load "panel.gnuplot"
    set xrange [-0.5 : most_x[t] + 0.5]
    set yrange [most_y[t] + 0.5 : -0.5]
    set xlabel (by_head ? "head" : "layer") offset 0, nearer
    set xtics ()
    every_nth = int(ceil((most_x[t] + 1) / 16))
    do for [k = 0 : int(most_x[t])] { if (k % every_nth == 0) { set xtics add (sprintf("%d", k + 1) k) } }
    room = width_in[column_of(t)] / (most_x[t] + 1)
    plot data index b using cell_x:cell_y:(column(cell_x) - 0.49):(column(cell_x) + 0.49):(column(cell_y) - 0.47):(column(cell_y) + 0.47):percent \
             with boxxyerror linecolor palette, \
         data index b using cell_x:cell_y:(text_in(column(percent), room)):(column(percent) < 55 ? 0xFFFFFF : 0x000000) \
             with labels font small textcolor rgb variable, \
         data index b using (-0.5):(column(cell_x) == 0 ? column(cell_y) : NaN) \
             :(as_label(fitted(strcol(label), (by_head ? first_space : gap_x) - 20))) \
             with labels right offset -1, 0 textcolor rgb dark
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_more] keyentry with boxes linecolor palette cb 25 * (e - 1) title legend_text[e]
unset multiplot
