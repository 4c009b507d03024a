-- Which trials have no results, why, and how is each run again?
.mode list
.separator "\n    "
.headers off
SELECT printf('%s: trial %d, %s, %s, seed %d', status, trial_id, workload, arm, seed),
       'reason: ' || reason, 'again:  ' || command
FROM trial_status
WHERE status NOT IN ('ok', 'planned', 'running')
ORDER BY status, trial_id;
