# What does training take of memory? On the left what the model holds for what, on the right the most that the process
# held, with all that is not the model's: two panels per workload, a row per arm. A plus is what the closed form predicts.
title_text = "Memory of training"
caption = sprintf("Means over seeds (n = %s), without bars. Left: memory that the model holds, by purpose. Right: the " \
    . "most that the process held, code, libraries and data included; on a card, what it held of the card's.", \
    range(lowest_n_seeds, highest_n_seeds))

array part_name[7] = ["parameters", "best parameters", "gradients", "optimiser", "activations", "training workspace", \
    "evaluation workspace"]
array part_colour[8] = [0x0072B2, 0x56B4E9, 0xD55E00, 0xE69F00, 0x009E73, 0xCC79A7, 0x404040, 0xB0B0B0]
part_of(p) = (sum [i = 1 : 7] (part_name[i] eq p ? i : 0))
colour_of_part(p) = part_colour[part_of(p) > 0 ? part_of(p) : 8]

n_tiles = 2 * n_panels
n_columns = 2
array tile_height[n_tiles]
longest = 0
do for [t = 1 : n_tiles] {
    i = (t + 1) / 2
    stats data index first_block[i] using (own = wide(strcol(arm)) * em, longest = own > longest ? own : longest, \
        column(place)) nooutput
    tile_height[t] = int((high_place[i] + 2) * 19)
}
first_space = between(120, longest + 30, 330)
column_width = 380
gap_x = 40
gap_y = 105
second_width = 230
n_entries = 0
n_more = 9
array legend_text[n_more]
do for [e = 1 : 7] { legend_text[e] = part_name[e] }
legend_text[8] = "the process, or another part"
legend_text[9] = "predicted by the closed form"
load "page.gnuplot"

set grid noytics
unset ytics
set xlabel "MiB" offset 0, nearer
once(begin, y) = begin == 0 ? y : NaN
do for [t = 1 : n_tiles] {
    i = (t + 1) / 2
    b = t % 2 ? first_block[i] : last_block[i]
    if (t % 2 == 0 && first_block[i] == last_block[i]) { continue }
    heading = t % 2 ? text_panel[i] : ""
    load "panel.gnuplot"
    set xrange [0 : *]
    set yrange [high_place[i] + 1 : -1]
    plot data index b using (0.5 * (column(begin_mib) + column(end_mib))):place:begin_mib:end_mib \
             :(column(place) - 0.36):(column(place) + 0.36):(colour_of_part(strcol(part))) \
             with boxxyerror linecolor rgb variable fillstyle solid border rgb 0xFFFFFF, \
         data index b using predicted_mib:place with points pointtype 1 pointsize 1.6 * size_mark linewidth 1.4 \
             linecolor rgb 0x000000, \
         data index b using (0):(t % 2 ? once(column(begin_mib), column(place)) : NaN) \
             :(as_label(fitted(strcol(arm), first_space - 20))) \
             with labels right offset -1, 0 textcolor rgb dark
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : 8] keyentry with boxes fillstyle solid border rgb 0xFFFFFF \
        linecolor rgb part_colour[e] title legend_text[e], \
    keyentry with points pointtype 1 pointsize 1.6 * size_mark linewidth 1.4 linecolor rgb 0x000000 title legend_text[9]
unset multiplot
