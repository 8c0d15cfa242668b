-- A question in a join whose other table is read first: k rows are found, then the join looks for
-- its row id among them. Every row is a sentence and whether it holds.
-- run
CREATE TABLE a(id INTEGER PRIMARY KEY, body, n);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300)
INSERT INTO a SELECT i, 'word' || (i % 7), i % 10 FROM n;
CREATE VIRTUAL TABLE v USING semantic(body, content=a, content_rowid=id, model='');
INSERT INTO v(rowid, body, vector)
SELECT id, body, vector('[' || (id * 37 % 101) || ',' || (50 - id * 53 % 103) || ', 7]') FROM a;
CREATE VIRTUAL TABLE h USING semantic(body, fts=1, model='');
INSERT INTO h(rowid, body, vector) SELECT id, body, (SELECT vector FROM v WHERE v.rowid = id) FROM a;

-- since: 3.38
SELECT 'join: a LEFT JOIN finds k rows of all, as a subquery does',
       (SELECT group_concat(a.id || ' ' || ifnull(s.distance || ' ' || s.semantic_rank, '-'))
        FROM a LEFT JOIN v(vector('[3, 4, 5]'), 20) s ON s.rowid = a.id)
       = (SELECT group_concat(a.id || ' ' || ifnull(s.d || ' ' || s.r, '-'))
          FROM a LEFT JOIN (SELECT rowid AS i, distance AS d, semantic_rank AS r
                            FROM v(vector('[3, 4, 5]'), 20) LIMIT 20) s ON s.i = a.id);
-- since: 3.38
SELECT 'join: k rows and no more', count(s.rowid) = 20, count(*) = 300
FROM a LEFT JOIN v(vector('[3, 4, 5]'), 20) s ON s.rowid = a.id;
-- since: 3.38
SELECT 'join: rows of a hybrid index count among all of them',
       (SELECT group_concat(a.id || ' ' || s.rank || ' ' || ifnull(s.bm25_rank, '-'))
        FROM a LEFT JOIN h s ON s.rowid = a.id AND s.h MATCH vector('[3, 4, 5]'))
       = (SELECT group_concat(a.id || ' ' || s.r || ' ' || ifnull(s.b, '-'))
          FROM a LEFT JOIN (SELECT rowid AS i, rank AS r, bm25_rank AS b
                            FROM h(vector('[3, 4, 5]')) LIMIT 1000) s ON s.i = a.id);
-- since: 3.38
SELECT 'join: the question may change from row to row', sum(s.rowid = b.id) = 300, count(*) = 300
FROM (SELECT id, (SELECT vector FROM v WHERE v.rowid = a.id) AS q FROM a) b
     LEFT JOIN v s ON s.v MATCH b.q AND s.k = 30 AND s.rowid = b.id;
-- since: 3.38
SELECT 'join: so may bounds, which hold before k',
       count(s.rowid) = 300 FROM a LEFT JOIN v s ON s.v MATCH vector('[3, 4, 5]') AND s.k = 1
       AND s.rowid >= a.id AND s.rowid <= a.id AND s.rowid = a.id;
-- since: 3.38
SELECT 'join: and k', sum(s.semantic_rank <= a.n + 1) = count(s.rowid), count(s.rowid) > 0
FROM a LEFT JOIN v s ON s.v MATCH vector('[3, 4, 5]') AND s.k = a.n + 1 AND s.rowid = a.id;
-- since: 3.38
SELECT 'join: columns are those of the row', count(*) = 20, min(s.body = a.body),
       min(s.vector = (SELECT vector FROM v WHERE v.rowid = a.id)), min(s.k = 20)
FROM a CROSS JOIN v(vector('[3, 4, 5]'), 20) s ON s.rowid = a.id;
-- since: 3.38
SELECT 'join: NULL, text and numbers that are no row ids find nothing', count(s.rowid) = 0
FROM (SELECT NULL AS x UNION ALL SELECT 'abc' UNION ALL SELECT 2.5 UNION ALL SELECT 1e300) b
     LEFT JOIN v(vector('[3, 4, 5]'), 300) s ON s.rowid = b.x;
-- since: 3.38
SELECT 'join: a question that is NULL finds nothing, whatever is looked for', count(s.rowid) = 0
FROM a LEFT JOIN v(NULL, 20) s ON s.rowid = a.id;
