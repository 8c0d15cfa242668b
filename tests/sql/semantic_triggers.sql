-- INSERT INTO search(search) VALUES('triggers'): an index that follows the table whose rows it has.
-- Every row is a sentence and whether it holds.

-- run
CREATE TABLE articles(id INTEGER PRIMARY KEY, title, body, year);
-- run
INSERT INTO articles VALUES (1, 'the bank', 'of the river', 1990), (2, 'a loan', 'money', 2020);
CREATE VIRTUAL TABLE search USING semantic(title, body, content='articles', content_rowid='id');
INSERT INTO search(search) VALUES('triggers');
INSERT INTO search(search) VALUES('triggers');
SELECT 'triggers: there are three, however often they are asked for',
       (SELECT group_concat(name) FROM (SELECT name FROM sqlite_master
         WHERE type = 'trigger' ORDER BY name)) = 'search_ad,search_ai,search_au';
INSERT INTO search(search) VALUES('sync');
SELECT 'triggers: sync takes what was there before them',
       rows = 2 AND pending = 0 AND stale = 0 FROM semantic_status;

-- ---- What they do ----
INSERT INTO articles VALUES (3, 'a ship', 'water', 2021), (4, NULL, NULL, 2022);
UPDATE articles SET body = 'a river and a bank' WHERE id = 1;
DELETE FROM articles WHERE id = 2;
SELECT 'triggers: INSERT, UPDATE and DELETE', rows = 3 AND stale = 0 FROM semantic_status;
INSERT INTO search(search) VALUES('integrity-check');
UPDATE articles SET id = 40 WHERE id = 4;
UPDATE articles SET id = id + 1000;
SELECT 'triggers: the key may change', rows = 3 AND stale = 0 FROM semantic_status;
INSERT INTO search(search) VALUES('integrity-check');
INSERT OR REPLACE INTO articles VALUES (1003, 'a boat', 'water', 2021);
INSERT OR IGNORE INTO articles VALUES (1003, 'nothing', 'at all', 2021), (5, 'money', 'a loan', 1);
UPDATE OR REPLACE articles SET id = 5 WHERE id = 1003;
INSERT INTO articles VALUES (5, 'new', 'text', 1) ON CONFLICT (id) DO UPDATE SET title = 'a boat';
SELECT 'triggers: OR REPLACE, OR IGNORE and UPSERT on the content',
       rows = 3 AND stale = 0 FROM semantic_status;
INSERT INTO search(search) VALUES('integrity-check');
BEGIN;
INSERT INTO articles VALUES (6, 'x', 'y', 1);
SAVEPOINT inner;
DELETE FROM articles;
ROLLBACK TO inner;
COMMIT;
SELECT 'triggers: ROLLBACK TO', rows = 4 AND stale = 0 FROM semantic_status;
INSERT INTO search(search) VALUES('integrity-check');
-- run
UPDATE articles SET year = 0;
-- run
BEGIN;
-- run
UPDATE articles SET year = 1;
SELECT 'triggers: a column that is not indexed leaves the index alone',
       pending = 0 FROM semantic_status;
COMMIT;
INSERT INTO articles VALUES (7, 'last', 'row', 1);
SELECT 'triggers: changes() and last_insert_rowid() are the content''s',
       changes() = 1 AND last_insert_rowid() = 7;
BEGIN;
INSERT INTO articles(title) VALUES ('one'), ('two'), ('three');
COMMIT;
SELECT 'triggers: after COMMIT, too', changes() = 3
       AND last_insert_rowid() = (SELECT max(id) FROM articles);
-- run
PRAGMA trusted_schema = OFF;
INSERT INTO articles VALUES (11, 'untrusted', 'schema', 1);
SELECT 'triggers: they work in an untrusted schema', rows = 9 FROM semantic_status;

-- ---- Names ----
ALTER TABLE search RENAME TO "it's";
SELECT 'triggers: they follow the index to its new name',
       (SELECT group_concat(name) FROM (SELECT name FROM sqlite_master
         WHERE type = 'trigger' ORDER BY name)) = 'it''s_ad,it''s_ai,it''s_au';
INSERT INTO articles VALUES (12, 'after', 'it', 1);
SELECT 'triggers: and work', rows = 10 FROM semantic_status;
INSERT INTO "it's"("it's") VALUES('drop-triggers');
INSERT INTO "it's"("it's") VALUES('drop-triggers');
SELECT 'triggers: drop-triggers takes them away', (SELECT count(*) FROM sqlite_master
       WHERE type = 'trigger') = 0;
CREATE TRIGGER "it's_ad" AFTER DELETE ON articles BEGIN SELECT 1; END;
-- error: it's: there is a trigger 'it's_ad' that the index did not make: drop or rename it
INSERT INTO "it's"("it's") VALUES('triggers');
SELECT 'triggers: then none is made', (SELECT count(*) FROM sqlite_master
       WHERE type = 'trigger') = 1;
DROP TABLE "it's";
SELECT 'triggers: DROP TABLE leaves a trigger of that name that is not the index''s',
       (SELECT group_concat(name) FROM sqlite_master WHERE type = 'trigger') = 'it''s_ad';
-- run
DROP TABLE articles;

-- ---- An ATTACHed schema ----
-- run
ATTACH ':memory:' AS aside;
-- run
CREATE TABLE aside.notes(n INTEGER NOT NULL UNIQUE, "the text") ;
CREATE VIRTUAL TABLE aside.found USING semantic("the text", content=notes, content_rowid=n);
INSERT INTO found(found) VALUES('triggers');
INSERT INTO notes VALUES (70, 'a ship'), (-5, 'a bank');
SELECT 'triggers: they stand in the schema of the content',
       (SELECT count(*) FROM aside.sqlite_master WHERE type = 'trigger') = 3
       AND (SELECT rows FROM semantic_status) = 2;
INSERT INTO found(found) VALUES('integrity-check');
DROP TABLE found;
SELECT 'triggers: DROP TABLE takes them along',
       (SELECT count(*) FROM aside.sqlite_master WHERE type = 'trigger') = 0;

-- ---- Where there can be none ----
-- run
CREATE TABLE t(id INTEGER PRIMARY KEY, body);
-- run
CREATE VIEW v AS SELECT id, body FROM t;
CREATE VIRTUAL TABLE s USING semantic(body, content=v, content_rowid=id);
-- error: s: 'v' is a view: no trigger sees its rows change; make triggers on its tables that write to 's', or use 'sync'
INSERT INTO s(s) VALUES('triggers');
-- run
INSERT INTO t VALUES (1, 'a bank'), (2, 'money');
INSERT INTO s(s) VALUES('sync');
-- run
UPDATE t SET body = 'water' WHERE id = 1;
-- run
DELETE FROM t WHERE id = 2;
-- error: s: these rows have another text than was embedded: 1
INSERT INTO s(s) VALUES('integrity-check');
SELECT 'triggers: a row that left the content unseen is stale', rows = 2 AND stale = 1
  FROM semantic_status;
INSERT INTO s(s) VALUES('sync');
SELECT 'triggers: sync follows a view', rows = 1 AND stale = 0 FROM semantic_status;
INSERT INTO s(s) VALUES('integrity-check');
CREATE VIRTUAL TABLE own USING semantic(body);
-- error: own: 'triggers' is for an index of another table's rows, content='table'; this one is written to itself
INSERT INTO own(own) VALUES('triggers');

-- ---- Generated columns ----
CREATE TABLE made(name TEXT PRIMARY KEY, n INTEGER NOT NULL UNIQUE, x TEXT, year,
                  both TEXT GENERATED ALWAYS AS (name || ' ' || x) VIRTUAL,
                  kept TEXT GENERATED ALWAYS AS (x || ' river') STORED) WITHOUT ROWID;
CREATE VIRTUAL TABLE of_made USING semantic(both, kept, content='made', content_rowid='n');
INSERT INTO of_made(of_made) VALUES('triggers');
INSERT INTO made(name, n, x) VALUES ('a', 1, 'bank'), ('b', 2, 'money');
UPDATE made SET x = 'tree' WHERE n = 1;
UPDATE made SET name = 'c' WHERE n = 2;
UPDATE made SET year = 1;
SELECT 'triggers: a generated column changes with those it is made of', count(*) = 2
       AND min(vector = embed(both || char(10) || kept)) FROM of_made;
INSERT INTO of_made(of_made) VALUES('integrity-check');
DROP TABLE of_made;
DROP TABLE made;

-- ---- Other triggers on the content ----
-- SQLite runs the latest trigger first: these write before the index's own have their turn.
CREATE TABLE chain(id INTEGER PRIMARY KEY, body, again);
CREATE VIRTUAL TABLE chained USING semantic(body, content='chain', content_rowid='id', fts=1);
INSERT INTO chained(chained) VALUES('triggers');
CREATE TRIGGER reborn AFTER DELETE ON chain WHEN old.again > 0 BEGIN
  INSERT INTO chain VALUES (old.id, 'born again ' || old.body, old.again - 1); END;
CREATE TRIGGER edited AFTER INSERT ON chain WHEN new.again = 2 BEGIN
  UPDATE chain SET body = body || ' edited' WHERE id = new.id; END;
CREATE TRIGGER refused AFTER INSERT ON chain WHEN new.again < 0 BEGIN
  DELETE FROM chain WHERE id = new.id; END;
INSERT INTO chain VALUES (1, 'river', 0), (2, 'money', 1), (3, 'water', 2), (4, 'boat', -1);
SELECT 'triggers: a row that another trigger changed or deleted when it came',
       group_concat(rowid || body || (vector = embed(body))) = '1river1,2money1,3water edited1'
  FROM chained;
INSERT INTO chained(chained) VALUES('integrity-check');
DELETE FROM chain;
SELECT 'triggers: a row that another trigger made anew when it went is found',
       group_concat(rowid || body || (vector = embed(body)))
       = '2born again money1,3born again water edited1' FROM chained;
SELECT 'triggers: by its words too', count(*) = 2 AND min(bm25_rank) = 1
  FROM chained('born') WHERE bm25_rank;
INSERT INTO chained(chained) VALUES('integrity-check');
DELETE FROM chain;
DELETE FROM chain;
SELECT 'triggers: and gone at last', count(*) = 0 FROM chained;
INSERT INTO chained(chained) VALUES('integrity-check');
DROP TABLE chained;
DROP TABLE chain;
