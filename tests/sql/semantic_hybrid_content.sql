-- Words and meaning of external content that got another name, or lost a column: a sentence, and
-- nothing lost. Every row is a sentence and whether it holds.

CREATE TABLE named(id INTEGER PRIMARY KEY, title);
CREATE VIRTUAL TABLE by_name USING semantic(title, content=named, content_rowid=id, fts=1);
INSERT INTO by_name(by_name) VALUES('triggers');
INSERT INTO named VALUES (1, 'a bank');
ALTER TABLE named RENAME COLUMN title TO head;
INSERT INTO named VALUES (2, 'a river');
ALTER TABLE named RENAME TO renamed;
INSERT INTO renamed VALUES (3, 'a shore');
UPDATE renamed SET head = 'a loan' WHERE id = 1;
SELECT 'hybrid: the words follow renamed content', group_concat(rowid) = '2,3,1' AND count(bm25_rank) = 2
  FROM (SELECT rowid, bm25_rank FROM by_name WHERE by_name MATCH 'river shore' ORDER BY rank);
INSERT INTO by_name(by_name) VALUES('integrity-check');
INSERT INTO by_name(by_name) VALUES('rebuild');
INSERT INTO by_name(by_name) VALUES('sync');
INSERT INTO by_name(by_name) VALUES('drop-triggers');
ALTER TABLE renamed RENAME COLUMN head TO title;
-- error: by_name: content='renamed' can't be read: no such column: content.head; nothing in the index is lost: give the table its names back, or name another one with such columns, INSERT INTO "by_name"("by_name", rank) VALUES('content', 'table'); with its triggers made an index follows a RENAME
INSERT INTO by_name(by_name) VALUES('sync');
ALTER TABLE renamed RENAME COLUMN title TO head;
ALTER TABLE renamed RENAME TO named;
-- error: by_name: content='renamed' can't be read: no such table: main.renamed; nothing in the index is lost: give the table its names back, or name another one with such columns, INSERT INTO "by_name"("by_name", rank) VALUES('content', 'table'); with its triggers made an index follows a RENAME
INSERT INTO by_name(rowid, title) VALUES (4, 'x');
INSERT INTO by_name(by_name, rank) VALUES('content', 'named');
SELECT 'hybrid: the content is named anew', rows = 3 AND stale = 0 FROM semantic_status
 WHERE "index" = 'by_name';
INSERT INTO by_name(by_name) VALUES('integrity-check');

-- ---- hybrid='table': another name of that ----
CREATE TABLE kept(id INTEGER PRIMARY KEY, body);
-- run
INSERT INTO kept VALUES (1, 'a bank'), (2, 'a river');
CREATE VIRTUAL TABLE kept_words USING fts5(body, content=kept, content_rowid=id);
-- run
INSERT INTO kept_words(kept_words) VALUES('rebuild');
CREATE VIRTUAL TABLE beside USING semantic(body, content=kept, content_rowid=id, hybrid=kept_words);
INSERT INTO beside(beside) VALUES('rebuild');
SELECT 'hybrid: words and meaning', group_concat(rowid || ifnull(bm25_rank, '-')) = '21,1-'
  FROM (SELECT rowid, bm25_rank FROM beside('river') ORDER BY rank);
ALTER TABLE kept_words RENAME TO "its words";
-- error: beside: the FTS5 table 'kept_words': no such table: main.kept_words; if it was renamed, INSERT INTO "beside"("beside", rank) VALUES('hybrid', 'table') says to what
SELECT rowid FROM beside('river');
-- error: beside: 'hybrid' takes the name of an FTS5 table: INSERT INTO "beside"("beside", rank) VALUES('hybrid', 'table')
INSERT INTO beside(beside) VALUES('hybrid');
-- error: beside: hybrid='kept' is no FTS5 table
INSERT INTO beside(beside, rank) VALUES('hybrid', 'kept');
-- error: by_name: 'hybrid' is for an index made with hybrid='table'
INSERT INTO by_name(by_name, rank) VALUES('hybrid', 'its words');
INSERT INTO beside(beside, rank) VALUES('hybrid', 'its words');
SELECT 'hybrid: the FTS5 table is named anew', group_concat(rowid || ifnull(bm25_rank, '-')) = '21,1-'
  FROM (SELECT rowid, bm25_rank FROM beside('river') ORDER BY rank);
INSERT INTO beside(beside) VALUES('integrity-check');
BEGIN;
ALTER TABLE "its words" RENAME TO again;
INSERT INTO beside(beside, rank) VALUES('hybrid', 'again');
ROLLBACK;
SELECT 'hybrid: ROLLBACK takes that back', count(bm25_rank) = 1 FROM beside('river');
