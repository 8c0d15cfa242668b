-- Row ids of a semantic index within a transaction, where the largest one is remembered from row to
-- row: whatever changes it in between, a new row's id and a conflict are those of an ordinary table.
-- Rows bring their vectors. Every row is a sentence and whether it holds.

CREATE VIRTUAL TABLE bare USING semantic(x, model='', content='');
CREATE VIRTUAL TABLE kept USING semantic(x, model='');
CREATE TABLE plain(id INTEGER PRIMARY KEY, x);

-- ---- Rows in order, and one that is there ----
BEGIN;
INSERT INTO bare(rowid, vector) VALUES (1, '[1,0]'), (2, '[0,1]'), (3, '[1,1]');
-- error: bare: UNIQUE constraint failed: bare.rowid
INSERT INTO bare(rowid, vector) VALUES (2, '[1,2]');
INSERT INTO bare(rowid, vector) VALUES (4, '[1,2]');
-- error: bare: UNIQUE constraint failed: bare.rowid
INSERT INTO bare(rowid, vector) VALUES (4, '[1,3]');
-- error: bare: UNIQUE constraint failed: bare.rowid
INSERT INTO bare(rowid, vector) VALUES (5, '[1,2]'), (6, '[1,2]'), (5, '[1,2]');
SELECT 'ids: a statement that fails leaves none of its rows', group_concat(rowid) = '1,2,3,4' FROM bare;
INSERT OR IGNORE INTO bare(rowid, vector) VALUES (4, '[5,5]'), (5, '[1,4]'), (5, '[5,5]'), (6, '[1,5]');
INSERT OR REPLACE INTO bare(rowid, vector) VALUES (6, '[2,1]'), (7, '[3,1]'), (7, '[4,1]');
SELECT 'ids: OR IGNORE and OR REPLACE among new rows',
       group_concat(rowid) = '1,2,3,4,5,6,7' AND sum(rowid = 5 AND vector = vector('[1,4]'))
       AND sum(rowid = 7 AND vector = vector('[4,1]')) FROM bare;
COMMIT;

-- ---- The largest goes ----
BEGIN;
INSERT INTO bare(vector) VALUES ('[1,6]'), ('[1,7]');
SELECT 'ids: a new row gets the largest id and one more', last_insert_rowid() = 9;
DELETE FROM bare WHERE rowid = 9;
INSERT INTO bare(vector) VALUES ('[1,8]');
SELECT 'ids: also after a DELETE of the largest', last_insert_rowid() = 9;
INSERT INTO bare(rowid, vector) VALUES (20, '[1,9]');
UPDATE bare SET rowid = 12 WHERE rowid = 20;
INSERT INTO bare(vector) VALUES ('[2,3]');
SELECT 'ids: after an UPDATE of the largest', last_insert_rowid() = 13;
UPDATE bare SET rowid = 30 WHERE rowid = 1;
INSERT INTO bare(vector) VALUES ('[2,4]');
SELECT 'ids: after an UPDATE to a larger one', last_insert_rowid() = 31;
INSERT INTO bare(rowid, vector) VALUES (20, '[2,5]');
-- error: bare: UNIQUE constraint failed: bare.rowid
INSERT INTO bare(rowid, vector) VALUES (30, '[2,5]');
DELETE FROM bare;
INSERT INTO bare(vector) VALUES ('[2,6]');
SELECT 'ids: after a DELETE of all', last_insert_rowid() = 1;
INSERT INTO bare(rowid, vector) VALUES (2, '[2,7]');
COMMIT;
SELECT 'ids: and they are what is stored', group_concat(rowid) = '1,2' FROM bare;
INSERT INTO bare(bare) VALUES ('integrity-check');

-- ---- ROLLBACK TO ----
BEGIN;
INSERT INTO bare(rowid, vector) VALUES (3, '[1,1]'), (4, '[1,1]');
SAVEPOINT a;
INSERT INTO bare(rowid, vector) VALUES (5, '[1,1]'), (100, '[1,1]');
INSERT INTO bare(vector) VALUES ('[3,3]');
ROLLBACK TO a;
INSERT INTO bare(vector) VALUES ('[3,3]');
SELECT 'ids: ROLLBACK TO takes the largest back', last_insert_rowid() = 5;
INSERT INTO bare(rowid, vector) VALUES (6, '[3,4]');
SAVEPOINT b;
DELETE FROM bare WHERE rowid >= 4;
INSERT INTO bare(vector) VALUES ('[3,5]');
ROLLBACK TO b;
-- error: bare: UNIQUE constraint failed: bare.rowid
INSERT INTO bare(rowid, vector) VALUES (6, '[3,6]');
INSERT INTO bare(vector) VALUES ('[3,6]');
SELECT 'ids: and brings what was deleted back', last_insert_rowid() = 7;
ROLLBACK;
INSERT INTO bare(vector) VALUES ('[3,7]');
SELECT 'ids: ROLLBACK takes all back', last_insert_rowid() = 3;
SELECT 'ids: what rolled back is not there', group_concat(rowid) = '1,2,3' FROM bare;

-- ---- Ends of the range ----
BEGIN;
DELETE FROM bare;
INSERT INTO bare(rowid, vector) VALUES (-9223372036854775808, '[1,1]');
-- error: bare: UNIQUE constraint failed: bare.rowid
INSERT INTO bare(rowid, vector) VALUES (-9223372036854775808, '[1,1]');
INSERT INTO bare(rowid, vector) VALUES (-7, '[1,1]');
INSERT INTO bare(rowid, vector) VALUES (-9, '[1,2]'), (-6, '[1,3]');
-- error: bare: UNIQUE constraint failed: bare.rowid
INSERT INTO bare(rowid, vector) VALUES (-9, '[1,1]');
INSERT INTO bare(rowid, vector) VALUES (9223372036854775807, '[1,4]');
INSERT INTO bare(vector) VALUES ('[1,5]');
SELECT 'ids: beyond the largest integer any free one', last_insert_rowid() BETWEEN 1 AND 9223372036854775806;
-- error: bare: UNIQUE constraint failed: bare.rowid
INSERT INTO bare(rowid, vector) VALUES (9223372036854775807, '[1,1]');
COMMIT;
SELECT 'ids: negative ones and the largest are stored', count(*) = 6 AND min(rowid) < -9 FROM bare;
INSERT INTO bare(bare) VALUES ('integrity-check');

-- ---- Own content, beside an ordinary table ----
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO kept(rowid, x, vector) SELECT (i * 37) % 301, i, json_array(i, 1) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO plain(id, x) SELECT (i * 37) % 301, i FROM n;
INSERT INTO kept(x, vector) VALUES ('a', '[1,1]'), ('b', '[1,1]');
INSERT INTO plain(x) VALUES ('a'), ('b');
DELETE FROM kept WHERE rowid > 290;
DELETE FROM plain WHERE id > 290;
INSERT INTO kept(x, vector) VALUES ('c', '[1,1]');
INSERT INTO plain(x) VALUES ('c');
UPDATE kept SET rowid = rowid + 1000 WHERE rowid % 50 = 0;
UPDATE plain SET id = id + 1000 WHERE id % 50 = 0;
INSERT INTO kept(x, vector) VALUES ('d', '[1,1]');
INSERT INTO plain(x) VALUES ('d');
INSERT OR REPLACE INTO kept(rowid, x, vector) SELECT rowid + 1, 'r' || x, vector FROM kept WHERE rowid % 10 = 0;
INSERT OR REPLACE INTO plain(id, x) SELECT id + 1, 'r' || x FROM plain WHERE id % 10 = 0;
COMMIT;
SELECT 'ids: own content has the rows that an ordinary table has',
       (SELECT group_concat(rowid || '=' || x) FROM (SELECT rowid, x FROM kept ORDER BY rowid)) =
       (SELECT group_concat(id || '=' || x) FROM (SELECT id, x FROM plain ORDER BY id));
INSERT INTO kept(kept) VALUES ('integrity-check');

-- ---- Commands and shadow tables in between ----
BEGIN;
INSERT INTO kept(x, vector) VALUES ('e', '[1,1]'), ('f', '[1,1]');
INSERT INTO kept(kept) VALUES ('delete-all');
INSERT INTO kept(x, vector) VALUES ('g', '[1,1]');
SELECT 'ids: after ''delete-all'' they begin anew', last_insert_rowid() = 1;
INSERT INTO kept(x, vector) VALUES ('h', '[1,1]'), ('i', '[1,1]');
DELETE FROM kept_content WHERE id >= 2;
INSERT INTO kept(x, vector) VALUES ('j', '[1,1]');
SELECT 'ids: what is changed behind the index is seen', last_insert_rowid() = 2;
ROLLBACK;
DROP TABLE bare;
DROP TABLE kept;
DROP TABLE plain;
