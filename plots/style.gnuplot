# What all figures share: how to ask the database, panels, fonts and colours. Colours are Okabe and
# Ito's, which colour-blind readers can tell apart; marks differ in shape as well. Nothing here depends
# on time or machine: the same database gives the same bytes.

# Text from the database is only ever a value: put into an eval or a command it would be run.
# The environment names database, output and format (draw.sh); a path may then hold any character. SQL
# is fixed text with a number or a policy's name in it: workloads are asked for by their position.
answer(sql) = system(sprintf("sqlite3 -readonly \"$db\" \"%s\"", sql))
folded(sql, columns) = system(sprintf("sqlite3 -readonly \"$db\" \"%s\" | fold -s -w %d", sql, columns))
rows(sql) = sprintf("< sqlite3 -readonly -tabs -nullvalue NaN \"$db\" \"%s\"", sql)
set datafile separator tab
format = system("printf %s \"$format\"")

# The two terminals measure text and marks differently; these make them look alike.
svg = format eq "svg"
size_small = svg ? 12 : 9
size_normal = svg ? 13 : 10
size_title = svg ? 20 : 16
size_mark = svg ? 0.6 : 0.9
nearer = svg ? 0.6 : 0 # the axis label to its axis, in characters

# Policies by name go back into SQL, so only names without special characters are drawn.
plain_policy = "policy NOT GLOB '*[^a-z0-9-]*' AND "

# Names may hold a line break, which would break a row of data.
line(column) = sprintf("replace(replace(%s, char(10), ' '), char(9), ' ')", column)

# ---- policies: colour, mark and name; one that is not known here still gets drawn ----

# Colour says what kind of method it is, the mark which one of them.
trained_small = "fixed fixed-matched flop-matched wide"
pruned = "michel random-static voita dsp drophead"
routed = "moh moh-pool"
colour(p) = has(trained_small, p) ? "#0072B2" : p[1:12] eq "budgetformer" ? "#D55E00" \
          : has(pruned, p) ? "#56B4E9" : has(routed, p) ? "#E69F00" : p eq "random" ? "#009E73" \
          : p eq "none" ? "#CC79A7" : "#000000"
mark(p) = has("fixed michel moh", p) ? 7 : has("budgetformer voita", p) ? 9 : has("random dsp", p) ? 13 \
        : has("none fixed-matched", p) ? 5 : has("bag-of-words random-static", p) ? 2 \
        : has("wide drophead", p) ? 6 : has("moh-pool", p) ? 4 : has("flop-matched", p) ? 8 : 11
described(p) = p eq "fixed" ? "k fixed heads, trained with k" \
             : p eq "budgetformer" ? "BudgetFormer (number: cost weight)" \
             : p eq "random" ? "random heads per input" : p eq "none" ? "no attention" \
             : p eq "bag-of-words" ? "bag of words" : p
has(policies, p) = strstrt(" " . policies . " ", " " . p . " ") ? 1 : 0
# A part of a plot command for one policy, if it is there: gnuplot complains about a plot without points.
if_has(policies, p, part) = has(policies, p) ? ", " . part : ""
faint = "#8A8A8A"

# ---- phases of a forward pass: colour and mark; the order is that in which they run ----

every_phase = "embedding norm gate gather qkv map output ffn pool classifier"
colour_of(p) = has("qkv", p) ? "#0072B2" : has("map", p) ? "#D55E00" : has("output", p) ? "#56B4E9" \
             : has("ffn", p) ? "#009E73" : has("gate", p) ? "#E69F00" : has("norm", p) ? "#CC79A7" \
             : has("gather", p) ? faint : "#000000"
mark_of(p) = has("qkv", p) ? 7 : has("map", p) ? 9 : has("output", p) ? 5 : has("ffn", p) ? 13 \
           : has("gate", p) ? 11 : has("norm", p) ? 2 : has("embedding", p) ? 1 : has("pool", p) ? 3 \
           : has("gather", p) ? 4 : 6
phase_drawn = "with points linewidth 1.2 pointtype mark_of(p) linecolor rgb colour_of(p) pointsize size_mark"

# A bar is a vector without head: yerrorbars would cut a gap into it around the mark.
bar_drawn = "with vectors nohead linewidth 1.2 linecolor rgb colour(p)"
mark_drawn = "with points linewidth 1.2 pointtype mark(p) pointsize size_mark linecolor rgb colour(p)"
cost_drawn = "with labels font sprintf(',%d', size_small) textcolor rgb colour('budgetformer')"

# ---- panels: n_columns x n_rows of one size in pixels, a title above, legend and caption below ----

panel_width_of(columns) = columns == 1 ? 780 : 340
panel_height = 260
gap_x = 100
gap_y = 115
space_left = 95
space_right = 30
space_top = 90
# The number beside a BudgetFormer: its cost weight, where a file does not tune it.
cost_label = "CASE n_tuning_trials WHEN 1 THEN format('%g', cost_weight) ELSE '' END"
n_policies(from) = int(answer("SELECT max(5, count(DISTINCT policy)) " . from)) # lines of the legend
caption_height = 50
legend_line = 19
space_below = 80 # tics and axis label of the last row

# eval start(panels, columns, entries) opens a figure with that many panels, and legend entries.
start(panels, columns, entries) = sprintf( \
    "n_columns = %d; panel_width = %d; legend_columns = %d; width = %d; legend_top = %d; height = %d; " \
    . "load 'plots/open.gnuplot'", columns, panel_width_of(columns), legend_columns_of(columns), \
    space_left + columns * panel_width_of(columns) + (columns - 1) * gap_x + space_right, \
    legend_top_of((panels + columns - 1) / columns), \
    legend_top_of((panels + columns - 1) / columns) + caption_height \
        + (entries + legend_columns_of(columns) - 1) / legend_columns_of(columns) * legend_line)
legend_columns_of(columns) = columns < 3 ? 2 : 3
legend_top_of(n_rows) = space_top + n_rows * panel_height + (n_rows - 1) * gap_y + space_below
# At most three panels side by side, and four as two by two.
columns_for(panels) = panels < 4 ? panels : panels == 4 ? 2 : 3

across(pixels) = pixels / (1.0 * width)
down(pixels) = 1 - pixels / (1.0 * height)
left_of(i) = space_left + (i % n_columns) * (panel_width + gap_x)
top_of(i) = space_top + (i / n_columns) * (panel_height + gap_y)
box(left, right, top, bottom) = sprintf( \
    "set lmargin at screen %.6f; set rmargin at screen %.6f; " \
    . "set tmargin at screen %.6f; set bmargin at screen %.6f", \
    across(left), across(right), down(top), down(bottom))

# eval panel(i) makes the next plot the i-th panel, counted from 0, row by row.
panel(i) = box(left_of(i), left_of(i) + panel_width, top_of(i), top_of(i) + panel_height)

# eval legend makes the next plot the legend and the caption.
legend = "load 'plots/legend.gnuplot'"

# ---- what every caption says ----

machine = answer("SELECT coalesce(min(" . line("machine") . ") || CASE count(DISTINCT machine) WHEN 1 THEN '' " \
    . "ELSE ' and ' || (count(DISTINCT machine) - 1) || ' more' END, 'not recorded') FROM machine")
range(column) = sprintf("CASE WHEN min(%s) = max(%s) THEN max(%s) ELSE min(%s) || ' to ' || max(%s) END", \
                        column, column, column, column, column)
seeds = answer("SELECT " . range("n_seeds") . " FROM accuracy_vs_budget")
