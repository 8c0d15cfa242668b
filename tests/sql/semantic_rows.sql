-- Rows of a semantic index: INSERT, UPDATE, DELETE and their conflict clauses, the kinds of content,
-- transactions, vectors that rows bring along. Every row is a sentence and whether it holds. The
-- model is the tiny BERT.

-- ---- Own content ----
CREATE VIRTUAL TABLE own USING semantic(title, body, note UNINDEXED);
INSERT INTO own(title, body, note) VALUES ('the bank', 'lends money', 'a');
SELECT 'semantic rows: the first rowid is 1', last_insert_rowid() = 1 AND changes() = 1;
SELECT 'semantic rows: columns come back as they were given',
       title = 'the bank' AND body = 'lends money' AND note = 'a' FROM own;
SELECT 'semantic rows: the vector is that of the indexed columns, joined by newlines',
       vector = embed('the bank' || char(10) || 'lends money') FROM own;
INSERT INTO own(rowid, title, note) VALUES (7, 'the river', x'00ff');
SELECT 'semantic rows: a NULL column is left out', vector = embed('the river') FROM own WHERE rowid = 7;
SELECT 'semantic rows: an UNINDEXED column may be a BLOB', note = x'00ff' FROM own WHERE rowid = 7;
INSERT INTO own(title) VALUES (1984);
SELECT 'semantic rows: without a rowid the largest and one more', last_insert_rowid() = 8;
SELECT 'semantic rows: a number is kept as a number and embedded as a text',
       typeof(title) = 'integer' AND vector = embed('1984') FROM own WHERE rowid = 8;
INSERT INTO own(title, note) VALUES (NULL, 'empty'), ('', 'empty');
SELECT 'semantic rows: a row without text is a row without vector',
       count(*) = 2 AND count(vector) = 0 FROM own WHERE note = 'empty';
INSERT INTO own(rowid, title) VALUES ('20', 'a'), (21.0, 'b'), ('22.0', 'c');
SELECT 'semantic rows: a rowid is taken as an INTEGER PRIMARY KEY takes it',
       group_concat(rowid || typeof(rowid)) = '20integer,21integer,22integer'
  FROM own WHERE rowid BETWEEN 20 AND 22;
INSERT INTO own(rowid, title) VALUES (-3, 'below'), (-9223372036854775808, 'least');
SELECT 'semantic rows: any integer is a rowid', count(*) = 2 FROM own WHERE rowid < 0;
-- error: datatype mismatch
INSERT INTO own(rowid, title) VALUES ('x', 'a');
-- error: datatype mismatch
INSERT INTO own(rowid, title) VALUES (1.5, 'a');
-- error: own: datatype mismatch: rowid must be an integer
UPDATE own SET rowid = 'x' WHERE rowid = 20;
-- error: own: column title must be TEXT: got BLOB of 2 bytes; use CAST(x AS TEXT) if it is UTF-8 text, or make the column UNINDEXED
INSERT INTO own(title) VALUES (x'6162');
-- error: own: column body must be TEXT: got BLOB of 2 bytes; use CAST(x AS TEXT) if it is UTF-8 text, or make the column UNINDEXED
UPDATE own SET body = x'6162' WHERE rowid = 20;
-- error: own: column distance can't be written: of the hidden columns a row has `vector` alone
INSERT INTO own(title, distance) VALUES ('a', 0.5);
-- error: own: column k can't be written: of the hidden columns a row has `vector` alone
UPDATE own SET k = 3 WHERE rowid = 20;
-- error: own: column rank can't be written: of the hidden columns a row has `vector` alone
INSERT INTO own(title, rank) VALUES ('a', 1);
-- error: own: column own can't be written: of the hidden columns a row has `vector` alone
UPDATE own SET own = 'rebuild' WHERE rowid = 20;
-- error: own: a command is a text and comes without a row: INSERT INTO "own"("own") VALUES('rebuild')
INSERT INTO own(own, title) VALUES ('rebuild', 'a');
-- error: own: a command is a text and comes without a row: INSERT INTO "own"("own") VALUES('rebuild')
INSERT INTO own(own) VALUES (1);
SELECT 'semantic rows: what was refused has left nothing', count(*) = 10 FROM own;
DELETE FROM own WHERE rowid < 0 OR rowid > 8;
SELECT 'semantic rows: DELETE counts rows as a table does', changes() = 7;
SELECT 'semantic rows: what is deleted is gone', group_concat(rowid) = '1,7,8' FROM own;
INSERT INTO own(own) VALUES ('integrity-check');

-- ---- UPDATE ----
UPDATE own SET body = 'takes deposits' WHERE rowid = 1;
SELECT 'semantic rows: UPDATE counts its row', changes() = 1;
SELECT 'semantic rows: UPDATE embeds the new text, columns that it leaves alone included',
       vector = embed('the bank' || char(10) || 'takes deposits') AND title = 'the bank' AND note = 'a'
  FROM own WHERE rowid = 1;
UPDATE own SET note = 'b' WHERE rowid = 1;
SELECT 'semantic rows: UPDATE of an UNINDEXED column', note = 'b' AND body = 'takes deposits'
  FROM own WHERE rowid = 1;
UPDATE own SET body = NULL, title = 'shore' WHERE rowid = 1;
SELECT 'semantic rows: UPDATE to NULL', body IS NULL AND vector = embed('shore') FROM own WHERE rowid = 1;
UPDATE own SET rowid = 70 WHERE rowid = 7;
SELECT 'semantic rows: UPDATE of the rowid takes the row along',
       group_concat(rowid) = '1,8,70' AND max(rowid = 70 AND vector = embed('the river')) FROM own;
UPDATE own SET rowid = rowid + 100, title = 'n' || rowid;
SELECT 'semantic rows: UPDATE of rowids and texts at once', changes() = 3 AND
       group_concat(rowid || title || (vector = embed(title))) = '101n11,108n81,170n701' FROM own;
UPDATE own SET rowid = CASE rowid WHEN 101 THEN -1 WHEN 108 THEN 101 ELSE rowid END;
UPDATE own SET rowid = 108 WHERE rowid = -1;
SELECT 'semantic rows: two rows change their places',
       group_concat(rowid || title || (vector = embed(title))) = '101n81,108n11,170n701' FROM own;
UPDATE own SET title = v.t FROM (SELECT 101 AS r, 'from' AS t UNION ALL SELECT 108, 'where') AS v
 WHERE own.rowid = v.r;
SELECT 'semantic rows: UPDATE ... FROM embeds what it sets',
       group_concat(rowid || title || (vector = embed(title))) = '101from1,108where1,170n701' FROM own;
UPDATE own SET note = v.t FROM (SELECT 101 AS r, 'note' AS t) AS v WHERE own.rowid = v.r;
SELECT 'semantic rows: UPDATE ... FROM of another column leaves text and vector',
       title = 'from' AND note = 'note' AND vector = embed('from') FROM own WHERE rowid = 101;
INSERT INTO own(own) VALUES ('integrity-check');

-- ---- Conflicts, as an ordinary table has them ----
CREATE TABLE plain(id INTEGER PRIMARY KEY, title);
DELETE FROM own;
INSERT INTO own(rowid, title) VALUES (1, 'one'), (2, 'two');
INSERT INTO plain VALUES (1, 'one'), (2, 'two');
-- error: own: UNIQUE constraint failed: own.rowid
INSERT INTO own(rowid, title) VALUES (3, 'three'), (1, 'uno');
SELECT 'semantic rows: INSERT takes back its rows before the conflict', count(*) = 2 FROM own;
INSERT OR IGNORE INTO own(rowid, title) VALUES (1, 'uno');
SELECT 'semantic rows: OR IGNORE counts nothing', changes() = 0;
INSERT OR IGNORE INTO own(rowid, title) VALUES (2, 'due'), (4, 'four'), (1, 'uno');
INSERT OR IGNORE INTO plain VALUES (2, 'due'), (4, 'four'), (1, 'uno');
SELECT 'semantic rows: OR IGNORE passes over rows that are there', changes() = 1;
SELECT 'semantic rows: OR IGNORE does what a table does',
       (SELECT group_concat(rowid || title) FROM own) = (SELECT group_concat(id || title) FROM plain);
INSERT OR REPLACE INTO own(rowid, title) VALUES (2, 'due'), (5, 'five');
INSERT OR REPLACE INTO plain VALUES (2, 'due'), (5, 'five');
SELECT 'semantic rows: OR REPLACE counts its rows alone', changes() = 2;
SELECT 'semantic rows: OR REPLACE does what a table does',
       (SELECT group_concat(rowid || title) FROM own) = (SELECT group_concat(id || title) FROM plain);
SELECT 'semantic rows: OR REPLACE embeds the new text', vector = embed('due') FROM own WHERE rowid = 2;
REPLACE INTO own(title) VALUES ('next');
SELECT 'semantic rows: REPLACE without a rowid is a new row', last_insert_rowid() = 6;
-- error: own: UNIQUE constraint failed: own.rowid
INSERT OR FAIL INTO own(rowid, title) VALUES (10, 'ten'), (1, 'uno'), (11, 'eleven');
SELECT 'semantic rows: OR FAIL keeps the rows before the conflict',
       (SELECT group_concat(rowid) FROM own) = '1,2,4,5,6,10';
SELECT 'semantic rows: a row that OR FAIL kept is embedded', vector = embed('ten') FROM own WHERE rowid = 10;
BEGIN;
INSERT INTO own(rowid, title) VALUES (12, 'twelve');
-- error: own: UNIQUE constraint failed: own.rowid
INSERT OR ROLLBACK INTO own(rowid, title) VALUES (13, 'thirteen'), (1, 'uno');
-- error: cannot commit - no transaction is active
COMMIT;
SELECT 'semantic rows: OR ROLLBACK ends the transaction', max(rowid) = 10 FROM own;
-- error: own: UNIQUE constraint failed: own.rowid
UPDATE own SET rowid = 2 WHERE rowid = 1;
UPDATE OR IGNORE own SET rowid = 2 WHERE rowid = 1;
SELECT 'semantic rows: UPDATE OR IGNORE leaves the row', changes() = 0 AND
       (SELECT title FROM own WHERE rowid = 1) = 'one';
UPDATE OR REPLACE own SET rowid = 2 WHERE rowid = 1;
SELECT 'semantic rows: UPDATE OR REPLACE removes the row in its way', changes() = 1 AND
       (SELECT group_concat(rowid || title) FROM own) = '2one,4four,5five,6next,10ten';
SELECT 'semantic rows: and takes its own vector along', vector = embed('one') FROM own WHERE rowid = 2;
INSERT INTO own(own) VALUES ('integrity-check');
DELETE FROM own;
INSERT INTO own(rowid, title) VALUES (9223372036854775807, 'last');
INSERT INTO own(title) VALUES ('after the last');
SELECT 'semantic rows: beyond the largest rowid any that is free', count(*) = 2 AND count(DISTINCT rowid) = 2
  FROM own;

-- ---- INSERT ... SELECT ----
DELETE FROM own;
INSERT INTO own(rowid, title)
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
  SELECT i, 'bank ' || (i % 50) FROM n;
SELECT 'semantic rows: INSERT ... SELECT counts its rows', changes() = 3000 AND last_insert_rowid() = 3000;
SELECT 'semantic rows: thousands of rows at once',
       count(*) = 3000 AND sum(rowid % 100 = 7 AND vector = embed(title)) = 30 FROM own;
INSERT INTO own(rowid, title) SELECT rowid + 10000, title FROM own;
SELECT 'semantic rows: INSERT ... SELECT from itself', count(*) = 6000 FROM own;
UPDATE own SET rowid = rowid + 100000 WHERE rowid > 10000;
SELECT 'semantic rows: thousands of rowids at once', changes() = 3000 AND
       (SELECT sum(rowid % 100 = 7 AND vector = embed(title)) FROM own WHERE rowid > 100000) = 30;
DELETE FROM own WHERE rowid > 1;
SELECT 'semantic rows: thousands of deletions', changes() = 5999 AND (SELECT count(*) FROM own) = 1;
INSERT INTO own(own) VALUES ('integrity-check');

-- ---- Transactions ----
DELETE FROM own;
INSERT INTO own(rowid, title) VALUES (1, 'one');
BEGIN;
INSERT INTO own(rowid, title) VALUES (2, 'two');
SAVEPOINT s;
INSERT INTO own(rowid, title) VALUES (3, 'three');
UPDATE own SET title = 'uno' WHERE rowid = 1;
SELECT 'semantic rows: a transaction sees its rows',
       group_concat(rowid || title || (vector = embed(title))) = '1uno1,2two1,3three1' FROM own;
ROLLBACK TO s;
SELECT 'semantic rows: ROLLBACK TO takes rows back that were embedded',
       group_concat(rowid || title || (vector = embed(title))) = '1one1,2two1' FROM own;
DELETE FROM own WHERE rowid = 2;
INSERT INTO own(rowid, title) VALUES (4, 'four');
ROLLBACK TO s;
RELEASE s;
INSERT INTO own(rowid, title) VALUES (5, 'five'), (6, 'six');
DELETE FROM own WHERE rowid = 6;
COMMIT;
SELECT 'semantic rows: COMMIT keeps last_insert_rowid() and changes()',
       last_insert_rowid() = 6 AND changes() = 1;
SELECT 'semantic rows: COMMIT keeps what was left',
       group_concat(rowid || title || (vector = embed(title))) = '1one1,2two1,5five1' FROM own;
BEGIN;
DELETE FROM own;
INSERT INTO own(rowid, title) VALUES (1, 'eins');
SELECT 'semantic rows: a question in between', count(vector) = 1 FROM own;
ROLLBACK;
SELECT 'semantic rows: ROLLBACK brings all back',
       group_concat(rowid || title || (vector = embed(title))) = '1one1,2two1,5five1' FROM own;
INSERT INTO own(own) VALUES ('integrity-check');
INSERT INTO plain(title) SELECT 'row' FROM own;
SELECT 'semantic rows: a question leaves changes() and last_insert_rowid() alone', 1 FROM own LIMIT 1;
BEGIN;
INSERT INTO own(title) VALUES ('waits');
INSERT INTO plain(id, title) VALUES (1000, 'a'), (1001, 'b'), (1002, 'c');
-- run
SELECT count(vector) FROM own;
SELECT 'semantic rows: embedding before a question leaves changes() alone',
       changes() = 3 AND last_insert_rowid() = 1002;
COMMIT;
SELECT 'semantic rows: and so does COMMIT', changes() = 3 AND last_insert_rowid() = 1002;
DROP TABLE own;

-- ---- Vectors that rows bring ----
CREATE VIRTUAL TABLE brought USING semantic(name, model='');
INSERT INTO brought(rowid, name, vector) VALUES (1, 'one', '[1, 0, 0]'), (2, 'two', vector('[0, 1, 0]'));
SELECT 'semantic rows: vectors as JSON and as BLOB',
       group_concat(rowid || name || vector_json(vector)) = '1one[1,0,0],2two[0,1,0]' FROM brought;
-- error: brought: vector has 2 dimensions, the index has 3
INSERT INTO brought(name, vector) VALUES ('x', '[1, 2]');
-- error: brought: vector is 5 bytes, not a multiple of 4 (float32)
INSERT INTO brought(name, vector) VALUES ('x', x'0000000000');
-- error: brought: vector is empty
INSERT INTO brought(name, vector) VALUES ('x', x'');
-- error: brought: vector is empty
INSERT INTO brought(name, vector) VALUES ('x', '[]');
-- error: brought: vector must be a BLOB of float32 or a JSON array: got INTEGER 5
INSERT INTO brought(name, vector) VALUES ('x', 5);
-- error: brought: vector must be a BLOB of float32 or a JSON array: got TEXT 'one'
INSERT INTO brought(name, vector) VALUES ('x', 'one');
-- error: brought: vector is not finite at index 1
INSERT INTO brought(name, vector) VALUES ('x', x'000000000000807f00000000');
-- error: brought: the index has no model (model=''): give rows their vectors, and a vector as the question
INSERT INTO brought(name) VALUES ('x');
INSERT INTO brought(rowid) VALUES (9);
SELECT 'semantic rows: without a model a row without text needs no vector',
       count(*) = 3 AND count(vector) = 2 FROM brought;
UPDATE brought SET name = 'uno' WHERE rowid = 1;
SELECT 'semantic rows: without a model a row keeps its vector when its text changes',
       name = 'uno' AND vector_json(vector) = '[1,0,0]' FROM brought WHERE rowid = 1;
UPDATE brought SET rowid = 11 WHERE rowid = 1;
SELECT 'semantic rows: and when its rowid changes',
       name = 'uno' AND vector_json(vector) = '[1,0,0]' FROM brought WHERE rowid = 11;
UPDATE brought SET vector = '[0, 0, 2]' WHERE rowid = 11;
SELECT 'semantic rows: UPDATE of the vector', name = 'uno' AND vector_json(vector) = '[0,0,2]'
  FROM brought WHERE rowid = 11;
DELETE FROM brought WHERE rowid = 2;
INSERT INTO brought(rowid) VALUES (2);
SELECT 'semantic rows: a new row has nothing of one that had its rowid', vector IS NULL
  FROM brought WHERE rowid = 2;
BEGIN;
DELETE FROM brought WHERE rowid = 11;
INSERT INTO brought(rowid) VALUES (11);
COMMIT;
SELECT 'semantic rows: not even within a transaction', vector IS NULL FROM brought WHERE rowid = 11;
INSERT INTO brought(brought) VALUES ('integrity-check');
DROP TABLE brought;

CREATE VIRTUAL TABLE both USING semantic(text, note UNINDEXED);
INSERT INTO both(rowid, text, vector) VALUES (1, 'the bank', embed('the river'));
SELECT 'semantic rows: a row that brings text and vector keeps both',
       text = 'the bank' AND vector = embed('the river') FROM both;
UPDATE both SET note = 'n' WHERE rowid = 1;
SELECT 'semantic rows: its vector stays while its text does', vector = embed('the river') FROM both;
UPDATE both SET text = 'the bank', rowid = 2 WHERE rowid = 1;
SELECT 'semantic rows: with another rowid, too', vector = embed('the river') FROM both WHERE rowid = 2;
UPDATE both SET note = v.n FROM (SELECT 2 AS r, 'm' AS n) AS v WHERE both.rowid = v.r;
SELECT 'semantic rows: and under UPDATE ... FROM', vector = embed('the river') AND note = 'm' FROM both;
UPDATE both SET text = 'the shore' WHERE rowid = 2;
SELECT 'semantic rows: with another text it goes', vector = embed('the shore') FROM both;
UPDATE both SET vector = embed('money') WHERE rowid = 2;
UPDATE both SET vector = NULL WHERE rowid = 2;
SELECT 'semantic rows: vector NULL: the text is embedded', vector = embed('the shore') FROM both;
UPDATE both SET vector = embed('money'), text = 'gold' WHERE rowid = 2;
SELECT 'semantic rows: UPDATE of both keeps both', text = 'gold' AND vector = embed('money') FROM both;
UPDATE both SET text = v.t FROM (SELECT 2 AS r, 'silver' AS t) AS v WHERE both.rowid = v.r;
SELECT 'semantic rows: UPDATE ... FROM with another text', vector = embed('silver') FROM both;
INSERT INTO both(both) VALUES ('integrity-check');
DROP TABLE both;

-- ---- content='' ----
CREATE VIRTUAL TABLE bare USING semantic(title, body, content='');
INSERT INTO bare(title, body) VALUES ('the bank', 'money'), ('the river', NULL);
SELECT 'semantic rows: content='''' has rowids of its own', last_insert_rowid() = 2;
SELECT 'semantic rows: content='''' keeps vectors and no texts',
       title IS NULL AND body IS NULL AND vector = embed('the bank' || char(10) || 'money')
  FROM bare WHERE rowid = 1;
BEGIN;
INSERT INTO bare(title) VALUES ('waits');
UPDATE bare SET rowid = 30 WHERE rowid = 3;
UPDATE bare SET rowid = 10 WHERE rowid = 1;
COMMIT;
SELECT 'semantic rows: content='''' with other rowids', group_concat(rowid) = '2,10,30' AND
       max(rowid = 10 AND vector = embed('the bank' || char(10) || 'money')) AND
       max(rowid = 30 AND vector = embed('waits')) FROM bare;
-- error: bare: UNIQUE constraint failed: bare.rowid
INSERT INTO bare(rowid, title) VALUES (30, 'x');
INSERT OR REPLACE INTO bare(rowid, title) VALUES (30, 'again');
SELECT 'semantic rows: content='''' OR REPLACE', vector = embed('again') FROM bare WHERE rowid = 30;
-- error: bare: content='' keeps no texts: an UPDATE of one column must set all, and column body is missing
UPDATE bare SET title = 'x' WHERE rowid = 30;
UPDATE bare SET title = 'shore', body = NULL WHERE rowid = 30;
SELECT 'semantic rows: content='''' UPDATE of all columns', vector = embed('shore') FROM bare WHERE rowid = 30;
UPDATE OR REPLACE bare SET rowid = 2 WHERE rowid = 30;
SELECT 'semantic rows: content='''' UPDATE OR REPLACE of a rowid', group_concat(rowid) = '2,10' AND
       max(rowid = 2 AND vector = embed('shore')) FROM bare;
UPDATE bare SET vector = embed('money') WHERE rowid = 2;
SELECT 'semantic rows: content='''' UPDATE of a vector', vector = embed('money') FROM bare WHERE rowid = 2;
UPDATE bare SET rowid = 3 WHERE rowid = 2;
SELECT 'semantic rows: content='''' takes a vector along', vector = embed('money') FROM bare WHERE rowid = 3;
DELETE FROM bare WHERE rowid = 10;
INSERT INTO bare(title) VALUES ('next');
SELECT 'semantic rows: content='''' after a deletion', last_insert_rowid() = 4 AND
       (SELECT group_concat(rowid) FROM bare) = '3,4';
INSERT INTO bare(bare) VALUES ('integrity-check');

-- ---- External content ----
CREATE TABLE articles(id INTEGER PRIMARY KEY, title TEXT, body TEXT, year INT);
INSERT INTO articles VALUES (1, 'the bank', 'money', 2020), (2, 'the river', NULL, 2021);
CREATE VIRTUAL TABLE search USING semantic(title, body, content='articles', content_rowid='id');
INSERT INTO search(search) VALUES ('rebuild');
INSERT INTO search(search) VALUES ('triggers');
INSERT INTO articles VALUES (3, 'the shore', 'sand', 2022);
SELECT 'semantic rows: a trigger leaves last_insert_rowid() and changes() alone',
       last_insert_rowid() = 3 AND changes() = 1;
SELECT 'semantic rows: external content is read where it is',
       group_concat(rowid || title || (vector = embed(CASE WHEN body IS NULL THEN title
                    ELSE title || char(10) || body END))) = '1the bank1,2the river1,3the shore1'
  FROM search;
UPDATE articles SET body = 'gold' WHERE id = 1;
UPDATE articles SET id = 20 WHERE id = 2;
DELETE FROM articles WHERE id = 3;
SELECT 'semantic rows: triggers follow UPDATE, another key, DELETE',
       group_concat(rowid || (vector = embed(CASE WHEN body IS NULL THEN title
                    ELSE title || char(10) || body END))) = '11,201'
  FROM search;
SELECT 'semantic rows: what was deleted under triggers is not stored any more',
       (SELECT count(*) FROM search_rows) = 2;
INSERT OR REPLACE INTO articles VALUES (1, 'replaced', NULL, NULL);
INSERT INTO articles VALUES (1, 'upserted', NULL, NULL) ON CONFLICT(id) DO UPDATE SET title = excluded.title;
SELECT 'semantic rows: UPSERT on the content table', title = 'upserted' AND vector = embed('upserted')
  FROM search WHERE rowid = 1;
-- error: search: column body must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text, or make the column UNINDEXED
INSERT INTO articles VALUES (4, 'x', x'00', NULL);
SELECT 'semantic rows: a row that the index refuses is not in the content table',
       (SELECT count(*) FROM articles) = 2;
INSERT INTO search(search) VALUES ('integrity-check');
BEGIN;
INSERT INTO articles(id, title) VALUES (5, 'five'), (6, 'six');
SAVEPOINT s;
UPDATE articles SET title = 'FIVE' WHERE id = 5;
DELETE FROM articles WHERE id = 6;
-- run
SELECT count(vector) FROM search;
ROLLBACK TO s;
COMMIT;
SELECT 'semantic rows: external content and ROLLBACK TO',
       group_concat(rowid || (vector = embed(title))) = '11,51,61,201' FROM search;
-- error: bare: 'delete' is for rows of external content: DELETE FROM "bare" WHERE rowid = ...
INSERT INTO bare(bare, rowid) VALUES ('delete', 1);
-- error: search: a row needs its rowid, id of 'articles'
INSERT INTO search(title) VALUES ('x');
DROP TABLE bare;
INSERT INTO search(search) VALUES ('drop-triggers');
INSERT INTO articles(id, title) VALUES (7, 'seven');
INSERT INTO search(rowid, title, vector) VALUES (7, 'seven', embed('money'));
SELECT 'semantic rows: a row of external content may bring its vector',
       title = 'seven' AND vector = embed('money') FROM search WHERE rowid = 7;
INSERT INTO articles(id, title) VALUES (8, x'00');
INSERT INTO search(rowid, title) VALUES (8, NULL);
SELECT 'semantic rows: a BLOB that came past the index is no text', vector IS NULL
  FROM search WHERE rowid = 8;
INSERT INTO search(search) VALUES ('triggers');
ALTER TABLE articles RENAME COLUMN body TO text;
INSERT INTO articles(id, title, text) VALUES (9, 'nine', 'dix');
SELECT 'semantic rows: a renamed column costs no row', count(*) = 1 FROM articles WHERE id = 9;
SELECT 'semantic rows: and is the index''s under its old name',
       body = 'dix' AND vector = embed('nine' || char(10) || 'dix') FROM search WHERE rowid = 9;
DROP TABLE search;

-- ---- What can be external content ----
CREATE TABLE keyed(name TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE, text TEXT) WITHOUT ROWID;
INSERT INTO keyed VALUES ('a', 5, 'the bank'), ('b', 3, 'the river');
CREATE VIRTUAL TABLE s USING semantic(text, content='keyed', content_rowid='id');
INSERT INTO s(s) VALUES ('rebuild');
INSERT INTO s(s) VALUES ('triggers');
UPDATE keyed SET text = 'money' WHERE name = 'a';
SELECT 'semantic rows: content WITHOUT ROWID',
       group_concat(rowid || text || (vector = embed(text))) = '3the river1,5money1' FROM s;
DROP TABLE s;
CREATE VIEW seen AS SELECT id * 10 AS number, upper(title) AS title FROM articles WHERE id < 7;
CREATE VIRTUAL TABLE s USING semantic(title, content='seen', content_rowid='number');
INSERT INTO s(s) VALUES ('rebuild');
SELECT 'semantic rows: content of a view', group_concat(rowid || title || (vector = embed(title))) =
       '10UPSERTED1,50FIVE1,60SIX1' FROM s;
DROP TABLE s;
CREATE TABLE "odd ""table"""("the id" INTEGER PRIMARY KEY, "a ""text""" TEXT, "select" TEXT);
INSERT INTO "odd ""table""" VALUES (1, 'the', 'bank');
CREATE VIRTUAL TABLE "my ""index""" USING semantic("a ""text""", "select", content='odd "table"', content_rowid='the id');
INSERT INTO "my ""index"""("my ""index""") VALUES ('rebuild');
INSERT INTO "my ""index"""("my ""index""") VALUES ('triggers');
INSERT INTO "odd ""table""" VALUES (2, 'the', 'river');
SELECT 'semantic rows: names of any kind', count(*) = 2 AND
       min(vector = embed("a ""text""" || char(10) || "select")) FROM "my ""index""";
DROP TABLE "my ""index""";
-- error: s: content='nothing': there is no such table or view in main
CREATE VIRTUAL TABLE s USING semantic(title, content='nothing', content_rowid='id');
-- error: s: content='articles' has no column 'titel': it has id, title, text, year
CREATE VIRTUAL TABLE s USING semantic(titel, content='articles', content_rowid='id');
-- error: s: content_rowid='key' is no column of 'articles'; 'id' may do
CREATE VIRTUAL TABLE s USING semantic(title, content='articles', content_rowid='key');
-- error: s: content_rowid='rowid' is no column of 'articles', and VACUUM may number bare rowids anew: name the INTEGER PRIMARY KEY or an INTEGER NOT NULL UNIQUE column; 'id' may do
CREATE VIRTUAL TABLE s USING semantic(title, content='articles', content_rowid='rowid');
-- error: s: content_rowid='year' is not UNIQUE: it must be the INTEGER PRIMARY KEY of 'articles' or an INTEGER NOT NULL UNIQUE column
CREATE VIRTUAL TABLE s USING semantic(title, content='articles', content_rowid='year');
-- error: s: content_rowid='title' is not declared INTEGER: it must be the INTEGER PRIMARY KEY of 'articles' or an INTEGER NOT NULL UNIQUE column
CREATE VIRTUAL TABLE s USING semantic(title, content='articles', content_rowid='title');
CREATE TABLE nullable(n INTEGER UNIQUE, d INTEGER PRIMARY KEY DESC, part INTEGER NOT NULL, text);
CREATE UNIQUE INDEX nullable_part ON nullable(part) WHERE part > 0;
-- error: s: content_rowid='n' may be NULL: it must be the INTEGER PRIMARY KEY of 'nullable' or an INTEGER NOT NULL UNIQUE column
CREATE VIRTUAL TABLE s USING semantic(text, content='nullable', content_rowid='n');
-- error: s: content_rowid='d' may be NULL: it must be the INTEGER PRIMARY KEY of 'nullable' or an INTEGER NOT NULL UNIQUE column
CREATE VIRTUAL TABLE s USING semantic(text, content='nullable', content_rowid='d');
-- error: s: content_rowid='part' is not UNIQUE: it must be the INTEGER PRIMARY KEY of 'nullable' or an INTEGER NOT NULL UNIQUE column
CREATE VIRTUAL TABLE s USING semantic(text, content='nullable', content_rowid='part');

-- ---- embed='manual' ----
CREATE VIRTUAL TABLE later USING semantic(text, embed='manual');
INSERT INTO later(text) VALUES ('the bank'), ('the river');
SELECT 'semantic rows: embed=''manual'' leaves rows pending',
       (SELECT count(*) FROM later_pending) = 2 AND (SELECT count(*) FROM later) = 2;
INSERT INTO later(later, rank) VALUES ('sync', 1);
SELECT 'semantic rows: ''sync'' with a number', (SELECT count(*) FROM later_pending) = 1;
INSERT INTO later(later) VALUES ('sync');
SELECT 'semantic rows: ''sync''', (SELECT count(*) FROM later_pending) = 0;
SELECT 'semantic rows: and they are there', min(vector = embed(text)) AND count(*) = 2 FROM later;
DROP TABLE later;

-- ---- Texts that the model knows no word of ----
-- run
SELECT embed_model('glove', :tests || '/golden/static/glove.txt');
CREATE VIRTUAL TABLE words USING semantic(title, model='glove');
BEGIN;
INSERT INTO words VALUES ('zzzqqq'), ('the'), ('!!!');
COMMIT;
SELECT 'semantic rows: a text without a known word is a row that no question finds',
       (SELECT count(*) FROM words) = 3 AND (SELECT group_concat(rowid) FROM words('the')) = '2';
SELECT 'semantic rows: nor does such a question find anything', count(*) = 0 FROM words('zzzqqq');
-- error: embed: none of the text's words has a vector, so there is nothing to embed
SELECT embed('zzzqqq', 'glove');
CREATE VIRTUAL TABLE worded USING semantic(title, model='glove', chunk=4, overlap=1, late=1);
INSERT INTO worded VALUES ('zzzqqq qqq zzz qqq qqq zzz zz qq zz'), ('the of qqq. and the.');
SELECT 'semantic rows: nor in chunks', (SELECT count(*) FROM worded) = 2
       AND (SELECT group_concat(rowid) FROM worded('the')) = '2';
DROP TABLE words;
DROP TABLE worded;

-- ---- Rows of empty texts ----
CREATE VIRTUAL TABLE blank USING semantic(title, body);
INSERT INTO blank VALUES ('', ''), (NULL, ''), ('', NULL), ('a', ''), ('', 'a');
SELECT 'semantic rows: a row of several empty texts has no vector', count(*) = 3 FROM blank
 WHERE vector IS NULL AND rowid <= 3;
SELECT 'semantic rows: and is found by no question', group_concat(rowid) = '4,5' FROM blank('a');
SELECT 'semantic rows: beside a text an empty one is a line of it',
       min(vector = embed(title || char(10) || body)) FROM blank WHERE rowid > 3;
UPDATE blank SET title = '', body = '';
SELECT 'semantic rows: nor when an UPDATE empties it', count(*) = 0 FROM blank('a');
INSERT INTO blank(blank) VALUES('integrity-check');
DROP TABLE blank;
