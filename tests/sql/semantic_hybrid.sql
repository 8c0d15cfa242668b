-- Hybrid search: words and meaning by reciprocal rank fusion. Every row is a sentence and whether it
-- holds. The model is the tiny BERT.
--
-- What MATCH gives is compared with the fusion written out in SQL: the list by meaning from the
-- stored vectors, the list by words from FTS5, each numbered.

-- run
CREATE TEMP TABLE texts(id INTEGER PRIMARY KEY, title, body, note);
-- run
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60),
w(j, word) AS (VALUES (0, 'bank'), (1, 'river'), (2, 'money'), (3, 'apple'), (4, 'loan'), (5, 'water'), (6, 'tree'))
INSERT INTO texts SELECT i, (SELECT word FROM w WHERE j = i % 7),
  CASE WHEN i % 5 THEN 'the ' || (SELECT word FROM w WHERE j = i * i % 6) || ' of the '
  || (SELECT word FROM w WHERE j = i / 3 % 7) || CASE WHEN i % 4 THEN '' ELSE ', and of all the others' END END,
  'money' FROM n;

-- ---- The fusion, of the table's own content ----
CREATE VIRTUAL TABLE s USING semantic(title, body, note UNINDEXED, fts=1);
INSERT INTO s(rowid, title, body, note) SELECT * FROM texts;
SELECT 'hybrid: fts=1 keeps an FTS5 table of the indexed columns', count(*) = 60
       AND (SELECT group_concat(name) FROM pragma_table_info('s_fts')) = 'title,body' FROM s_fts;
CREATE TEMP TABLE ask(question, query, meaning REAL, words REAL, vector);
INSERT INTO ask VALUES('who lends money', '"who" OR "lends" OR "money"', 1, 1,
                       embed('who lends money', NULL, 'query'));
CREATE TEMP VIEW by_meaning AS
  SELECT id, d, row_number() OVER (ORDER BY d, id) AS r
    FROM (SELECT rowid AS id, cosine_distance(vector, (SELECT vector FROM ask)) AS d FROM s
           WHERE vector IS NOT NULL LIMIT -1) WHERE d IS NOT NULL;
CREATE TEMP VIEW by_words AS
  SELECT id, row_number() OVER (ORDER BY b, id) AS r
    FROM (SELECT rowid AS id, rank AS b FROM s_fts WHERE s_fts MATCH (SELECT query FROM ask) LIMIT -1);
CREATE TEMP VIEW expected AS
  SELECT id, d AS distance, m.r AS semantic_rank, w.r AS bm25_rank,
         coalesce((SELECT meaning FROM ask) / (60 + m.r), 0) + coalesce((SELECT words FROM ask) / (60 + w.r), 0) AS score
    FROM by_meaning AS m LEFT JOIN by_words AS w USING(id);
CREATE TEMP VIEW ranked AS
  SELECT row_number() OVER (ORDER BY -score, id) AS n, * FROM expected;
CREATE TEMP VIEW given AS
  SELECT row_number() OVER () AS n, * FROM (
    SELECT rowid AS id, distance, semantic_rank, bm25_rank, score FROM s
     WHERE s MATCH (SELECT question FROM ask) LIMIT -1);
SELECT 'hybrid: the order, distances, positions and scores of reciprocal rank fusion',
       (SELECT count(*) FROM given) = 60 AND (SELECT count(bm25_rank) FROM given) BETWEEN 1 AND 59
       AND count(*) = 0 FROM (SELECT * FROM given EXCEPT SELECT * FROM ranked);
SELECT 'hybrid: rank is the score, negated', count(*) = 60 AND min(rank = -score) FROM s
 WHERE s MATCH 'who lends money';
SELECT 'hybrid: ORDER BY rank, ORDER BY score DESC and no ORDER BY give the same order', count(DISTINCT l) = 1
  FROM (SELECT group_concat(rowid) AS l FROM (SELECT rowid FROM s WHERE s MATCH 'the river' ORDER BY rank)
        UNION ALL SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH 'the river' ORDER BY rank, rowid)
        UNION ALL SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH 'the river' ORDER BY score DESC)
        UNION ALL SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH 'the river'));
SELECT 'hybrid: ORDER BY distance sorts by distance, ORDER BY semantic_rank by that',
       (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH 'the river' ORDER BY distance LIMIT 9)) =
       (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH 'the river' ORDER BY semantic_rank LIMIT 9))
       AND (SELECT group_concat(semantic_rank) FROM (SELECT semantic_rank FROM s WHERE s MATCH 'the river'
                                                      ORDER BY distance LIMIT 3)) = '1,2,3';
UPDATE ask SET question = 'apple tree', query = '"apple" OR "tree"', vector = embed('apple tree', NULL, 'query');
SELECT 'hybrid: another question', (SELECT count(*) FROM given) = 60 AND count(*) = 0
  FROM (SELECT * FROM given EXCEPT SELECT * FROM ranked);

-- ---- Weights ----
INSERT INTO s(s, rank) VALUES('weights', '0.25, 3');
UPDATE ask SET meaning = 0.25, words = 3;
SELECT 'hybrid: weights can be changed', (SELECT count(*) FROM given) = 60 AND count(*) = 0
  FROM (SELECT * FROM given EXCEPT SELECT * FROM ranked);
INSERT INTO s(s, rank) VALUES('weights', '0,1');
SELECT 'hybrid: without weight for meaning words alone answer, and distances are given',
       group_concat(rowid) = (SELECT group_concat(id) FROM (SELECT id FROM by_words ORDER BY r))
       AND min(distance = (SELECT d FROM by_meaning WHERE id = s.rowid)) AND count(semantic_rank) = 0
       AND min(score = 1.0 / (60 + bm25_rank)) FROM s WHERE s MATCH 'apple tree';
INSERT INTO s(s, rank) VALUES('weights', '1,0');
SELECT 'hybrid: without weight for words meaning alone answers',
       group_concat(rowid) = (SELECT group_concat(id) FROM (SELECT id FROM by_meaning ORDER BY r))
       AND count(bm25_rank) = 0 AND min(score = 1.0 / (60 + semantic_rank)) FROM s WHERE s MATCH 'apple tree';
INSERT INTO s(s, rank) VALUES('weights', '1,1');
UPDATE ask SET meaning = 1, words = 1;
-- error: s: 'weights' takes two numbers, for meaning and for words: INSERT INTO "s"("s", rank) VALUES('weights', '1,0.5')
INSERT INTO s(s, rank) VALUES('weights', '1');
-- error: s: 'weights' takes two numbers, for meaning and for words: INSERT INTO "s"("s", rank) VALUES('weights', '1,0.5')
INSERT INTO s(s, rank) VALUES('weights', 5);
-- error: s: 'weights' takes two numbers, for meaning and for words: INSERT INTO "s"("s", rank) VALUES('weights', '1,0.5')
INSERT INTO s(s) VALUES('weights');

-- ---- Vectors, texts that are no words ----
SELECT 'hybrid: a vector asks by meaning alone',
       group_concat(rowid) = (SELECT group_concat(id) FROM (SELECT id FROM by_meaning ORDER BY r))
       AND count(bm25_rank) = 0 AND min(rank = -1.0 / (60 + semantic_rank))
  FROM s WHERE s MATCH (SELECT vector FROM ask);
SELECT 'hybrid: punctuation, quotes and the operators of FTS5 are no syntax', count(*) = 15 AND min(c) = 60
  FROM (SELECT value, (SELECT count(*) FROM s WHERE s MATCH value) AS c
          FROM json_each('["\"", "a \"b", "\"\"\"", "AND", "OR NOT", "NEAR(a b, 2)", "title:bank", "^bank",
                           "ban*", "(", "a - b + c", "{title body}: x", "''", "?!", "NOT bank"]'));
SELECT 'hybrid: words among them are found', count(bm25_rank) > 0 FROM s WHERE s MATCH '("bank" AND -(river:*';
SELECT 'hybrid: only punctuation, nothing at all: words find nothing', min(n) = 0 AND max(n) = 0
  FROM (SELECT (SELECT count(bm25_rank) FROM s WHERE s MATCH value) AS n
          FROM (SELECT '?!' AS value UNION ALL SELECT '' UNION ALL SELECT ' ' UNION ALL SELECT '" "'));
SELECT 'hybrid: a NUL parts words', count(bm25_rank) > 0 FROM s WHERE s MATCH 'xyz' || char(0) || 'bank';
SELECT 'hybrid: bytes that are no UTF-8 part words', count(bm25_rank) > 0 FROM s
 WHERE s MATCH CAST(x'ff62616e6bfe' AS TEXT);
SELECT 'hybrid: NULL asks nothing', count(*) = 0 FROM s WHERE s MATCH NULL;
SELECT 'hybrid: a question of many thousand words', count(*) = 5
  FROM s((SELECT group_concat('word' || (a.id * 60 + b.id), ' ') FROM texts a, texts b), 5);

-- ---- k, LIMIT, filters, pages ----
SELECT 'hybrid: k', group_concat(rowid) = (SELECT group_concat(id) FROM (SELECT id FROM ranked WHERE n <= 7 ORDER BY n))
  FROM s('apple tree', 7);
SELECT 'hybrid: LIMIT and OFFSET page without loss',
       group_concat(rowid) = (SELECT group_concat(id) FROM (SELECT id FROM ranked WHERE n <= 40 ORDER BY n))
  FROM (SELECT * FROM (SELECT rowid FROM s WHERE s MATCH 'apple tree' ORDER BY rank LIMIT 15)
        UNION ALL SELECT * FROM (SELECT rowid FROM s WHERE s MATCH 'apple tree' ORDER BY rank LIMIT 15 OFFSET 15)
        UNION ALL SELECT * FROM (SELECT rowid FROM s WHERE s MATCH 'apple tree' ORDER BY rank LIMIT 10 OFFSET 30));
SELECT 'hybrid: pages by (rank, rowid), with k', group_concat(rowid) =
       (SELECT group_concat(id) FROM (SELECT id FROM ranked WHERE n BETWEEN 11 AND 20 ORDER BY n))
  FROM s WHERE s MATCH 'apple tree' AND k = 10
   AND (rank, rowid) > ((SELECT -score FROM ranked WHERE n = 10), (SELECT id FROM ranked WHERE n = 10));
SELECT 'hybrid: bounds on rank count before k', group_concat(rowid) =
       (SELECT group_concat(id) FROM (SELECT id FROM ranked WHERE n BETWEEN 31 AND 33 ORDER BY n))
  FROM s WHERE s MATCH 'apple tree' AND k = 3 AND rank > (SELECT -score FROM ranked WHERE n = 30);
SELECT 'hybrid: an upper bound on rank', count(*) = 12 FROM s
 WHERE s MATCH 'apple tree' AND rank <= (SELECT -score FROM ranked WHERE n = 12);
-- Filters come first: both lists are of the rows that pass.
CREATE TEMP VIEW filtered AS
  SELECT id, row_number() OVER (ORDER BY -score, id) AS n, semantic_rank, bm25_rank, score FROM (
    SELECT id, semantic_rank, bm25_rank, 1.0 / (60 + semantic_rank) + coalesce(1.0 / (60 + bm25_rank), 0) AS score
      FROM (SELECT m.id, row_number() OVER (ORDER BY m.r) AS semantic_rank,
                   CASE WHEN w.r THEN row_number() OVER (ORDER BY w.r IS NULL, w.r) END AS bm25_rank
              FROM by_meaning AS m LEFT JOIN by_words AS w USING(id) WHERE m.id IN (SELECT id FROM chosen)));
CREATE TEMP TABLE chosen(id INTEGER PRIMARY KEY);
INSERT INTO chosen SELECT id FROM texts WHERE id BETWEEN 20 AND 45;
SELECT 'hybrid: a range of row ids', group_concat(rowid || ' ' || semantic_rank || ' ' || coalesce(bm25_rank, 0)) =
       (SELECT group_concat(id || ' ' || semantic_rank || ' ' || coalesce(bm25_rank, 0))
          FROM (SELECT * FROM filtered WHERE n <= 10 ORDER BY n))
  FROM s('apple tree', 10) WHERE rowid >= 20 AND rowid < 46;
DELETE FROM chosen WHERE id % 3;
SELECT 'hybrid: among', group_concat(rowid || ' ' || score) =
       (SELECT group_concat(id || ' ' || score) FROM (SELECT * FROM filtered ORDER BY n))
  FROM s('apple tree') WHERE among = (SELECT json_group_array(id) FROM chosen);
SELECT 'hybrid: rowid IN', group_concat(rowid || ' ' || score) =
       (SELECT group_concat(id || ' ' || score) FROM (SELECT * FROM filtered ORDER BY n))
  FROM (SELECT rowid, score FROM s WHERE s MATCH 'apple tree' AND rowid IN (SELECT id FROM chosen) ORDER BY rank);
DELETE FROM chosen;
INSERT INTO chosen SELECT id FROM by_meaning WHERE d <= (SELECT d FROM by_meaning WHERE r = 25);
SELECT 'hybrid: a bound on the distance', count(*) = 25 AND group_concat(rowid || ' ' || score) =
       (SELECT group_concat(id || ' ' || score) FROM (SELECT * FROM filtered ORDER BY n))
  FROM s WHERE s MATCH 'apple tree' AND distance <= (SELECT d FROM by_meaning WHERE r = 25);
SELECT 'hybrid: a row by its id', distance = (SELECT d FROM by_meaning WHERE id = 30) AND semantic_rank = 1
  FROM s WHERE s MATCH 'apple tree' AND rowid = 30;
SELECT 'hybrid: many questions at once', group_concat(q.value || s.rowid) =
       (SELECT group_concat(a) FROM (SELECT 'bank' || rowid AS a FROM s('bank', 2)
                                     UNION ALL SELECT 'tree' || rowid FROM s('tree', 2)))
  FROM json_each('["bank", "tree"]') AS q, s(q.value, 2);

-- ---- Writes ----
SELECT 'hybrid: columns without words stay so', count(bm25_rank) = 0 FROM s WHERE s MATCH 'lends' AND note = 'money';
UPDATE s SET body = 'a zebra' WHERE rowid = 3;
SELECT 'hybrid: UPDATE', group_concat(rowid) = '3' FROM s WHERE s MATCH 'zebra' AND bm25_rank = 1;
SELECT 'hybrid: UPDATE of one column leaves the words of the others', count(*) = 1 FROM s_fts
 WHERE s_fts MATCH 'title: apple AND body: zebra' AND rowid = 3;
UPDATE s SET note = 'zebra' WHERE rowid = 4;
UPDATE s SET rowid = 103 WHERE rowid = 3;
SELECT 'hybrid: UPDATE of the rowid', group_concat(rowid) = '103' FROM s WHERE s MATCH 'zebra' AND bm25_rank IS NOT NULL;
UPDATE OR REPLACE s SET rowid = 5 WHERE rowid = 103;
SELECT 'hybrid: UPDATE OR REPLACE', group_concat(rowid) = '5' FROM s WHERE s MATCH 'zebra' AND bm25_rank IS NOT NULL;
INSERT OR REPLACE INTO s(rowid, title) VALUES (5, 'quagga');
SELECT 'hybrid: INSERT OR REPLACE', changes() = 1 AND last_insert_rowid() = 5
       AND (SELECT count(*) FROM s WHERE s MATCH 'zebra' AND bm25_rank IS NOT NULL) = 0
       AND (SELECT count(*) FROM s WHERE s MATCH 'quagga' AND bm25_rank = 1 AND rowid = 5) = 1;
INSERT OR IGNORE INTO s(rowid, title) VALUES (5, 'zebra');
UPDATE s SET title = v.t FROM (SELECT 5 AS r, 'okapi' AS t) AS v WHERE s.rowid = r;
SELECT 'hybrid: UPDATE ... FROM', group_concat(rowid) = '5' FROM s WHERE s MATCH 'okapi' AND bm25_rank IS NOT NULL;
DELETE FROM s WHERE rowid = 5;
SELECT 'hybrid: DELETE', count(*) = 0 FROM s WHERE s MATCH 'okapi' AND bm25_rank IS NOT NULL;
BEGIN;
INSERT INTO s(rowid, title) VALUES (200, 'okapi');
SAVEPOINT a;
INSERT INTO s(rowid, title) VALUES (201, 'okapi');
DELETE FROM s WHERE rowid < 30;
SELECT 'hybrid: in a transaction its own rows are found', count(*) = 2 FROM s
 WHERE s MATCH 'okapi' AND bm25_rank IS NOT NULL;
ROLLBACK TO a;
SELECT 'hybrid: ROLLBACK TO', group_concat(rowid) = '200' FROM s WHERE s MATCH 'okapi' AND bm25_rank IS NOT NULL;
INSERT INTO s(s) VALUES('integrity-check');
ROLLBACK;
SELECT 'hybrid: ROLLBACK', count(*) = 0 FROM s WHERE s MATCH 'okapi' AND bm25_rank IS NOT NULL;
INSERT INTO s(rowid, title, body) VALUES (300, NULL, NULL);
SELECT 'hybrid: a row without text is found by nothing', count(*) = 0 FROM s WHERE s MATCH 'apple' AND rowid = 300;
INSERT INTO s(rowid, title, vector) VALUES (301, 'gnu', zeroblob(4 * (SELECT length(vector) / 4 FROM s LIMIT 1)));
SELECT 'hybrid: a row without direction is found by its words, without a distance', count(*) = 1 AND
       distance IS NULL AND semantic_rank IS NULL AND bm25_rank = 1 AND snippet IS NULL FROM s WHERE s MATCH 'gnu' AND rowid = 301;
SELECT 'hybrid: with a bound on the distance it is not', count(*) = 0 FROM s WHERE s MATCH 'gnu' AND distance < 9 AND rowid = 301;
INSERT INTO s(s) VALUES('integrity-check');
UPDATE ask SET question = 'money', query = '"money"', vector = embed('money', NULL, 'query');
SELECT 'hybrid: after all that, the fusion', (SELECT count(*) FROM given) = 58 AND count(*) = 1
  FROM (SELECT id, score FROM given EXCEPT SELECT id, score FROM ranked UNION ALL SELECT 0, 0);

-- ---- RENAME, rebuild, damage, DROP ----
DROP VIEW given;
DROP VIEW ranked;
DROP VIEW expected;
DROP VIEW filtered;
DROP VIEW by_words;
DROP VIEW by_meaning;
ALTER TABLE s RENAME TO "t x";
SELECT 'hybrid: RENAME takes the words along', count(bm25_rank) > 0 AND (SELECT count(*) FROM "t x_fts") = 60
  FROM "t x" WHERE "t x" MATCH 'bank';
INSERT INTO "t x"(title) VALUES ('okapi');
SELECT 'hybrid: and goes on writing them', count(*) = 1 FROM "t x" WHERE "t x" MATCH 'okapi' AND bm25_rank = 1;
ALTER TABLE "t x" RENAME TO s;
DELETE FROM s_fts WHERE rowid IN (1, 2);
INSERT INTO s_fts(rowid, title) VALUES (777, 'stranger');
SELECT 'hybrid: what is no row of the index is not found', count(*) = 0 FROM s WHERE s MATCH 'stranger' AND bm25_rank = 1;
-- error: s: of the content, these rows are not in 's_fts', or with another text: 1, 2; these rows are in 's_fts' and not in the content: 777
INSERT INTO s(s) VALUES('integrity-check');
INSERT INTO s(s) VALUES('rebuild');
INSERT INTO s(s) VALUES('integrity-check');
UPDATE s_fts SET title = 'other' WHERE rowid = 7;
-- error: s: of the content, these rows are not in 's_fts', or with another text: 7
INSERT INTO s(s) VALUES('integrity-check');
INSERT INTO s(s) VALUES('rebuild');
UPDATE s_fts_content SET c0 = 'other' WHERE id = 7;
-- error: s: the FTS5 table 's_fts' is damaged: 'rebuild' makes it anew; of the content, these rows are not in 's_fts', or with another text: 7
INSERT INTO s(s) VALUES('integrity-check');
INSERT INTO s(s) VALUES('rebuild');
DELETE FROM s_fts_data WHERE id > 10;
-- error: s: the FTS5 table 's_fts' is damaged: 'rebuild' makes it anew
INSERT INTO s(s) VALUES('integrity-check');
INSERT INTO s(s) VALUES('rebuild');
INSERT INTO s(s) VALUES('integrity-check');
INSERT INTO s(s) VALUES('delete-all');
SELECT 'hybrid: delete-all', (SELECT count(*) FROM s_fts) = 0 AND (SELECT count(*) FROM s) = 0;
INSERT INTO s(title) VALUES ('after');
SELECT 'hybrid: delete-all leaves an index that works', count(*) = 1 FROM s WHERE s MATCH 'after' AND bm25_rank = 1;
DROP TABLE s;
SELECT 'hybrid: DROP takes all with it', count(*) = 0 FROM sqlite_master WHERE name GLOB 's*';
