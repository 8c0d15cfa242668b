-- index='ivf': what 'optimize' and 'probes' do. Every row is a sentence and whether it holds.

-- run
CREATE VIRTUAL TABLE s USING semantic(body, model='', index='ivf');
-- 3,000 directions in 12 bundles of 8 numbers.
CREATE TABLE made(id INTEGER PRIMARY KEY, v);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000)
INSERT INTO made SELECT i, vector('[' || ((i % 12 = 0) * 4) || ',' || (i % 3) || ',' ||
       (i % 4) || ',' || ((i * 7919 % 101 - 50) / 200.0) || ',' ||
       ((i * 104729 % 97 - 48) / 200.0) || ',' || ((i * 1299709 % 89 - 44) / 200.0) || ',1,' ||
       (i % 12 / 4.0) || ']') FROM n;
INSERT INTO s(rowid, body, vector) SELECT id, 'row ' || id, v FROM made;
CREATE TABLE exact AS SELECT m.id AS question, f.rowid AS row, f.distance FROM made AS m,
       s(m.v, 10) AS f WHERE m.id % 100 = 0;
SELECT 'ivf: before optimize there are no lists, and all is read',
       lists IS NULL AND share IS NULL FROM semantic_status;

INSERT INTO s(s) VALUES('optimize');
SELECT 'ivf: optimize makes lists and says how much of the codes a question reads',
       lists >= 4 AND share > 0 AND share <= 1 AND rows = 3000 AND chunks = 3000
       FROM semantic_status;
SELECT 'ivf: every block has a list', (SELECT count(*) FROM s_blocks WHERE block > 0 AND
       list IS NULL) = 0;
INSERT INTO s(s) VALUES('integrity-check');
SELECT 'ivf: the nearest rows are found', count(*) >= 0.95 *
       (SELECT count(*) FROM exact) FROM exact AS e JOIN made AS m ON m.id = e.question
       WHERE e.row IN (SELECT f.rowid FROM s(m.v, 10) AS f);
SELECT 'ivf: a row is nearest to itself', count(*) = 30 FROM made AS m, s(m.v, 1) AS f
       WHERE m.id % 100 = 0 AND f.distance < 1e-6;
SELECT 'ivf: a question without a number of rows ends with all', count(*) = 3000 AND
       count(DISTINCT rowid) = 3000 FROM s WHERE s MATCH (SELECT v FROM made WHERE id = 7);
SELECT 'ivf: a filter that leaves few rows finds all of them', count(*) = 40 FROM s
       WHERE s MATCH (SELECT v FROM made WHERE id = 7) AND k = 40 AND rowid BETWEEN 100 AND 139;
SELECT 'ivf: a filter that leaves more goes on to other lists', count(*) = 300 FROM s
       WHERE s MATCH (SELECT v FROM made WHERE id = 7) AND k = 300 AND rowid > 2600;

-- ---- probes ----
INSERT INTO s(s, rank) VALUES('probes', 1000);
-- since: 3.38
SELECT 'probes: all lists give the exact answer', count(*) = (SELECT count(*) FROM exact)
       FROM exact AS e JOIN made AS m ON m.id = e.question WHERE EXISTS (SELECT 1 FROM
       s(m.v, 10) AS f WHERE f.rowid = e.row AND f.distance = e.distance);
SELECT 'probes: the number is kept', probes = 1000 AND share IS NULL FROM semantic_status;
SELECT 'probes: all lists', count(*) = 10 FROM s((SELECT v FROM made WHERE id = 7), 10);
CREATE TEMP TABLE whole AS SELECT question_bytes AS of_all FROM semantic_status;
INSERT INTO s(s, rank) VALUES('probes', 1);
SELECT 'probes: one list', count(*) = 10 FROM s((SELECT v FROM made WHERE id = 7), 10);
SELECT 'probes: semantic_status says how many bytes a question read: fewer of one list',
       question_bytes > 0 AND question_bytes < of_all FROM semantic_status, whole;
INSERT INTO s(s, rank) VALUES('probes', 0);
SELECT 'probes: 0 is the measure of optimize again', probes IS NULL AND share > 0
       FROM semantic_status;
-- error: s: 'probes' takes a number of lists, a whole one, 0: as many as 'optimize' measured, not -1
INSERT INTO s(s, rank) VALUES('probes', -1);

-- ---- Rows that come later ----
INSERT INTO s(rowid, body, vector) VALUES(9001, 'new', vector('[0,0,0,0,0,0,-1,0]'));
UPDATE s SET vector = vector('[0,0,0,0,0,0,-1,0.5]') WHERE rowid = 12;
DELETE FROM s WHERE rowid = 24;
SELECT 'ivf: new and changed rows are found at once', group_concat(rowid) = '9001,12'
       FROM (SELECT rowid FROM s(vector('[0,0,0,0,0,0,-1,0.1]'), 2));
SELECT 'ivf: they lie in no list', sum(used) = 2 FROM s_blocks WHERE block > 0 AND list IS NULL;
CREATE TEMP TABLE before AS SELECT list, centroid FROM s_lists;
INSERT INTO s(s) VALUES('optimize');
SELECT 'ivf: until optimize takes them to the lists that there are',
       (SELECT count(*) FROM s_blocks WHERE block > 0 AND list IS NULL) = 0
       AND (SELECT count(*) FROM s_lists NATURAL JOIN before) = (SELECT count(*) FROM s_lists);
SELECT 'ivf: where they are found', (SELECT rowid FROM s(vector('[0,0,0,0,0,0,-1,0]'), 1)) = 9001
       AND (SELECT rowid FROM s(vector('[0,0,0,0,0,0,-1,0.5]'), 1)) = 12;
INSERT INTO s(s) VALUES('integrity-check');

-- ---- Life ----
ALTER TABLE s RENAME TO t;
SELECT 'ivf: RENAME takes the lists along', count(*) = 1 FROM sqlite_master
       WHERE name = 't_lists';
SELECT 'ivf: and they are used', count(*) = 10 FROM t(vector('[0,0,0,0,0,0,-1,0.1]'), 10);
INSERT INTO t(t) VALUES('rebuild');
SELECT 'ivf: rebuild begins without lists', lists IS NULL AND rows = 3000 FROM semantic_status;
INSERT INTO t(t) VALUES('integrity-check');
DROP TABLE t;
SELECT 'ivf: DROP takes the lists away', count(*) = 0 FROM sqlite_master WHERE name GLOB 't_*';

-- ---- Small, and flat ----
CREATE VIRTUAL TABLE small USING semantic(body, model='', index='ivf');
INSERT INTO small(vector) SELECT v FROM made LIMIT 50;
INSERT INTO small(small) VALUES('optimize');
SELECT 'ivf: few rows need no lists', lists IS NULL AND rows = 50 FROM semantic_status;
CREATE VIRTUAL TABLE flat USING semantic(body, model='');
-- error: flat: 'probes' is for approximate indexes: this one was made without index='ivf', and reads all
INSERT INTO flat(flat, rank) VALUES('probes', 3);
SELECT 'ivf: a flat index has no such table', count(*) = 0 FROM sqlite_master
       WHERE name = 'flat_lists';
