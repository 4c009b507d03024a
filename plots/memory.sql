-- What training a model takes of memory, in MiB: a panel per workload and device, with a row per arm (place: from 0,
-- the most first). Series 'parts': what is held for what from begin_mib to end_mib; series
-- 'peak': of the process, or of what it holds on a card; predicted_mib: by the closed form, NULL where that says
-- nothing. Means over n_seeds seeds.
WITH taken AS MATERIALIZED (
    SELECT *, bytes / 1048576 AS mib, predicted_bytes / 1048576 AS predicted
    FROM memory_by_purpose WHERE kind = 'train' AND bytes IS NOT NULL
), part AS MATERIALIZED ( -- `arena training` is their sum
    SELECT *, CASE device WHEN 'cpu' THEN substr(what, length('arena ') + 1)
                          ELSE substr(what, length('device memory, ') + 1) END AS part
    FROM taken WHERE (device = 'cpu' AND what GLOB 'arena *' AND what <> 'arena training')
                  OR (device <> 'cpu' AND what GLOB 'device memory, *' AND what NOT GLOB '*(NVML)*')
), shown AS (
    SELECT workload, arm, device, 'parts' AS series, part, mib, NULL AS predicted, n_seeds FROM part
    UNION ALL
    SELECT workload, arm, device, 'peak', 'peak', mib, predicted, n_seeds FROM taken
    WHERE what = CASE device WHEN 'cpu' THEN 'peak resident, training' ELSE 'device memory, whole process (NVML)' END
), summed AS (
    SELECT *, sum(mib) OVER (PARTITION BY workload, arm, device, series ORDER BY part) AS until,
           sum(CASE series WHEN 'parts' THEN mib END) OVER (PARTITION BY workload, arm, device) AS held
    FROM shown
), placed AS MATERIALIZED (
    SELECT *, dense_rank() OVER (PARTITION BY workload, device ORDER BY held DESC, arm) - 1 AS place
    FROM summed WHERE held IS NOT NULL
)
SELECT place, part, until - mib AS begin_mib, until AS end_mib, predicted AS predicted_mib, n_seeds, workload, arm,
       series, workload || CASE device WHEN 'cpu' THEN '' ELSE ', ' || device END AS panel, '' AS reason,
       max(1, min(6, 60 / (SELECT 1 + max(place) FROM placed))) AS panels_per_page
FROM placed
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       coalesce('no memory was measured: ' || (SELECT max(reason) FROM memory_by_purpose WHERE kind = 'train'
                                               AND bytes IS NULL), 'no data yet'), NULL
WHERE NOT EXISTS (SELECT 1 FROM part)
ORDER BY panel, series, place, begin_mib;
