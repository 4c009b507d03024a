-- What two summaries of the paper behind this project (arXiv 2604.22583; its full text was not available)
-- report, beside our reading of it on sets that are not the paper's: parts of them, or others of the same kind
-- (workloads/signatures-*.yaml). Accuracies in percent, ours as means over seeds with half of their 95%
-- t-intervals, in each of the three ways to run the chosen heads; as_trained: with the gates of training's
-- end and all heads; entropy: of the head scores over its maximum, 0: one head has it all.
.mode column
.headers on
WITH paper (place, says, paper_set, workload, arm, accuracy, mean_s) AS (VALUES
    (1, 'all heads', 'DBpedia', 'signatures-dbpedia-classes', 'fixed-8', 98.30, NULL),
    (1, 'all heads', 'SNLI', 'signatures-snli', 'fixed-8', 78.35, NULL),
    (1, 'all heads', 'Yelp', 'signatures-yelp5', 'fixed-8', 58.10, NULL),
    (1, 'all heads', 'AG News', 'signatures-agnews', 'fixed-8', 90.99, NULL),
    (1, 'all heads', 'IMDB', 'signatures-imdb', 'fixed-8', 83.54, NULL),
    (1, 'all heads', '', 'signatures-offsets', 'fixed-8', NULL, NULL),
    (2, 'learned s', 'DBpedia', 'signatures-dbpedia-classes', 'reading', 98.59, 0.085),
    (2, 'learned s', 'SNLI', 'signatures-snli', 'reading', 81.06, 0.364),
    (2, 'learned s', 'Yelp', 'signatures-yelp5', 'reading', 61.90, 0.198),
    (2, 'learned s', 'AG News', 'signatures-agnews', 'reading', 90.22, 0.212),
    (2, 'learned s', 'IMDB', 'signatures-imdb', 'reading', 83.56, 0.601),
    (2, 'learned s', '', 'signatures-offsets', 'reading', NULL, NULL),
    (3, 's = 0.1, no f_o', 'DBpedia', 'signatures-dbpedia-classes', 'reading-s-0.1', 98.46, 0.1),
    (3, 's = 0.1, no f_o', 'SNLI', 'signatures-snli', 'reading-s-0.1', 67.04, 0.1),
    (3, 's = 0.1, no f_o', 'Yelp', 'signatures-yelp5', 'reading-s-0.1', 58.18, 0.1),
    (3, 's = 0.1, no f_o', '', 'signatures-offsets', 'reading-s-0.1', NULL, 0.1),
    (4, 's = 0.25, no f_o', 'DBpedia', 'signatures-dbpedia-classes', 'reading-s-0.25', 94.78, 0.25),
    (4, 's = 0.25, no f_o', 'SNLI', 'signatures-snli', 'reading-s-0.25', 75.98, 0.25),
    (4, 's = 0.25, no f_o', 'Yelp', 'signatures-yelp5', 'reading-s-0.25', 58.13, 0.25),
    (4, 's = 0.25, no f_o', '', 'signatures-offsets', 'reading-s-0.25', NULL, 0.25),
    (5, 's = 0.5, no f_o', 'DBpedia', 'signatures-dbpedia-classes', 'reading-s-0.5', 62.02, 0.5),
    (5, 's = 0.5, no f_o', 'SNLI', 'signatures-snli', 'reading-s-0.5', 58.38, 0.5),
    (5, 's = 0.5, no f_o', 'Yelp', 'signatures-yelp5', 'reading-s-0.5', 27.37, 0.5),
    (5, 's = 0.5, no f_o', '', 'signatures-offsets', 'reading-s-0.5', NULL, 0.5),
    (6, 's = 1, no f_o', 'DBpedia', 'signatures-dbpedia-classes', 'reading-s-1', 16.70, 1),
    (6, 's = 1, no f_o', 'SNLI', 'signatures-snli', 'reading-s-1', 31.90, 1),
    (6, 's = 1, no f_o', 'Yelp', 'signatures-yelp5', 'reading-s-1', 7.43, 1),
    (6, 's = 1, no f_o', '', 'signatures-offsets', 'reading-s-1', NULL, 1),
    (7, 'random gates, no g_d', 'DBpedia', 'signatures-dbpedia-classes', 'reading-random', 75.11, NULL),
    (7, 'random gates, no g_d', 'SNLI', 'signatures-snli', 'reading-random', 33.70, NULL),
    (7, 'random gates, no g_d', 'Yelp', 'signatures-yelp5', 'reading-random', 32.44, NULL),
    (7, 'random gates, no g_d', '', 'signatures-offsets', 'reading-random', NULL, NULL),
    (8, '2,000 to train', '', 'signatures-agnews-2k', 'reading', NULL, NULL),
    (9, '8,000 to train', '', 'signatures-agnews', 'reading', NULL, NULL),
    (10, '28,759 to train', '', 'signatures-agnews-28k', 'reading', NULL, NULL),
    (11, 'width 32', '', 'signatures-agnews-dim-32', 'reading', NULL, NULL),
    (12, 'width 64', '', 'signatures-agnews', 'reading', NULL, NULL),
    (13, 'width 128', '', 'signatures-agnews-dim-128', 'reading', NULL, NULL)
), seen AS (
    SELECT *, printf('%.1f', 100 * accuracy_mean)
              || CASE WHEN n_seeds < 2 THEN ''
                      ELSE printf(' ± %.1f', 100 * (accuracy_ci95_high - accuracy_mean)) END AS text
    FROM accuracy_vs_budget
)
SELECT p.says, nullif(p.paper_set, '') AS paper_set, p.accuracy AS paper_accuracy, p.mean_s AS paper_s,
       substr(p.workload, length('signatures-') + 1) AS our_set, own.text AS plain, mass.text AS mass,
       raw.text AS raw, round(100 * own.trained_accuracy, 1) AS as_trained, round(own.mean_s, 3) AS our_s,
       round(own.mean_heads, 2) AS our_heads, round(own.score_entropy, 2) AS entropy, own.n_seeds
FROM paper p JOIN seen own ON own.workload = p.workload AND own.arm = p.arm
LEFT JOIN seen mass ON mass.workload = p.workload AND mass.arm = p.arm || ' (mode:mass)'
LEFT JOIN seen raw ON raw.workload = p.workload AND raw.arm = p.arm || ' (mode:raw)'
ORDER BY p.place, p.paper_set = '', p.paper_set;
