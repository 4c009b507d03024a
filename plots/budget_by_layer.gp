# How many heads do inputs get in each layer? One panel per workload; one bar per layer (from 1) of
# each BudgetFormer arm, cut into the shares of test inputs that run k heads.
load "plots/style.gnuplot"
title_text = "Where do the heads go? Executed heads per layer"

shares = "FROM budget_by_layer b JOIN accuracy_vs_budget a USING (workload, arm) WHERE policy = 'budgetformer'"
workloads = "(SELECT DISTINCT workload " . shares . " ORDER BY workload)"
n_panels = int(answer("SELECT count(*) FROM " . workloads))
if (n_panels == 0) { load "plots/no_data.gnuplot"; exit }
workload(i) = sprintf("workload = (SELECT * FROM " . workloads . " LIMIT 1 OFFSET %d)", i)

# Bars stand side by side, layer by layer, with a gap of one bar between arms.
bars(i) = "(SELECT arm, cost_weight, layer, k, share, dense_rank() OVER (ORDER BY cost_weight, arm) - 1 AS place, " \
    . "sum(share) OVER (PARTITION BY arm, layer ORDER BY k) AS top, max(layer) OVER () + 1 AS layers " \
    . shares . " AND " . workload(i) . ")"
least = int(answer("SELECT min(k) " . shares))
most = int(answer("SELECT max(k) " . shares))

# Many arms need the width of the page, and their names, which stand for what was tuned, stand upright.
most_arms = int(answer("SELECT max(n) FROM (SELECT count(DISTINCT arm) AS n " . shares . " GROUP BY workload)"))
crowded = most_arms > 5
eval start(n_panels, crowded ? 1 : columns_for(n_panels), most - least + 1)
set multiplot
set key off
set palette defined (0 "#00204D", 0.25 "#414D6B", 0.5 "#7C7B78", 0.75 "#BCAF6F", 1 "#FFEA46") # cividis
set cbrange [0:most]
unset colorbox
set yrange [0 : crowded ? 2.1 : 1.12] # room for the name of the arm
set ytics 0, 0.25, 1
set grid noxtics
placed_labels = crowded ? "left rotate by 90" : ""
do for [i = 0 : n_panels - 1] {
    eval panel(i)
    set title answer("SELECT " . line("workload") . " FROM workload_status WHERE " . workload(i))
    set ylabel (i % n_columns == 0 ? "share of test inputs" : "")
    set xlabel "layer" offset 0, nearer
    right = real(answer("SELECT max(place) * (layers + 1) + layers FROM " . bars(i)))
    set xrange [-0.7 : right - 0.3]
    set xtics () # from the data
    plot rows("SELECT place * (layers + 1) + layer, place * (layers + 1) + layer - 0.42, " \
              . "place * (layers + 1) + layer + 0.42, top - share, top, k FROM " . bars(i)) \
             using 1:4:2:3:4:5:6 with boxxyerror linecolor palette, \
         rows("SELECT DISTINCT place * (layers + 1) + layer, 1 + layer FROM " . bars(i)) \
             using 1:(0):xticlabels(2) with points pointtype 0 linecolor rgb "#404040", \
         rows("SELECT DISTINCT place * (layers + 1) + (layers - 1) / 2.0, " . (crowded ? "substr(" . line("arm") . ", 1, 20)" \
                 : "CASE WHEN cost_weight IS NULL THEN '' ELSE format('cost %g', cost_weight) END") . " FROM " . bars(i)) \
             using 1:(crowded ? 1.05 : 1.06):2 with labels @placed_labels textcolor rgb colour("budgetformer")
}
caption = sprintf("Shares over all test inputs and seeds (n = %s): counts, without error bars. Cost: weight of the budget in the loss.\nMachine: %s", seeds, machine)
eval legend
plot -1 notitle, for [k = least : most] keyentry with boxes linecolor palette cb k \
    title sprintf(k == 1 ? "%d head" : "%d heads", k)
unset multiplot
