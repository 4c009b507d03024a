-- What every figure says of the database as a whole: one row, each column a variable that holds text.
SELECT coalesce(min(machine) || CASE count(DISTINCT machine) WHEN 1 THEN ''
                                ELSE printf(' and %d more', count(DISTINCT machine) - 1) END,
                'not recorded') AS machine
FROM machine_by_kind;
