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
-- error: s: 'weights' takes two numbers from 0 to 1000000 with at most 8 decimals, not both 0, for meaning and for words: INSERT INTO "s"("s", rank) VALUES('weights', '1,0.5')
INSERT INTO s(s, rank) VALUES('weights', '1');
-- error: s: 'weights' takes two numbers from 0 to 1000000 with at most 8 decimals, not both 0, for meaning and for words: INSERT INTO "s"("s", rank) VALUES('weights', '1,0.5')
INSERT INTO s(s, rank) VALUES('weights', 5);
-- error: s: 'weights' takes two numbers from 0 to 1000000 with at most 8 decimals, not both 0, for meaning and for words: INSERT INTO "s"("s", rank) VALUES('weights', '1,0.5')
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
-- since: 3.38
SELECT 'hybrid: rowid IN', group_concat(rowid || ' ' || score) =
       (SELECT group_concat(id || ' ' || score) FROM (SELECT * FROM filtered ORDER BY n))
  FROM (SELECT rowid, score FROM s WHERE s MATCH 'apple tree' AND rowid IN (SELECT id FROM chosen) ORDER BY rank);
DELETE FROM chosen;
INSERT INTO chosen SELECT id FROM by_meaning WHERE d <= (SELECT d FROM by_meaning WHERE r = 25);
SELECT 'hybrid: a bound on the distance', count(*) = 25 AND group_concat(rowid || ' ' || score) =
       (SELECT group_concat(id || ' ' || score) FROM (SELECT * FROM filtered ORDER BY n))
  FROM s WHERE s MATCH 'apple tree' AND distance <= (SELECT d FROM by_meaning WHERE r = 25);
-- since: 3.38
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
       AND (SELECT count(*) FROM s WHERE s MATCH 'quagga' AND bm25_rank = 1 AND +rowid = 5) = 1;
INSERT OR IGNORE INTO s(rowid, title) VALUES (5, 'zebra');
UPDATE s SET title = 1984 WHERE rowid = 6;
UPDATE s SET title = '1984' WHERE rowid = 6;
INSERT INTO s(s) VALUES('integrity-check');
SELECT 'hybrid: a number is a word', group_concat(rowid) = '6' FROM s WHERE s MATCH '1984' AND bm25_rank IS NOT NULL;
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
SELECT 'hybrid: a row without text is found by nothing', count(*) = 0 FROM s WHERE s MATCH 'apple' AND +rowid = 300;
INSERT INTO s(rowid, title, vector) VALUES (301, 'gnu', zeroblob(4 * (SELECT length(vector) / 4 FROM s LIMIT 1)));
SELECT 'hybrid: a row without direction is found by its words, without a distance', count(*) = 1 AND
       distance IS NULL AND semantic_rank IS NULL AND bm25_rank = 1 AND snippet IS NULL FROM s WHERE s MATCH 'gnu' AND +rowid = 301;
SELECT 'hybrid: with a bound on the distance it is not', count(*) = 0 FROM s WHERE s MATCH 'gnu' AND distance < 9 AND +rowid = 301;
INSERT INTO s(s) VALUES('integrity-check');
UPDATE ask SET question = 'money', query = '"money"', vector = embed('money', NULL, 'query');
SELECT 'hybrid: after all that, the fusion', (SELECT count(*) FROM given) = 58 AND count(*) = 1
  FROM (SELECT id, score FROM given EXCEPT SELECT id, score FROM ranked UNION ALL SELECT 0, 0);

SELECT 'hybrid: a question without text has no answer', (SELECT count(*) FROM s('')) + (SELECT count(*) FROM s(' ', 3)) = 0;

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
-- By steps: with the last one.
UPDATE s_fts_content SET c0 = 'other' WHERE id = 7;
DELETE FROM s_fts WHERE rowid = 8;
INSERT INTO s(s, rank) VALUES('rebuild', 1);
-- error: s: the FTS5 table 's_fts' is damaged: 'rebuild' makes it anew; of the content, these rows are not in 's_fts', or with another text: 7, 8
INSERT INTO s(s) VALUES('integrity-check');
BEGIN;
INSERT INTO s(s, rank) VALUES('rebuild', 1000);
INSERT INTO s(s) VALUES('integrity-check');
ROLLBACK;
-- error: s: the FTS5 table 's_fts' is damaged: 'rebuild' makes it anew; of the content, these rows are not in 's_fts', or with another text: 7, 8
INSERT INTO s(s) VALUES('integrity-check');
SELECT 'hybrid: a rebuild by steps is under way', progress < 1 FROM semantic_status WHERE "index" = 's';
INSERT INTO s(s, rank) VALUES('rebuild', 1000);
INSERT INTO s(s) VALUES('integrity-check');
SELECT 'hybrid: a rebuild by steps has ended', progress IS NULL FROM semantic_status WHERE "index" = 's';
INSERT INTO s(s) VALUES('delete-all');
SELECT 'hybrid: delete-all', (SELECT count(*) FROM s_fts) = 0 AND (SELECT count(*) FROM s) = 0;
INSERT INTO s(title) VALUES ('after');
SELECT 'hybrid: delete-all leaves an index that works', count(*) = 1 FROM s WHERE s MATCH 'after' AND bm25_rank = 1;
DROP TABLE s;
SELECT 'hybrid: DROP takes all with it', count(*) = 0 FROM sqlite_master WHERE name GLOB 's*';

-- ---- External content: an FTS5 table of the index's own ----
CREATE TABLE articles(id INTEGER PRIMARY KEY, title TEXT UNIQUE, body TEXT, year INTEGER);
INSERT INTO articles(id, title, body) SELECT id, 'n' || id || ' ' || title, body FROM texts;
CREATE VIRTUAL TABLE e USING semantic(title, body, year UNINDEXED, content='articles', content_rowid='id', fts=1);
INSERT INTO e(e) VALUES('rebuild');
INSERT INTO e(e) VALUES('integrity-check');
INSERT INTO e(e) VALUES('triggers');
CREATE VIRTUAL TABLE own_words USING fts5(title, body, content='articles', content_rowid='id');
INSERT INTO own_words(own_words) VALUES('rebuild');
CREATE VIRTUAL TABLE h USING semantic(title, body, content='articles', content_rowid='id', hybrid='own_words', weights='1,0.5');
INSERT INTO h(h) VALUES('rebuild');
INSERT INTO h(h) VALUES('integrity-check');
CREATE VIRTUAL TABLE c USING semantic(title, body, content='', hybrid='own_words');
INSERT INTO c(rowid, title, body) SELECT id, title, body FROM articles;
-- The three have the same rows.
CREATE TEMP VIEW rrf AS
  SELECT id, m.d AS distance, m.r AS semantic_rank, w.r AS bm25_rank,
         1.0 / (60 + m.r) + coalesce(1.0 / (60 + w.r), 0) AS score,
         1.0 / (60 + m.r) + coalesce(0.5 / (60 + w.r), 0) AS half
    FROM (SELECT id, d, row_number() OVER (ORDER BY d, id) AS r
            FROM (SELECT rowid AS id, cosine_distance(vector, embed('the water of the bank', NULL, 'query')) AS d
                    FROM e LIMIT -1)) AS m
    LEFT JOIN (SELECT id, row_number() OVER (ORDER BY b, id) AS r
                 FROM (SELECT rowid AS id, rank AS b FROM own_words
                        WHERE own_words MATCH '"water" OR "bank" OR "the" OR "of"' LIMIT -1)) AS w USING(id);
SELECT 'hybrid: external content', count(*) = 60 AND min(e.score = r.score AND e.distance = r.distance
       AND e.semantic_rank = r.semantic_rank AND e.bm25_rank IS r.bm25_rank)
  FROM e JOIN rrf AS r ON r.id = e.rowid WHERE e MATCH 'the water of the bank';
SELECT 'hybrid: an FTS5 table of the user''s, and weights', count(*) = 60 AND min(h.score = r.half
       AND h.distance = r.distance AND h.semantic_rank = r.semantic_rank AND h.bm25_rank IS r.bm25_rank)
  FROM h JOIN rrf AS r ON r.id = h.rowid WHERE h MATCH 'the water of the bank';
SELECT 'hybrid: content='''' beside an FTS5 table', count(*) = 60 AND min(c.score = r.score
       AND c.distance = r.distance AND c.semantic_rank = r.semantic_rank AND c.bm25_rank IS r.bm25_rank)
  FROM c JOIN rrf AS r ON r.id = c.rowid WHERE c MATCH 'the water of the bank';
-- since: 3.38
SELECT 'hybrid: in a forced join the other way the scores are the same', count(*) = 60 AND min(e.score = r.score)
  FROM (SELECT a.id, r.score FROM articles AS a JOIN rrf AS r USING(id) LIMIT -1) AS r CROSS JOIN e
 WHERE r.id = e.rowid AND e MATCH 'the water of the bank';
SELECT 'hybrid: a join stops when it has enough', count(*) = 3 FROM (
  SELECT a.id FROM h JOIN articles AS a ON a.id = h.rowid WHERE h MATCH 'bank' AND a.id % 2 LIMIT 3);

-- Triggers
INSERT INTO articles VALUES (100, 'zebra', 'stripes', 2020);
UPDATE articles SET body = 'stripes and an okapi' WHERE id = 100;
UPDATE articles SET id = 101 WHERE id = 100;
UPDATE articles SET year = 2021 WHERE id = 101;
SELECT 'hybrid: triggers keep the words in step', group_concat(rowid) = '101' FROM e
 WHERE e MATCH 'okapi' AND bm25_rank IS NOT NULL;
INSERT INTO articles VALUES (102, 'zebra 2', 'stripes', 2020) ON CONFLICT(title) DO UPDATE SET body = 'x';
INSERT INTO articles VALUES (103, 'zebra 2', 'stripes', 2020) ON CONFLICT(title) DO UPDATE SET body = 'gnu';
SELECT 'hybrid: an UPSERT on the content', group_concat(rowid) = '102' FROM e WHERE e MATCH 'gnu' AND bm25_rank IS NOT NULL;
DELETE FROM articles WHERE id = 102;
SELECT 'hybrid: DELETE on the content', count(*) = 0 FROM e WHERE e MATCH 'gnu' AND bm25_rank IS NOT NULL;
INSERT INTO e(e) VALUES('integrity-check');
INSERT OR REPLACE INTO articles VALUES (104, 'zebra', 'took the place', 2022);
SELECT 'hybrid: what OR REPLACE took away unseen is not found, and takes no position',
       count(*) = 1 AND (SELECT count(*) FROM e_fts WHERE e_fts MATCH 'zebra') = 2
       AND rowid = 104 AND bm25_rank = 1 FROM e WHERE e MATCH 'zebra' AND bm25_rank IS NOT NULL;
SELECT 'hybrid: and is not counted for k', count(*) = 5 FROM e('zebra okapi stripes', 5);
INSERT INTO e(e) VALUES('integrity-check');
SELECT 'hybrid: nor by an FTS5 table of the user''s', count(*) = 0 FROM h WHERE h MATCH 'zebra' AND +rowid = 101;
BEGIN;
DELETE FROM articles WHERE id < 50;
INSERT INTO articles(title) VALUES ('wombat');
SELECT 'hybrid: triggers in a transaction', group_concat(rowid) = '105' FROM e WHERE e MATCH 'wombat' AND bm25_rank IS NOT NULL;
ROLLBACK;
SELECT 'hybrid: and its ROLLBACK', count(bm25_rank) = 0 FROM e WHERE e MATCH 'wombat';
INSERT INTO e(e) VALUES('integrity-check');
INSERT INTO e(e) VALUES('drop-triggers');
UPDATE articles SET body = 'a wombat' WHERE id = 8;
INSERT INTO articles VALUES (110, 'wombat', NULL, NULL);
DELETE FROM articles WHERE id = 9;
INSERT INTO e(e) VALUES('sync');
SELECT 'hybrid: sync brings the words in step, too', group_concat(rowid) = '8,110' AND
       (SELECT count(*) FROM e_fts WHERE rowid IN (9, 101)) = 0
  FROM (SELECT rowid FROM e WHERE e MATCH 'wombat' AND bm25_rank IS NOT NULL ORDER BY rowid);
INSERT INTO e(e) VALUES('integrity-check');
UPDATE articles SET title = x'00ff' WHERE id = 8;
INSERT INTO e(rowid) VALUES (8);
SELECT 'hybrid: a BLOB in the content is no text to words either', (SELECT title IS NULL FROM e_fts WHERE rowid = 8);
DELETE FROM articles WHERE id = 8;
INSERT INTO e(rowid) VALUES (8);
SELECT 'hybrid: a row that the content has not is not found', count(bm25_rank) = 1 FROM e WHERE e MATCH 'wombat';
INSERT INTO e(e) VALUES('sync');
INSERT INTO h(h) VALUES('sync');
-- error: h: the FTS5 table 'own_words' is damaged or out of step with its content: INSERT INTO "own_words"("own_words") VALUES('rebuild')
INSERT INTO h(h) VALUES('integrity-check');
INSERT INTO own_words(own_words) VALUES('rebuild');
INSERT INTO h(h) VALUES('integrity-check');
ALTER TABLE e RENAME TO e2;
SELECT 'hybrid: RENAME with external content', count(bm25_rank) = 2 FROM e2 WHERE e2 MATCH 'zebra wombat';
INSERT INTO e2(e2) VALUES('integrity-check');
INSERT INTO e2(e2) VALUES('delete-all');
SELECT 'hybrid: delete-all with external content', (SELECT count(*) FROM e2_fts) = 0 AND count(*) > 50 FROM articles;
INSERT INTO e2(e2) VALUES('rebuild');
INSERT INTO e2(e2) VALUES('integrity-check');
DROP TABLE e2;

-- ---- An FTS5 table that keeps its own texts; chunks; no embedding yet ----
CREATE VIRTUAL TABLE other USING fts5(title);
INSERT INTO other(rowid, title) VALUES (1, 'river'), (3, 'money'), (9, 'nobody');
CREATE VIRTUAL TABLE o USING semantic(text, hybrid='other', chunk=8, overlap=2, metric=l2);
INSERT INTO o(rowid, text) VALUES (1, 'The water is high. The boat is on it. The tree is near.'),
  (2, 'We lend money to the people. They pay it back with apples.'), (3, 'The bank of the river');
SELECT 'hybrid: of long texts the nearest chunk counts', count(*) = 3
       AND min(distance = l2_distance(vector, embed('river', NULL, 'query')))
       AND min(snippet <> '') AND group_concat(coalesce(bm25_rank, 0), '') LIKE '%1%'
  FROM o WHERE o MATCH 'river';
SELECT 'hybrid: a row that only the FTS5 table has is no row', count(*) = 0 FROM o WHERE o MATCH 'nobody' AND bm25_rank = 1;
-- error: o: of the content, these rows are not in 'other': 2; these rows are in 'other' and not in the content: 9
INSERT INTO o(o) VALUES('integrity-check');
CREATE VIRTUAL TABLE m USING semantic(text, fts=1, embed=manual);
INSERT INTO m(rowid, text) VALUES (1, 'river'), (2, 'bank');
SELECT 'hybrid: words find what waits to be embedded', count(*) = 1 AND rowid = 2 AND distance IS NULL
       AND semantic_rank IS NULL FROM m WHERE m MATCH 'bank';
INSERT INTO m(m) VALUES('sync');
SELECT 'hybrid: and meaning once it is', count(*) = 2 AND count(distance) = 2 FROM m WHERE m MATCH 'bank';

-- ---- FTS5 tables that keep no places of words ----
CREATE VIRTUAL TABLE sparse USING fts5(text, detail=none);
CREATE VIRTUAL TABLE by_column USING fts5(text, detail=column);
INSERT INTO sparse(rowid, text) VALUES (1, 'a well-known bank'), (2, 'known and well'), (3, 'it is 3.5 °C'), (4, 'bank');
INSERT INTO by_column(rowid, text) SELECT rowid, text FROM sparse;
CREATE VIRTUAL TABLE on_none USING semantic(text, hybrid='sparse');
CREATE VIRTUAL TABLE on_column USING semantic(text, hybrid='by_column');
INSERT INTO on_none(rowid, text) SELECT rowid, text FROM sparse;
INSERT INTO on_column(rowid, text) SELECT rowid, text FROM sparse;
CREATE TEMP TABLE asked(question, found);
INSERT INTO asked VALUES ('well-known', '1,2'), ('"bank" well-known?', '1,2,4'), ('3.5°C', '3'), ('?! … 😀', NULL), ('(bank)', '1,4');
SELECT 'hybrid: where FTS5 takes no phrases, a word''s parts are looked for one by one: ' || question,
       (SELECT group_concat(rowid) FROM (SELECT rowid FROM on_none WHERE on_none MATCH question AND bm25_rank > 0 ORDER BY rowid)) IS found
       AND (SELECT group_concat(rowid) FROM (SELECT rowid FROM on_column WHERE on_column MATCH question AND bm25_rank > 0 ORDER BY rowid)) IS found
  FROM asked;

-- ---- More rows than the lists are deep ----
CREATE VIRTUAL TABLE deep USING semantic(text, fts=1);
-- run
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 900)
INSERT INTO deep(rowid, text) SELECT i, CASE WHEN i % 2 THEN 'bank ' ELSE 'river ' END || i FROM n;
CREATE TEMP VIEW by_hand AS
  WITH near AS (SELECT id, row_number() OVER (ORDER BY d, id) AS r
                  FROM (SELECT rowid AS id, cosine_distance(vector, embed('bank 7', NULL, 'query')) AS d FROM deep LIMIT -1)),
       worded AS (SELECT id, row_number() OVER (ORDER BY b, id) AS r
                    FROM (SELECT rowid AS id, rank AS b FROM deep_fts WHERE deep_fts MATCH '"bank" OR "7"' LIMIT -1))
  SELECT id, m.r AS s, w.r AS b, 1.0 / (60 + m.r) + coalesce(1.0 / (60 + w.r), 0) AS score
    FROM near AS m LEFT JOIN worded AS w USING(id);
SELECT 'hybrid: in a small index both lists count to their ends',
       count(*) = 900 AND min(n = g AND f.score = d.score AND s IS semantic_rank AND b IS bm25_rank)
  FROM (SELECT row_number() OVER (ORDER BY -score, id) AS n, * FROM by_hand) AS f
  JOIN (SELECT row_number() OVER () AS g, * FROM (
    SELECT rowid, score, semantic_rank, bm25_rank FROM deep WHERE deep MATCH 'bank 7' LIMIT -1)) AS d ON f.id = d.rowid;
-- run
WITH RECURSIVE n(i) AS (SELECT 901 UNION ALL SELECT i + 1 FROM n LIMIT 1500)
INSERT INTO deep(rowid, text) SELECT i, CASE WHEN i % 2 THEN 'bank ' ELSE 'river ' END || i FROM n;
CREATE TEMP TABLE near AS
  SELECT id, d, row_number() OVER (ORDER BY d, id) AS r
    FROM (SELECT rowid AS id, cosine_distance(vector, embed('bank 7', NULL, 'query')) AS d FROM deep LIMIT -1);
CREATE TEMP TABLE worded AS
  SELECT id, row_number() OVER (ORDER BY b, id) AS r
    FROM (SELECT rowid AS id, rank AS b FROM deep_fts WHERE deep_fts MATCH '"bank" OR "7"' LIMIT -1);
DELETE FROM worded WHERE r > 200;
CREATE TEMP TABLE fused AS
  SELECT row_number() OVER (ORDER BY -score, id) AS n, * FROM (
    SELECT id, d, CASE WHEN w.r IS NULL OR m.r <= 200 THEN m.r END AS s, w.r AS b,
           CASE WHEN w.r IS NULL OR m.r <= 200 THEN 1.0 / (60 + m.r) ELSE 0.0 END + coalesce(1.0 / (60 + w.r), 0) AS score
      FROM near AS m LEFT JOIN worded AS w USING(id));
SELECT 'hybrid: rows that words don''t find come after the lists'' ends, by meaning, and each row once',
       count(*) = 2400 AND min(n = g AND id = rowid AND f.score = d.score AND f.d = distance
       AND s IS semantic_rank AND b IS bm25_rank)
  FROM fused AS f JOIN (SELECT row_number() OVER () AS g, * FROM (
    SELECT rowid, score, distance, semantic_rank, bm25_rank FROM deep WHERE deep MATCH 'bank 7' LIMIT -1)) AS d ON f.id = d.rowid;
SELECT 'hybrid: the order is the same however many rows are asked for', count(DISTINCT l) = 1 FROM (
  SELECT group_concat(rowid) AS l FROM (SELECT rowid FROM deep('bank 7', 10))
  UNION ALL SELECT group_concat(rowid) FROM (SELECT rowid FROM deep('bank 7', 700) LIMIT 10)
  UNION ALL SELECT group_concat(rowid) FROM (SELECT rowid FROM deep WHERE deep MATCH 'bank 7' LIMIT 10));
DELETE FROM deep WHERE rowid IN (SELECT id FROM worded WHERE r < 180 AND id <> 7);
SELECT 'hybrid: as deep after DELETE', count(*) = 200 AND max(bm25_rank) = 200
  FROM deep WHERE deep MATCH 'bank 7' AND bm25_rank IS NOT NULL;
SELECT 'hybrid: a filter that leaves few of the first words found', count(*) = 200 AND max(bm25_rank) = 100
  FROM deep WHERE deep MATCH 'bank 7' AND among = (SELECT json_group_array(value) FROM (
    SELECT rowid AS value FROM deep ORDER BY rowid DESC LIMIT 200));

-- ---- semantic_rank by the vectors of a hybrid index ----
-- since: 3.38
SELECT 'hybrid: semantic_rank by its vectors', semantic_rank(own_words, 'loan', 'h') =
       (SELECT distance FROM h WHERE h MATCH 'loan' AND rowid = own_words.rowid)
       AND semantic_rank(own_words, 'loan', 'h') =
       (SELECT cosine_distance(vector, embed('loan', NULL, 'query')) FROM h WHERE rowid = own_words.rowid)
  FROM own_words WHERE own_words MATCH 'bank';

-- ---- Refusals at CREATE ----
-- error: x: hybrid='absent': there is no such table in main
CREATE VIRTUAL TABLE x USING semantic(title, hybrid='absent');
-- error: x: hybrid='articles' is no FTS5 table
CREATE VIRTUAL TABLE x USING semantic(title, hybrid='articles');
CREATE VIRTUAL TABLE elsewhere USING fts5(title, content = "texts 2" , content_rowid=id);
-- error: x: hybrid='elsewhere' has content='texts 2', the index has content='articles': they must be the same
CREATE VIRTUAL TABLE x USING semantic(title, content='articles', content_rowid='id', hybrid='elsewhere');
CREATE VIRTUAL TABLE by_year USING fts5(title, 'content=', "a,content='z'", content='articles', content_rowid=[year]);
-- error: x: hybrid='by_year' has content_rowid='year', the index has content_rowid='id': they must be the same
CREATE VIRTUAL TABLE x USING semantic(title, content='articles', content_rowid='id', hybrid='by_year');
CREATE VIRTUAL TABLE by_rowid USING fts5(title, content='articles');
CREATE VIRTUAL TABLE x USING semantic(title, content='articles', content_rowid='id', hybrid='by_rowid');
CREATE TABLE keyed(k INTEGER NOT NULL UNIQUE, title);
CREATE VIRTUAL TABLE keyed_words USING fts5(title, content='keyed');
-- error: y: hybrid='keyed_words' has content_rowid='rowid', the index has content_rowid='k': they must be the same
CREATE VIRTUAL TABLE y USING semantic(title, content='keyed', content_rowid='k', hybrid='keyed_words');
CREATE VIRTUAL TABLE plain USING semantic(title);
-- error: plain: weights are for an index made with hybrid or fts
INSERT INTO plain(plain, rank) VALUES('weights', '1,1');
DROP TABLE other;
-- error: o: the FTS5 table 'other': no such table: main.other; if it was renamed, INSERT INTO "o"("o", rank) VALUES('hybrid', 'table') says to what
SELECT * FROM o WHERE o MATCH 'x';
SELECT 'hybrid: without its FTS5 table an index answers vectors and can be read', count(*) = 3 AND
       (SELECT count(*) FROM o) = 3 FROM o WHERE o MATCH (SELECT vector FROM o LIMIT 1);
