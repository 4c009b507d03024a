# Do finer classes or longer texts need more heads? Heads needed to stay within 1 point of all heads,
# against the number of classes and against the mean length. A row of panels for k fixed heads and one
# for BudgetFormer; workloads on the same texts (one corpus) have one colour and are joined.
load "plots/style.gnuplot"
title_text = "How many heads stay within 1 point of all heads?"

# Read once: the view looks at every prediction. Columns: row of panels, series, heads of the mark, classes,
# tokens, lowest and highest possible, what is known (0: a range, 1: the number, 2: that no arm is within), all
# heads, and places from the middle among those of as many classes and of about as many tokens.
every_series = "SELECT DISTINCT coalesce(corpus, workload) AS series FROM data_set WHERE n_classes > 0 AND mean_length_tokens > 0"
set print $needed
print answer("WITH placed AS (SELECT series, row_number() OVER (ORDER BY series) AS place FROM (" . every_series . ")), " \
    . "known AS MATERIALIZED (SELECT * FROM heads_needed WHERE policy IN ('fixed', 'budgetformer')) " \
    . "SELECT replace(printf('%d %d %g %d %g %g %g %d %d %g %g', policy <> 'fixed', place, " \
    . "coalesce(heads_needed, heads_estimate, heads), n_classes, mean_length_tokens, " \
    . "coalesce(heads_low, heads), coalesce(heads_high, heads), " \
    . "CASE WHEN heads_low IS NULL THEN 2 ELSE heads_needed IS NOT NULL END, heads, " \
    . "row_number() OVER as_many - (1 + count(*) OVER (PARTITION BY policy, n_classes)) / 2.0, " \
    . "row_number() OVER as_long - (1 + count(*) OVER (PARTITION BY policy, round(mean_length_tokens))) / 2.0), ' ', char(9)) " \
    . "FROM known JOIN data_set d USING (workload) JOIN placed ON series = coalesce(corpus, d.workload) " \
    . "WHERE n_classes > 0 AND mean_length_tokens > 0 " \
    . "WINDOW as_many AS (PARTITION BY policy, n_classes ORDER BY place, workload), " \
    . "as_long AS (PARTITION BY policy, round(mean_length_tokens) ORDER BY place, n_classes, workload) " \
    . "ORDER BY policy <> 'fixed', place, n_classes, workload")
set print
n_points = strlen($needed[1]) == 0 ? 0 : |$needed|
if (n_points == 0) { load "plots/no_data.gnuplot"; exit }

# ---- what there is ----

cell(i, column) = real(word($needed[i], column))
family(r) = r == 0 ? "k fixed heads" : "BudgetFormer"
present = "" # " row:series" of every line
all_series = ""
top = 1
low_4 = 1e9; low_5 = 1e9; high_4 = 0; high_5 = 0
do for [i = 1 : n_points] {
    one = sprintf("%d:%d", cell(i, 1), cell(i, 2))
    if (!has(present, one)) { present = present . " " . one }
    if (!has(all_series, word($needed[i], 2))) { all_series = all_series . " " . word($needed[i], 2) }
    top = cell(i, 9) > top ? cell(i, 9) : top
    low_4 = cell(i, 4) < low_4 ? cell(i, 4) : low_4
    low_5 = cell(i, 5) < low_5 ? cell(i, 5) : low_5
    high_4 = cell(i, 4) > high_4 ? cell(i, 4) : high_4
    high_5 = cell(i, 5) > high_5 ? cell(i, 5) : high_5
}
name(s) = answer(sprintf("SELECT substr(" . line("series") . ", 1, 30) FROM (" . every_series . ") ORDER BY series LIMIT 1 OFFSET %d", s - 1))
has_row(r) = strstrt(present, sprintf(" %d:", r)) > 0
first_row = has_row(0) ? 0 : 1
n_rows = has_row(0) && has_row(1) ? 2 : 1

# Six colours, and a mark that changes with every round of them; filled: known, open: not.
colours = "#0072B2 #D55E00 #009E73 #CC79A7 #E69F00 #56B4E9"
colour_of(s) = word(colours, (s - 1) % 6 + 1)
filled(s) = int(word("7 5 9 13", (s - 1) / 6 % 4 + 1))
mark_of(s, what) = what == 2 ? 2 : what == 1 ? filled(s) : filled(s) - 1

# Equal values stand side by side.
n_series = words(all_series)
width_of(c) = c == 4 ? log(1.7 * high_4 / low_4) : log(1.7 * high_5 / low_5)
chosen(r, s, c) = sprintf("(column(1) == %d && column(2) == %s ? column(%d) * exp(0.024 * width_of(%d) * column(%d)) : NaN)", \
                          r, s, c, c, c + 6)

caption_height = 86 # four lines
eval start(2 * n_rows, 2, n_series + 3)
set multiplot
set key off
set logscale x
set yrange [-0.3 : top + 0.5]
set ytics 0, top > 12 ? 4 : top > 6 ? 2 : 1
do for [i = 0 : 2 * n_rows - 1] {
    r = first_row + i / 2
    c = 4 + i % 2
    eval panel(i)
    set title family(r)
    set xlabel (c == 4 ? "classes" : "mean length in tokens") offset 0, nearer
    set ylabel (c == 4 ? "heads per layer" : "")
    set xrange [(c == 4 ? low_4 : low_5) / 1.3 : (c == 4 ? high_4 : high_5) * 1.3]
    if (width_of(c) < 3) {
        set xtics (2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
    } else {
        set xtics (2, 5, 10, 20, 50, 100, 200, 500, 1000)
    }
    parts = ""
    do for [s in all_series] {
        if (has(present, sprintf("%d:%s", r, s))) {
            x = chosen(r, s, c)
            parts = parts . sprintf(", $needed using %s:3 with lines linewidth 1 linecolor rgb colour_of(%s)", x, s) \
                . sprintf(", $needed using %s:6:(0):($7 - $6) with vectors nohead linewidth 1.2 linecolor rgb colour_of(%s)", x, s) \
                . sprintf(", $needed using %s:3:(mark_of(%s, column(8))) with points pointtype variable pointsize 1.4 * size_mark linewidth 1.2 linecolor rgb colour_of(%s)", x, s, s)
        }
    }
    eval "plot top with lines linecolor rgb faint dashtype 2" . parts
}
unset logscale
caption = "Filled: the fewest heads that demonstrably lose at most 1 point of test accuracy: 95% interval over seeds (n = " . seeds . ")\n" \
    . "and test inputs, paired with all heads (dashed). Open: none can be shown to; the mark is the fewest whose mean\n" \
    . "loss is at most 1 point. Bars: what cannot be ruled out, among the trained budgets. Equal values stand side by side.\n" \
    . "Machine: " . machine
eval legend
eval "plot -1 notitle, for [s in all_series] keyentry with linespoints linecolor rgb colour_of(int(s)) pointtype filled(int(s)) pointsize 1.4 * size_mark title name(int(s)), " \
    . "keyentry with points pointtype 7 linecolor rgb faint pointsize 1.4 * size_mark title 'known', " \
    . "keyentry with points pointtype 6 linecolor rgb faint pointsize 1.4 * size_mark title 'not resolved', " \
    . "keyentry with points pointtype 2 linecolor rgb faint pointsize 1.4 * size_mark title 'every arm loses more'"
unset multiplot
