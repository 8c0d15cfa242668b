-- The commands of a semantic index. Every row is a sentence and whether it holds.

-- run
CREATE TABLE texts(id INTEGER PRIMARY KEY, body);
-- run
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40)
INSERT INTO texts SELECT i, 'the bank ' || i || ' of the river' FROM n;
CREATE VIRTUAL TABLE s USING semantic(body, content=texts, content_rowid=id);

-- error: s: there is no command 'reindex'; known: rebuild, sync, optimize, integrity-check, triggers, drop-triggers, delete-all, content, hybrid, weights, probes
INSERT INTO s(s) VALUES('reindex');
-- error: s: 'triggers' takes no number
INSERT INTO s(s, rank) VALUES('triggers', 5);
-- error: s: 'rebuild' takes a number of rows, a whole one above 0, not 0
INSERT INTO s(s, rank) VALUES('rebuild', 0);
-- error: s: 'sync' takes a number of rows, a whole one above 0, not many
INSERT INTO s(s, rank) VALUES('sync', 'many');

INSERT INTO s(s, rank) VALUES('sync', 3.0);
-- error: s: 'sync' takes a number of rows, a whole one above 0, not 2.5
INSERT INTO s(s, rank) VALUES('sync', 2.5);

-- ---- rebuild ----
INSERT INTO s(s) VALUES('Rebuild');
SELECT 'rebuild: every row of the content is in the index', rows = 40 AND chunks = 40
       AND progress IS NULL FROM semantic_status;
INSERT INTO s(s) VALUES('integrity-check');
-- run
UPDATE texts SET body = 'water' WHERE id <= 30;
INSERT INTO s(s, rank) VALUES('rebuild', 15);
SELECT 'rebuild: by steps, questions see the state before', rows = 40 AND stale = 25
       AND progress = 0.375 FROM semantic_status;
-- error: s: these rows have another text than was embedded: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20; and more
INSERT INTO s(s) VALUES('integrity-check');
INSERT INTO s(s) VALUES('triggers');
INSERT INTO texts VALUES (41, 'new');
UPDATE texts SET body = 'changed' WHERE id IN (3, 33);
DELETE FROM texts WHERE id IN (5, 35);
INSERT INTO s(s, rank) VALUES('rebuild', 15);
BEGIN;
INSERT INTO s(s, rank) VALUES('rebuild', 5);
ROLLBACK;
SELECT 'rebuild: its place is rolled back with all else',
       round(progress, 2) BETWEEN 0.7 AND 0.85 FROM semantic_status;
INSERT INTO s(s, rank) VALUES('rebuild', 15);
SELECT 'rebuild: the last step shows the new state', rows = 39 AND stale = 0
       AND progress IS NULL FROM semantic_status;
INSERT INTO s(s) VALUES('integrity-check');
INSERT INTO s(s, rank) VALUES('rebuild', 10);
INSERT INTO s(s) VALUES('rebuild');
SELECT 'rebuild: the whole takes the place of one by steps', rows = 39 AND progress IS NULL
  FROM semantic_status;
INSERT INTO s(s) VALUES('integrity-check');

-- ---- Another model under the same name ----
-- run
SELECT embed_model('m', :tests || '/golden/bert');
CREATE VIRTUAL TABLE named USING semantic(body, model=m);
INSERT INTO named VALUES ('a bank'), ('a ship');
-- run
INSERT INTO named(body, vector) VALUES ('own', vector(embed('money', 'm')));
-- run
SELECT embed_model_drop('m'), embed_model('m', :tests || '/golden/bert_cased');
INSERT INTO named(named) VALUES('integrity-check');
INSERT INTO named(named) VALUES('rebuild');
SELECT 'rebuild: takes the model that the name means now', rows = 3 AND fingerprint =
       (SELECT fingerprint FROM embed_models WHERE name = 'm') FROM semantic_status
 WHERE "index" = 'named';
INSERT INTO named(named) VALUES('integrity-check');
-- run
SELECT embed_model_drop('m'), embed_model('m', :tests || '/golden/bert');
-- error: named: model 'm' has fingerprint 1f8c9ba57a55323c961dc66a3250bf8f here, the index was made with b4f3e3e39afc40a69c1e1fcaae1fc42e: INSERT INTO "named"("named") VALUES('rebuild') embeds its rows anew
SELECT rowid FROM named WHERE named MATCH 'bank' LIMIT 1;
INSERT INTO named(named, rank) VALUES('rebuild', 2);
SELECT 'rebuild: vectors of another length stand beside the old ones', dimensions = 40
       AND round(progress, 2) = 0.67 FROM semantic_status WHERE "index" = 'named';
INSERT INTO named(named) VALUES('integrity-check');
INSERT INTO named(named, rank) VALUES('rebuild', 2);
SELECT 'rebuild: until they take their place', dimensions = 32 AND rows = 3 AND progress IS NULL
  FROM semantic_status WHERE "index" = 'named';
INSERT INTO named(named) VALUES('integrity-check');
CREATE VIRTUAL TABLE forgets USING semantic(body, model=m, content='');
INSERT INTO forgets(rowid, body) VALUES (1, 'a bank'), (2, 'a ship');
INSERT INTO forgets(forgets) VALUES('rebuild');
SELECT 'rebuild: content='''' keeps its vectors', rows = 2 FROM semantic_status
 WHERE "index" = 'forgets';

-- ---- delete-all, optimize ----
INSERT INTO s(s) VALUES('optimize');
INSERT INTO s(s, rank) VALUES('optimize', 10);
INSERT INTO s(s) VALUES('integrity-check');
INSERT INTO s(s) VALUES('delete-all');
SELECT 'delete-all: no row is left, the content stays', rows = 0 AND chunks = 0
       AND (SELECT count(*) FROM texts) = 39 FROM semantic_status WHERE "index" = 's';
INSERT INTO named(named) VALUES('delete-all');
SELECT 'delete-all: own content goes', (SELECT count(*) FROM named_content) = 0;

-- ---- manual ----
CREATE VIRTUAL TABLE later USING semantic(body, embed=manual);
INSERT INTO later VALUES ('one'), ('two'), ('three');
SELECT 'sync: until then rows wait', rows = 0 AND pending = 3 FROM semantic_status
 WHERE "index" = 'later';
INSERT INTO later(later, rank) VALUES('sync', 2);
SELECT 'sync: takes a number of rows', rows = 2 AND pending = 1 FROM semantic_status
 WHERE "index" = 'later';
INSERT INTO later(later) VALUES('sync');
SELECT 'sync: and all', rows = 3 AND pending = 0 FROM semantic_status
 WHERE "index" = 'later';
SELECT 'commands: changes() counts nothing that they write', changes() <= 1;
