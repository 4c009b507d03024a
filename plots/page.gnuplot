# Opens the picture: measures the caption and the legend, and so the page, and writes title and caption. The
# figure has set title_text and caption, and what it wants otherwise than style.gnuplot: n_tiles,
# n_columns, column_width, tile_height, columns of different widths (own_width and own_space, an array each),
# n_more and its legend_text.
if (!exists("column_width")) { column_width = default_width(n_columns) }
array space_of[n_columns]
array width_in[n_columns]
do for [c = 1 : n_columns] {
    space_of[c] = exists("own_space") ? own_space[c] : c == 1 ? first_space : gap_x
    width_in[c] = exists("own_width") ? own_width[c] : exists("second_width") && c == 2 ? second_width : column_width
}
n_rows = (n_tiles + n_columns - 1) / n_columns
array row_height[n_rows]
do for [r = 1 : n_rows] {
    row_height[r] = 0
    do for [t = (r - 1) * n_columns + 1 : r * n_columns] {
        if (t <= n_tiles) {
            tile = exists("tile_height") ? tile_height[t] : panel_height
            row_height[r] = tile > row_height[r] ? tile : row_height[r]
        }
    }
}
column_of(t) = (t - 1) % n_columns + 1
row_of(t) = (t - 1) / n_columns + 1
left_of(t) = (sum [c = 1 : column_of(t)] space_of[c]) + (sum [c = 1 : column_of(t) - 1] width_in[c])
top_of(t) = space_top + (row_of(t) - 1) * gap_y + (sum [r = 1 : row_of(t) - 1] row_height[r])
width = left_of(n_columns) + width_in[n_columns] + space_right

# ---- legend: as many columns as its longest entry allows; gnuplot takes every letter for 8.7 pixels ----

n_legend = n_entries + n_more
longest = 0
do for [e = 1 : n_legend] {
    legend_text[e] = fitted(shortened(legend_text[e], int((width - 150) / 8.7)), width - 150)
    own = wide(legend_text[e]) * em
    own = own < 8.7 * strlen(legend_text[e]) ? 8.7 * strlen(legend_text[e]) : own
    longest = own > longest ? own : longest
}
legend_columns = int((width - 60) / (longest + 60))
legend_columns = legend_columns < 1 ? 1 : legend_columns > 4 ? 4 : legend_columns
legend_columns = legend_columns > n_legend && n_legend > 0 ? n_legend : legend_columns
legend_top = top_of((n_rows - 1) * n_columns + 1) + row_height[n_rows] + space_below
legend_height = n_legend > 0 ? (n_legend + legend_columns - 1) / legend_columns * line_height + 12 : 0

# ---- caption ----

text = caption . (strlen(left_out_workloads) ? "\n" . left_out_workloads : "") . "\nMachine: " . machine
room = width - 60
load "wrap.gnuplot"
caption_lines = wrapped
caption_top = legend_top + legend_height + 12
height = caption_top + n_lines * line_height + 14

# ---- the file: the font is whatever sans-serif there is, and text is never read as markup ----

if (svg) {
    set terminal svg size width, height noenhanced font sprintf("sans-serif,%d", size_normal) \
        background "#FFFFFF" name "headroom"
}
if (pdf) {
    # A pixel of the SVG is 1/96 inch, as browsers have it; fonts and marks are measured in 1/72.
    set terminal pdfcairo size width / 96.0, height / 96.0 noenhanced \
        font sprintf("sans-serif,%d", size_normal) fontscale 0.75 linewidth 1 pointscale 0.75 background "#FFFFFF"
}
if (!svg && !pdf) {
    set terminal pngcairo size 2 * width, 2 * height noenhanced \
        font sprintf("sans-serif,%d", size_normal) fontscale 2 linewidth 2 pointscale 2 background "#FFFFFF"
}
set output picture
set border 3 linecolor rgb dark
set tics nomirror out scale 0.6
set grid linecolor rgb 0xE4E4E4 linetype 1
set style fill solid noborder
set key off
set style textbox opaque noborder fillcolor rgb 0xFFFFFF margins 0.2, 0.2 # behind labels, in front of lines
set multiplot
across(pixels) = pixels / (1.0 * width)
down(pixels) = 1 - pixels / (1.0 * height)
