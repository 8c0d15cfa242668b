-- Words and meaning of external content that got another name, or lost a column: a sentence, and
-- nothing lost. Every row is a sentence and whether it holds.

CREATE TABLE named(id INTEGER PRIMARY KEY, title);
CREATE VIRTUAL TABLE by_name USING semantic(title, content=named, content_rowid=id, fts=1);
INSERT INTO by_name(by_name) VALUES('triggers');
INSERT INTO named VALUES (1, 'a bank');
ALTER TABLE named RENAME COLUMN title TO head;
-- error: by_name: the content table can't be read: no such column: content.title; give it the name 'named' and the columns that the index was made with, or make the index anew: nothing in it is lost
INSERT INTO named VALUES (2, 'a river');
ALTER TABLE named RENAME COLUMN head TO title;
ALTER TABLE named RENAME TO renamed;
-- error: by_name: the content table can't be read: no such table: main.named; give it the name 'named' and the columns that the index was made with, or make the index anew: nothing in it is lost
INSERT INTO renamed VALUES (2, 'a river');
ALTER TABLE renamed RENAME TO named;
INSERT INTO named VALUES (2, 'a river');
SELECT 'hybrid: with its name the content has its index again', rows = 2 FROM semantic_status
 WHERE "index" = 'by_name';
INSERT INTO by_name(by_name) VALUES('integrity-check');
