# Writes labels beside the points of the blocks label_first to label_last: the text of column label_text, where
# it is not empty, in the colour of its series. A label covers neither marks, bars nor other labels: it takes
# the first free place above, below or beside its point, then ever further away, where a line leads to
# the point. Columns label_x, label_low and label_high say where marks and bars are; x_low, x_high, y_low
# and y_high how far the axes reach; scaled(y) is the scale of the y axis. Distances are pixels within
# panel t.
n_bars = 0
array bar_x[2000]
array bar_low[2000]
array bar_high[2000]
array bar_half[2000] # half of its width
array bar_text[2000]
array bar_block[2000]
room_x = width_in[column_of(t)]
to_right(x) = (x - x_low) / (x_high - x_low) * room_x
to_top(y) = (scaled(y) - y_low) / (y_high - y_low) * panel_height
known(x) = x == x ? x : -1e4
stats data index label_first : label_last using (n_bars = n_bars < 1000 ? n_bars + 1 : n_bars, \
    bar_x[n_bars] = known(to_right(column(label_x))), bar_low[n_bars] = known(to_top(column(label_low))) - 5, \
    bar_high[n_bars] = known(to_top(column(label_high))) + 5, bar_half[n_bars] = 5, \
    bar_text[n_bars] = strcol(label_text), bar_block[n_bars] = column(-2), \
    0.5 * (y_low + y_high)) nooutput # a number in range, or stats complains
n_covering = n_bars
covered(x, y, half) = sum [o = 1 : n_covering] (abs(x - bar_x[o]) < half + bar_half[o] \
    && y - 7 < bar_high[o] && y + 7 > bar_low[o])
fits(x, y, half) = x > half && x + half < room_x + 15 && y > 8 && y < panel_height - 4 && !covered(x, y, half)
array toward_x[8] = [0, 0, 1, -1, -1, -1, 1, 1]
array toward_y[8] = [1, -1, 0, 0, 1, -1, 1, -1]
do for [k = 1 : n_bars] {
    if (strlen(bar_text[k]) == 0) { continue }
    half = 0.5 * wide(bar_text[k]) * em_small
    middle = 0.5 * (bar_low[k] + bar_high[k])
    found = 0
    do for [place = 0 : 95] {
        if (found) { continue }
        away = 14 * (place / 8)
        side = toward_x[place % 8 + 1]
        rise = toward_y[place % 8 + 1]
        at_x = bar_x[k] + side * (half + 8 + away)
        at_y = rise > 0 ? bar_high[k] + 8 + away : rise < 0 ? bar_low[k] - 8 - away : middle
        found = fits(at_x, at_y, half)
    }
    if (!found) { continue }
    set label 100 + k bar_text[k] at graph at_x / room_x, graph at_y / panel_height center front boxed font small \
        textcolor rgb colour(series_of[int(bar_block[k]) + 1])
    if (away > 0) {
        set arrow 100 + k from graph (at_x - side * half) / room_x, graph (at_y - 7 * rise) / panel_height \
            to graph bar_x[k] / room_x, graph middle / panel_height nohead linewidth 0.5 \
            linecolor rgb colour(series_of[int(bar_block[k]) + 1])
    }
    n_covering = n_covering + 1
    bar_x[n_covering] = at_x
    bar_low[n_covering] = at_y - 7
    bar_high[n_covering] = at_y + 7
    bar_half[n_covering] = half + 4 # two numbers side by side are not to read as one
}
