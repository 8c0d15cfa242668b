-- Content that is renamed, altered, dropped: ALTER TABLE on the table whose rows an index has, and
-- on the index. Every row is a sentence and whether it holds.

CREATE TABLE articles(id INTEGER PRIMARY KEY, title, body, year);
CREATE VIRTUAL TABLE search USING semantic(title, body, year UNINDEXED, content='articles', content_rowid='id');
INSERT INTO search(search) VALUES('triggers');
INSERT INTO articles VALUES (1, 'the bank', 'of the river', 1990), (2, 'a loan', 'money', 2020);
-- What must hold after each step: the index gives the rows of the content, whatever it is called.
CREATE VIEW agrees AS SELECT count(*) AS rows,
       sum(vector IS embed(title || char(10) || body)) AS right, sum(year) AS years FROM search;

-- ---- With triggers, the index follows ----
ALTER TABLE articles RENAME TO papers;
SELECT 'renamed: the table', rows = 2 AND right = 2 AND years = 4010 FROM agrees;
INSERT INTO papers VALUES (3, 'a ship', 'water', 10);
SELECT 'renamed: and rows that came since', rows = 3 AND right = 3 AND years = 4020 FROM agrees;
ALTER TABLE papers RENAME COLUMN title TO "order by ""x""";
ALTER TABLE papers RENAME COLUMN body TO "größe 1";
ALTER TABLE papers RENAME COLUMN id TO "select";
ALTER TABLE papers RENAME COLUMN year TO "it's";
SELECT 'renamed: columns, key, one that is UNINDEXED', rows = 3 AND right = 3 AND years = 4020 FROM agrees;
UPDATE papers SET "order by ""x""" = 'the boat' WHERE "select" = 3;
UPDATE papers SET "select" = 4 WHERE "select" = 3;
DELETE FROM papers WHERE "select" = 2;
SELECT 'renamed: the triggers go on', rows = 2 AND right = 2 AND years = 2000 FROM agrees;
SELECT 'renamed: the index''s columns keep their names', title = 'the boat' AND body = 'water' FROM search WHERE rowid = 4;
INSERT INTO search(search) VALUES('integrity-check');
INSERT INTO search(search) VALUES('sync');
INSERT INTO search(search) VALUES('rebuild');
SELECT 'renamed: sync and rebuild', rows = 2 AND right = 2 FROM agrees;
SELECT 'renamed: semantic_status', rows = 2 AND pending = 0 AND stale = 0 FROM semantic_status;
ALTER TABLE papers RENAME TO "an ""odd"" name's [end]";
ALTER TABLE "an ""odd"" name's [end]" RENAME TO "Ärger";
ALTER TABLE "Ärger" RENAME TO "table";
ALTER TABLE "table" RENAME COLUMN "select" TO "SELECT";
SELECT 'renamed: a chain of names', rows = 2 AND right = 2 FROM agrees;
INSERT INTO "table" VALUES (5, 'nothing', 'else', 1);
SELECT 'renamed: and a row', rows = 3 AND right = 3 FROM agrees;
ALTER TABLE "table" RENAME TO articles;
ALTER TABLE articles RENAME COLUMN "SELECT" TO id;
ALTER TABLE articles RENAME COLUMN "order by ""x""" TO title;
ALTER TABLE articles RENAME COLUMN "größe 1" TO body;
ALTER TABLE articles RENAME COLUMN "it's" TO year;
SELECT 'renamed: back to the names of CREATE', rows = 3 AND right = 3 FROM agrees;
INSERT INTO articles VALUES (6, 'the', 'last', 1);
SELECT 'renamed: which are stored again',
       (SELECT group_concat(value) FROM search_config WHERE name IN ('content_table', 'content_rowid')) = 'id,articles'
       AND count(*) = 0 FROM search_config WHERE name GLOB 'source *' AND value IS NOT NULL;

-- ---- Names that others have now ----
ALTER TABLE articles RENAME COLUMN title TO spare;
ALTER TABLE articles RENAME COLUMN body TO title;
ALTER TABLE articles RENAME COLUMN spare TO body;
SELECT 'renamed: two columns swap their names', body = 'of the river' AND title = 'the bank' FROM search WHERE rowid = 1;
SELECT 'renamed: then all rows are right', rows = 4 AND right = 4 FROM agrees;
CREATE TABLE others(id INTEGER PRIMARY KEY, title, body, year);
INSERT INTO others SELECT id, 'wrong', 'table', 0 FROM articles;
ALTER TABLE articles RENAME TO spare;
ALTER TABLE others RENAME TO articles;
SELECT 'renamed: another table takes the name', rows = 4 AND right = 4 AND years = 1992 + 10 FROM agrees;
ALTER TABLE spare RENAME TO others;
UPDATE others SET title = 'the river' WHERE id = 1;
UPDATE articles SET title = 'nothing' WHERE id = 1;
SELECT 'renamed: two tables have swapped their names', rows = 4 AND right = 4 AND years = 1992 + 10 FROM agrees;
INSERT INTO search(search) VALUES('integrity-check');
DROP TABLE articles;
ALTER TABLE others RENAME TO articles;
ALTER TABLE articles RENAME COLUMN title TO spare;
ALTER TABLE articles RENAME COLUMN body TO title;
ALTER TABLE articles RENAME COLUMN spare TO body;
SELECT 'renamed: all is as it was', rows = 4 AND right = 4 FROM agrees;

-- ---- Transactions ----
BEGIN;
ALTER TABLE articles RENAME TO papers;
SELECT 'renamed: in a transaction', rows = 4 AND right = 4 FROM agrees;
INSERT INTO papers VALUES (7, 'a', 'b', 1);
SELECT 'renamed: with a row', rows = 5 AND right = 5 FROM agrees;
ROLLBACK;
SELECT 'renamed: that is rolled back', rows = 4 AND right = 4 FROM agrees;
CREATE TABLE papers(x);
SELECT 'renamed: and its name another''s', rows = 4 AND right = 4 FROM agrees;
DROP TABLE papers;
BEGIN;
INSERT INTO articles VALUES (7, 'a', 'b', 1);
SAVEPOINT inner;
ALTER TABLE articles RENAME TO papers;
ALTER TABLE papers RENAME COLUMN body TO text;
UPDATE papers SET text = 'c' WHERE id = 7;
SELECT 'renamed: in a savepoint', rows = 5 AND right = 5 FROM agrees;
ROLLBACK TO inner;
INSERT INTO articles VALUES (8, 'c', 'd', 1);
SELECT 'renamed: that is rolled back to', rows = 6 AND right = 6 FROM agrees;
COMMIT;
INSERT INTO search(search) VALUES('integrity-check');
BEGIN;
UPDATE articles SET title = 'ten' WHERE id = 8;
ALTER TABLE articles RENAME TO papers;
ALTER TABLE papers RENAME COLUMN id TO number;
COMMIT;
SELECT 'renamed: COMMIT embeds rows of a table that was renamed since',
       (SELECT count(*) FROM search_pending) = 0 AND rows = 6 AND right = 6 FROM agrees;
BEGIN;
UPDATE papers SET title = 'eleven' WHERE number = 8;
ALTER TABLE papers RENAME TO articles;
ALTER TABLE search RENAME TO found;
ALTER TABLE articles RENAME COLUMN number TO id;
INSERT INTO articles VALUES (9, 'e', 'f', 1);
ALTER TABLE found RENAME TO search;
UPDATE articles SET title = 'twelve' WHERE id = 9;
COMMIT;
SELECT 'renamed: index and content in one transaction', rows = 7 AND right = 7 FROM agrees;
INSERT INTO search(search) VALUES('integrity-check');
-- run
PRAGMA legacy_alter_table = ON;
DROP VIEW agrees;
ALTER TABLE articles RENAME TO papers;
ALTER TABLE papers RENAME COLUMN title TO head;
ALTER TABLE search RENAME TO found;
INSERT INTO papers VALUES (10, 'g', 'h', 1);
SELECT 'renamed: with legacy_alter_table', count(*) = 8 AND sum(vector IS embed(title || char(10) || body)) = 8 FROM found;
ALTER TABLE found RENAME TO search;
ALTER TABLE papers RENAME TO articles;
ALTER TABLE articles RENAME COLUMN head TO title;
-- run
PRAGMA legacy_alter_table = OFF;
CREATE VIEW agrees AS SELECT count(*) AS rows,
       sum(vector IS embed(title || char(10) || body)) AS right, sum(year) AS years FROM search;

-- ---- Without triggers nobody can know ----
ALTER TABLE articles RENAME TO papers;
ALTER TABLE papers RENAME COLUMN body TO text;
INSERT INTO search(search) VALUES('drop-triggers');
SELECT 'renamed: drop-triggers leaves the names that were followed to', rows = 8 AND right = 8 FROM agrees;
ALTER TABLE papers RENAME TO articles;
-- error: search: content='papers' can't be read: no such table: main.papers; nothing in the index is lost: give the table its names back, or name another one with such columns, INSERT INTO "search"("search", rank) VALUES('content', 'table'); with its triggers made an index follows a RENAME
SELECT * FROM search;
-- error: search: content='papers' can't be read: no such table: main.papers; nothing in the index is lost: give the table its names back, or name another one with such columns, INSERT INTO "search"("search", rank) VALUES('content', 'table'); with its triggers made an index follows a RENAME
INSERT INTO search(search) VALUES('sync');
-- error: search: there is no table 'papers' in 'main'
INSERT INTO search(search) VALUES('triggers');
INSERT INTO search(search, rank) VALUES('content', 'articles');
SELECT 'renamed: the command content', rows = 8 AND right = 8 FROM agrees;
ALTER TABLE articles RENAME COLUMN text TO body;
-- error: search: content='articles' can't be read: no such column: content.text; nothing in the index is lost: give the table its names back, or name another one with such columns, INSERT INTO "search"("search", rank) VALUES('content', 'table'); with its triggers made an index follows a RENAME
SELECT * FROM search WHERE search MATCH 'river';
ALTER TABLE articles RENAME COLUMN body TO text;
INSERT INTO search(search) VALUES('triggers');
ALTER TABLE articles RENAME COLUMN text TO body;
SELECT 'renamed: with triggers made, it follows', rows = 8 AND right = 8 FROM agrees;

-- ---- The command 'content' ----
CREATE TABLE other(id INTEGER PRIMARY KEY, title, body, year);
INSERT INTO other SELECT * FROM articles WHERE id <> 9;
INSERT INTO other VALUES (20, 'of the', 'other', 1);
INSERT INTO search(search, rank) VALUES('content', 'other');
SELECT 'content: rows that the table has not are not given', count(*) = 7 FROM search;
INSERT INTO search(search) VALUES('sync');
SELECT 'content: sync does the rest', rows = 8 AND right = 8 FROM agrees;
INSERT INTO other VALUES (21, 'by', 'trigger', 1);
INSERT INTO articles VALUES (30, 'by no', 'trigger', 1);
SELECT 'content: the triggers have moved', rows = 9 AND right = 9 FROM agrees;
INSERT INTO search(search) VALUES('integrity-check');
-- error: search: content='nowhere': there is no such table or view in main
INSERT INTO search(search, rank) VALUES('content', 'nowhere');
-- run
CREATE TABLE narrow(id INTEGER PRIMARY KEY, title, year);
-- error: search: content='narrow' has no column 'body': it has id, title, year
INSERT INTO search(search, rank) VALUES('content', 'narrow');
CREATE VIEW seen AS SELECT * FROM other;
-- error: search: 'seen' is a view: no trigger sees its rows change; make triggers on its tables that write to 'search', or use 'sync'
INSERT INTO search(search, rank) VALUES('content', 'seen');
SELECT 'content: what fails changes nothing', rows = 9 AND right = 9 AND (SELECT count(*)
       FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'other') = 3 FROM agrees;
-- error: search: 'content' takes a table's name: INSERT INTO "search"("search", rank) VALUES('content', 'table')
INSERT INTO search(search) VALUES('content');
-- error: search: 'content' takes a table's name: INSERT INTO "search"("search", rank) VALUES('content', 'table')
INSERT INTO search(search, rank) VALUES('content', 5);
CREATE VIRTUAL TABLE own USING semantic(body);
-- error: own: 'content' is for an index of another table's rows, content='table'
INSERT INTO own(own, rank) VALUES('content', 'other');
DROP TABLE own;
BEGIN;
INSERT INTO search(search, rank) VALUES('content', 'articles');
ROLLBACK;
SELECT 'content: ROLLBACK', rows = 9 AND right = 9 FROM agrees;
INSERT INTO search(search) VALUES('drop-triggers');
INSERT INTO search(search, rank) VALUES('content', 'seen');
SELECT 'content: a view', rows = 9 AND right = 9 FROM agrees;

-- ---- A view as content ----
DROP VIEW seen;
-- error: search: content='seen' can't be read: no such table: main.seen; nothing in the index is lost: give the table its names back, or name another one with such columns, INSERT INTO "search"("search", rank) VALUES('content', 'table'); with its triggers made an index follows a RENAME
SELECT * FROM search;
CREATE VIEW seen AS SELECT id, year, upper(title) AS title, body FROM other WHERE id < 21;
INSERT INTO search(search) VALUES('sync');
SELECT 'renamed: a view that is made anew', rows = 8 AND right = 8 AND (SELECT title FROM search WHERE rowid = 20) = 'OF THE' FROM agrees;
ALTER TABLE other RENAME COLUMN title TO head;
ALTER TABLE other RENAME TO behind;
SELECT 'renamed: the table behind a view', rows = 8 AND right = 8 FROM agrees;
DROP TABLE search;
DROP VIEW agrees;
DROP VIEW seen;

-- ---- ADD, DROP COLUMN; DROP TABLE ----
DROP TABLE articles;
CREATE TABLE articles(id INTEGER PRIMARY KEY, title TEXT, year);
CREATE VIRTUAL TABLE search USING semantic(title, year UNINDEXED, content='articles', content_rowid='id');
INSERT INTO search(search) VALUES('triggers');
INSERT INTO articles VALUES (1, 'the bank', 1990), (2, 'a loan', 2020);
ALTER TABLE articles ADD COLUMN note TEXT DEFAULT 'x';
UPDATE articles SET note = 'y';
INSERT INTO articles VALUES (3, 'a river', 2021, 'z');
SELECT 'altered: ADD COLUMN', count(*) = 3 AND sum(vector IS embed(title)) = 3 FROM search;
-- since: 3.35
ALTER TABLE articles DROP COLUMN note;
SELECT 'altered: DROP COLUMN of another', count(*) = 3 AND sum(vector IS embed(title)) = 3 FROM search;
DROP TABLE articles;
-- error: search: content='articles' can't be read: no such table: main.articles; nothing in the index is lost: give the table its names back, or name another one with such columns, INSERT INTO "search"("search", rank) VALUES('content', 'table'); with its triggers made an index follows a RENAME
SELECT * FROM search;
-- error: search: content='articles' can't be read: no such table: main.articles; nothing in the index is lost: give the table its names back, or name another one with such columns, INSERT INTO "search"("search", rank) VALUES('content', 'table'); with its triggers made an index follows a RENAME
INSERT INTO search(search) VALUES('integrity-check');
CREATE TABLE articles(title TEXT, year, id INTEGER NOT NULL UNIQUE, PRIMARY KEY (title)) WITHOUT ROWID;
INSERT INTO articles VALUES ('a loan', 1, 2), ('the bank', 2, 1), ('a ship', 3, 4);
SELECT 'altered: DROP TABLE and CREATE: rows that are there again', count(*) = 2 FROM search;
INSERT INTO search(search) VALUES('triggers');
INSERT INTO search(search) VALUES('sync');
SELECT 'altered: sync does the rest', count(*) = 3 AND sum(vector IS embed(title)) = 3 FROM search;
INSERT INTO search(search) VALUES('integrity-check');
-- As sqlite.org has a table changed in ways that ALTER does not know.
BEGIN;
CREATE TABLE fresh(id INTEGER PRIMARY KEY, title TEXT NOT NULL, year INT);
INSERT INTO fresh SELECT id, title, year FROM articles;
DROP TABLE articles;
ALTER TABLE fresh RENAME TO articles;
INSERT INTO search(search) VALUES('triggers');
COMMIT;
INSERT INTO articles VALUES (5, 'money', 1);
SELECT 'altered: a table made anew under its name', count(*) = 4 AND sum(vector IS embed(title)) = 4 FROM search;
INSERT INTO search(search) VALUES('integrity-check');
-- The other way round the index follows the table that goes.
ALTER TABLE articles RENAME TO old;
CREATE TABLE articles(id INTEGER PRIMARY KEY, title TEXT, year);
INSERT INTO articles SELECT * FROM old;
INSERT INTO search(search, rank) VALUES('content', 'articles');
DROP TABLE old;
UPDATE articles SET title = 'the river' WHERE id = 5;
SELECT 'altered: a table moved aside and made anew', count(*) = 4 AND sum(vector IS embed(title)) = 4 FROM search;
INSERT INTO search(search) VALUES('integrity-check');
DROP TABLE search;
DROP TABLE articles;

-- ---- Generated and hidden columns ----
CREATE TABLE made(id INTEGER PRIMARY KEY, a, b, text TEXT AS (a || ' ' || b), kept TEXT AS (b || a) STORED);
CREATE VIRTUAL TABLE search USING semantic(text, kept UNINDEXED, content='made', content_rowid='id');
INSERT INTO search(search) VALUES('triggers');
INSERT INTO made(id, a, b) VALUES (1, 'the', 'bank'), (2, 'a', 'loan');
ALTER TABLE made RENAME COLUMN text TO joined;
ALTER TABLE made RENAME COLUMN a TO "first";
ALTER TABLE made RENAME COLUMN kept TO stored;
ALTER TABLE made RENAME TO computed;
UPDATE computed SET "first" = 'one' WHERE id = 2;
SELECT 'altered: generated columns', count(*) = 2 AND sum(vector IS embed(text)) = 2 AND max(kept) = 'loanone' FROM search;
INSERT INTO search(search) VALUES('integrity-check');
INSERT INTO search(search) VALUES('drop-triggers');
INSERT INTO search(search) VALUES('triggers');
UPDATE computed SET b = 'river';
SELECT 'altered: triggers under the new names', count(*) = 2 AND sum(vector IS embed(text)) = 2 AND max(text) = 'the river' FROM search;
DROP TABLE search;
DROP TABLE computed;

-- ---- A virtual table as content ----
CREATE VIRTUAL TABLE texts USING fts5(id UNINDEXED, title);
INSERT INTO texts VALUES (7, 'the bank'), (9, 'the river');
CREATE VIRTUAL TABLE search USING semantic(title, content='texts', content_rowid='id');
INSERT INTO search(search) VALUES('sync');
-- error: search: 'texts' is a virtual table, which can have no triggers: use 'sync'
INSERT INTO search(search) VALUES('triggers');
INSERT INTO texts VALUES (11, 'the shore');
ALTER TABLE texts RENAME TO writings;
INSERT INTO search(search, rank) VALUES('content', 'writings');
INSERT INTO search(search) VALUES('sync');
SELECT 'renamed: a virtual table', count(*) = 3 AND sum(vector IS embed(title)) = 3 FROM search;
INSERT INTO search(search) VALUES('integrity-check');
DROP TABLE search;
DROP TABLE writings;

-- ---- The FTS5 table of a hybrid index ----
CREATE TABLE articles(id INTEGER PRIMARY KEY, title);
CREATE VIRTUAL TABLE words USING fts5(title, content='articles', content_rowid='id');
CREATE VIRTUAL TABLE search USING semantic(title, content='articles', content_rowid='id', hybrid='words');
INSERT INTO search(search) VALUES('triggers');
INSERT INTO articles VALUES (1, 'the bank'), (2, 'the river');
INSERT INTO words(words) VALUES('rebuild');
ALTER TABLE articles RENAME TO papers;
-- error: search: the FTS5 table 'words' can't be checked: SQL logic error; if its content was renamed, which FTS5 does not follow, make it anew
INSERT INTO search(search) VALUES('integrity-check');
DROP TABLE words;
-- error: search: the FTS5 table 'words': no such table: main.words; if it was renamed, INSERT INTO "search"("search", rank) VALUES('hybrid', 'table') says to what
SELECT rowid FROM search WHERE search MATCH 'river';
CREATE VIRTUAL TABLE words USING fts5(title, content='papers', content_rowid='id');
INSERT INTO words(words) VALUES('rebuild');
INSERT INTO search(search) VALUES('integrity-check');
SELECT 'renamed: the FTS5 table is made anew', count(*) = 2 AND count(bm25_rank) = 1 FROM search WHERE search MATCH 'river';
DROP TABLE search;
DROP TABLE words;
DROP TABLE papers;

-- ---- Triggers that somebody changed ----
CREATE TABLE articles(id INTEGER PRIMARY KEY, title, year, shown);
CREATE VIRTUAL TABLE search USING semantic(title, year UNINDEXED, content='articles', content_rowid='id');
CREATE TRIGGER search_ai AFTER INSERT ON articles WHEN new.shown BEGIN /* semantic index */
  INSERT INTO search(rowid, title, year) VALUES (new.id, new.title, new.year);
END;
INSERT INTO articles VALUES (1, 'the bank', 1990, 1), (2, 'the river', 1991, 0);
ALTER TABLE articles RENAME COLUMN title TO head;
ALTER TABLE articles RENAME TO papers;
SELECT 'renamed: a trigger with a condition', count(*) = 1 AND title = 'the bank' AND year = 1990 FROM search;
INSERT INTO papers VALUES (5, 'the shore', 5, 1);
DROP TRIGGER search_ai;
CREATE TRIGGER search_ai AFTER INSERT ON papers BEGIN /* semantic index */
  INSERT INTO search(rowid, title) VALUES (new.id, CASE WHEN new.shown THEN new.head END);
END;
INSERT INTO papers VALUES (3, 'a loan', 1, 1), (4, 'a secret', 2, 0);
SELECT 'renamed: a trigger with an expression says nothing, and no wrong thing',
       group_concat(title || year) = 'the bank1990,a loan1,a secret2,the shore5' FROM search;
DROP TRIGGER search_ai;
DROP TABLE search;
DROP TABLE papers;

-- ---- Other schemas ----
ATTACH ':memory:' AS "a side";
CREATE TABLE "a side".articles(id INTEGER PRIMARY KEY, title);
CREATE TABLE articles(id INTEGER PRIMARY KEY, title);
CREATE VIRTUAL TABLE "a side".search USING semantic(title, content='articles', content_rowid='id');
INSERT INTO "a side".search(search) VALUES('triggers');
INSERT INTO "a side".articles VALUES (1, 'the bank');
ALTER TABLE "a side".articles RENAME TO papers;
ALTER TABLE "a side".papers RENAME COLUMN title TO head;
INSERT INTO papers VALUES (2, 'a loan');
SELECT 'renamed: in an attached schema', count(*) = 2 AND sum(vector IS embed(title)) = 2 FROM search;
INSERT INTO "a side".search(search) VALUES('integrity-check');
DROP TABLE "a side".search;
CREATE TEMP TABLE passing(id INTEGER PRIMARY KEY, title);
CREATE VIRTUAL TABLE temp.search USING semantic(title, content='passing', content_rowid='id');
INSERT INTO search(search) VALUES('triggers');
INSERT INTO passing VALUES (1, 'the bank');
ALTER TABLE passing RENAME TO gone_by;
INSERT INTO temp.gone_by VALUES (2, 'a loan');
SELECT 'renamed: a temporary table', count(*) = 2 AND sum(vector IS embed(title)) = 2 FROM search;
INSERT INTO search(search) VALUES('integrity-check');
