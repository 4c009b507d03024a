# What all figures share: sizes, colours, marks and names. Colours are Okabe and Ito's, which colour-blind
# readers can tell apart; marks differ in shape as well, for print in black and white. Nothing here
# depends on time or machine: the same data give the same bytes.

# ---- sizes: pixels of the SVG; a PNG has twice as many, for sharp print, and a PDF inches of 96 of them ----

# The two terminals measure text and marks differently; these make them look alike.
size_small = svg ? 12 : 9
size_normal = svg ? 13 : 10
size_title = svg ? 20 : 16
size_mark = svg ? 0.6 : 0.9
size_dot = svg ? 0.35 : 0.5 # of a single seed
nearer = svg ? 0.6 : 0 # the axis label to its axis, in characters
small = sprintf(",%d", size_small)
em = 13.4 # pixels of the normal font's size
em_small = 12.1

# Width of a text in ems, by the widths of DejaVu Sans, which is wider than most fonts. Letters that are
# not listed are taken to be as wide as they get.
width_of(c) = strstrt(' .,:;|/\ijlIJ', c) || c eq "'" ? 0.34 : strstrt('frt()[]-!', c) ? 0.42 \
            : strstrt('csvxyz"_*?`', c) ? 0.59 : strstrt('abdeghknopqu0123456789EFLPSTYZ{}$', c) ? 0.65 \
            : strstrt('ABCDGHKNOQRUVX&', c) ? 0.79 : strstrt('w+=<>#~^M', c) ? 0.86 : 1.0
wide(text) = sum [i = 1 : strlen(text)] width_of(text[i : i])
# The text, or so many letters of its beginning and end.
shortened(text, n) = strlen(text) <= n ? text : text[1 : (n + 1) / 2] . "…" . text[strlen(text) - n / 2 + 1 : *]
# The text, or as much of it as fits into so many pixels of the normal font.
fitted(text, room) = wide(text) * em <= room ? text \
    : shortened(text, int(strlen(text) * (room - em) / (wide(text) * em)))
# A text for `with labels`, which reads escapes in what an expression gives: every backslash twice.
as_label(text) = strstrt(text, "\\") \
    ? text[1 : strstrt(text, "\\")] . "\\" . as_label(text[strstrt(text, "\\") + 1 : *]) : text
between(low, x, high) = x < low ? low : x > high ? high : x

# ---- policies: colour, mark and name; one that is not known here still gets drawn. Those with a budget are known
# ---- by what they declare: `budgeted` and `weighted` come from page.sql

# The place of a word in a list, from 1; 0 where it is not in it.
place_in(list, p) = sum [j = 1 : words(list)] (word(list, j) eq p ? j : 0)
# Colour says what kind of method it is, the mark which one of them: gnuplot's fifteen marks, in order.
trained_small = "fixed fixed-matched flop-matched wide"
pruned = "michel random-static voita dsp drophead"
routed = "moh moh-pool"
budget_colour = 0xD55E00
colour(p) = place_in(trained_small, p) ? 0x0072B2 : place_in(budgeted, p) ? budget_colour \
          : place_in(pruned, p) ? 0x56B4E9 : place_in(routed, p) ? 0xE69F00 : p eq "random" ? 0x009E73 \
          : p eq "none" ? 0xCC79A7 : 0x000000
marked = "drophead bag-of-words dsp moh-pool none wide fixed flop-matched (budget) (budget) voita " \
       . "random-static random michel moh"
budget_marks = "9 10 6 4 8 12 14 2" # by their place in the database
# Those that are not listed take marks from the end, by how many of them stand before on the page.
is_other(p) = !place_in(marked, p) && !place_in(budgeted, p) && p ne "fixed-matched"
others_before(p) = sum [m = 1 : n_entries] (is_other(entry[m]) && (sum [o = 1 : m] (entry[o] eq p)) == 0)
mark(p) = place_in(budgeted, p) ? word(budget_marks, (place_in(budgeted, p) - 1) % words(budget_marks) + 1) + 0 \
        : place_in(marked, p) ? place_in(marked, p) : p eq "fixed-matched" ? 5 : 15 - others_before(p) % 15
described(p) = p eq "fixed" ? "k fixed heads, trained with k" \
             : p eq "random" ? "random heads per input" : p eq "none" ? "no attention" \
             : p eq "bag-of-words" ? "bag of words" : p eq "bag-of-bigrams" ? "bag of words and bigrams" : p
# The same in figures that write the column `cost` beside the marks; NaN: no arm has one.
numbered(p) = described(p) . (place_in(weighted, p) && highest_cost == highest_cost ? " (number: cost weight)" : "")
faint = 0x8A8A8A
dark = 0x404040

# ---- arms, where several of one method share a panel: by their place in the legend, seven colours and six marks

entry_of(s) = sum [e = 1 : n_entries] (entry[e] eq s ? e : 0)
array arm_colours[7] = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x000000]
array arm_marks[6] = [7, 9, 5, 13, 11, 15]
arm_colour(s) = arm_colours[(entry_of(s) - 1) % 7 + 1]
arm_mark(s) = arm_marks[(entry_of(s) - 1) % 6 + 1]
arm_dash(s) = (entry_of(s) - 1) % 5 + 1

# ---- phases of a forward pass, in the order in which they run ----

every_phase = "embedding norm gate gather qkv map output ffn pool classifier transfer"
phase_number(p) = place_in(every_phase, p)
array phase_colour[11] = [0x595959, 0xCC79A7, 0xE69F00, 0xA0A0A0, 0x0072B2, 0xD55E00, 0x56B4E9, 0x009E73, \
    0x8B5A2B, 0x000000, 0xF0E442]
array phase_mark[11] = [1, 2, 11, 4, 7, 9, 5, 13, 3, 6, 8]
colour_of(p) = phase_number(p) ? phase_colour[phase_number(p)] : 0x000000
mark_of(p) = phase_number(p) ? phase_mark[phase_number(p)] : 15
text_on(p) = place_in("gate gather output transfer", p) ? 0x000000 : 0xFFFFFF # which can be read on that colour

# ---- what is drawn of a series; these are the only macros, and constant ----

# A bar is a vector without head: yerrorbars would cut a gap into it around the mark.
bar_drawn = "with vectors nohead linewidth 1.2 linecolor rgb colour(series_of[b + 1])"
mark_drawn = "with points linewidth 1.2 pointsize size_mark pointtype mark(series_of[b + 1]) " \
    . "linecolor rgb colour(series_of[b + 1])"
entry_drawn = "with points linewidth 1.2 pointsize size_mark pointtype mark(entry[e]) linecolor rgb colour(entry[e])"

# ---- a page, unless a figure says otherwise: panels in columns ----

n_tiles = n_panels
columns_for(n) = n < 4 ? n : n == 4 ? 2 : 3 # at most three side by side, and four as two by two
n_columns = columns_for(n_tiles)
default_width(columns) = columns == 1 ? 780 : 340
panel_height = 260
first_space = 95 # to the left of the first column
gap_x = 100 # to the left of the others
gap_y = 115
space_right = 30
space_top = 90
space_below = 70 # tics and axis label of the last row
line_height = svg ? 19.5 : 16

# The legend: an entry for each series, and n_more that a figure adds.
n_more = 0
array legend_text[n_entries + 10]
do for [e = 1 : n_entries] { legend_text[e] = described(entry[e]) }

scaled(y) = y # the y axis is linear

# What a caption says of what is no point, where there is any.
left_out(n, of, what, why) = n > 0 ? sprintf("Left out: %d of %d %s, %s. ", n, of, what, why) : ""
# "3", or "2 to 3".
range(low, high) = low == high ? sprintf("%g", low) : sprintf("%g to %g", low, high)
