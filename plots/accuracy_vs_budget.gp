# Accuracy on the test split against executed head budget k/H: one panel per workload. The fixed-head
# curve is what any budget method has to beat at the same budget.
load "plots/style.gnuplot"
title_text = "What do heads buy? Accuracy against executed heads"

n_panels = int(answer("SELECT count(*) FROM workload_status"))
if (n_panels == 0) { load "plots/no_data.gnuplot"; exit }

# The i-th workload, those without results last.
workload(i) = sprintf("workload = (SELECT workload FROM workload_status " \
                      . "ORDER BY n_ok = 0, workload LIMIT 1 OFFSET %d)", i)
arms = "FROM accuracy_vs_budget WHERE " . plain_policy # without controls: queries/controls.sql
policies(i) = answer(sprintf("SELECT group_concat(policy, ' ') FROM (SELECT DISTINCT policy " . arms . "%s " \
                   . "ORDER BY policy = 'budgetformer', policy)", workload(i)))
points(i, p) = rows(sprintf("SELECT head_budget, accuracy_mean, " \
    . "max(0, coalesce(accuracy_ci95_low, accuracy_mean)), " \
    . "min(1, coalesce(accuracy_ci95_high, accuracy_mean)), %s " \
    . arms . "%s AND policy = '%s' ORDER BY head_budget", cost_label, workload(i), p))

# Two policies run no heads: side by side, so that neither hides the other.
shifted(x, p) = p eq "bag-of-words" ? x - 0.03 : x

eval start(n_panels, columns_for(n_panels), n_policies(arms . "1"))
set multiplot
set xrange [-0.06:1.06]
set xtics 0, 0.25, 1
all_policies = ""
do for [i = 0 : n_panels - 1] {
    eval panel(i)
    set title answer("SELECT " . line("workload") . " || coalesce(' (' || nullif(ltrim(" \
        . "coalesce(nullif(" . line("granularity") . ", '-'), '') " \
        . "|| coalesce(', ' || n_classes || ' classes', ''), ', '), '') || ')', '') " \
        . "FROM workload_status WHERE " . workload(i))
    set xlabel "executed head budget k/H" offset 0, nearer
    set ylabel (i % n_columns == 0 ? "test accuracy" : "")
    set key off
    present = policies(i)
    if (strlen(present) == 0) {
        set label 1 folded("SELECT CASE WHEN n_skipped > 0 THEN 'skipped: ' || reason " \
            . "ELSE 'no data yet' END FROM workload_status WHERE " . workload(i), 38) \
            at graph 0.5, 0.6 center textcolor rgb faint
        set yrange [0:1]
        set ytics 0, 0.25, 1
        plot -1
        unset label 1
    } else {
        # From the lowest to the highest bar, at least a tenth, and room for the labels.
        low = real(answer("SELECT min(max(0, coalesce(accuracy_ci95_low, accuracy_mean))) " . arms . workload(i)))
        high = real(answer("SELECT max(min(1, coalesce(accuracy_ci95_high, accuracy_mean))) " . arms . workload(i)))
        low = (high - low < 0.1 ? high - 0.1 : low)
        dy = 0.05 * (high - low)
        set yrange [low - 2 * dy : high + 2 * dy]
        set ytics autofreq
        chance = real(answer("SELECT coalesce(1.0 / n_classes, 0) FROM workload_status WHERE " . workload(i)))
        eval "plot chance with lines linecolor rgb faint dashtype 2, " \
            . "for [p in present] points(i, p) using (shifted($1, p)):3:(0):($4 - $3) " . bar_drawn . ", " \
            . "for [p in present] points(i, p) using (shifted($1, p)):2 " . mark_drawn \
            . if_has(present, "fixed", "points(i, 'fixed') using 1:2 with lines linewidth 1.5 linecolor rgb colour('fixed')") \
            . if_has(present, "budgetformer", "points(i, 'budgetformer') using 1:(int($0) % 2 ? $3 - dy : $4 + dy):5 " . cost_drawn)
        do for [p in present] {
            if (!has(all_policies, p)) { all_policies = all_policies . " " . p }
        }
    }
}
caption = sprintf("Points: mean over seeds (n = %s) on the test split. Bars: 95%% t-interval of the mean over seeds, cut at 0 and 1. Dashed: 1 / classes.\nMachine: %s", seeds, machine)
eval legend
eval "plot -1 notitle, for [p in all_policies] keyentry " . mark_drawn . " title described(p)"
unset multiplot
