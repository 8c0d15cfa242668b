-- recipe_paging.sql - page after page of what is nearest.
--
-- Rows come in the order of (distance, rowid). The pair of the last row that was shown says where
-- the next page begins: a page costs the same wherever it is, and a row that is written between
-- two pages moves none of the others.

CREATE TEMP TABLE line(id INTEGER PRIMARY KEY, text);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 25)
INSERT INTO line SELECT i, CASE i % 3 WHEN 0 THEN 'the bank lends ' WHEN 1 THEN 'the river rises '
                                      ELSE 'an apple falls ' END || i FROM n;
CREATE VIRTUAL TABLE temp.line_search USING semantic(text, content='line', content_rowid='id');
INSERT INTO line_search(line_search) VALUES('rebuild');

-- Each row of `page` begins a page: where the one before ended
CREATE TEMP TABLE page(number INTEGER PRIMARY KEY, distance, id);
INSERT INTO page VALUES (1, -9e999, 0);
CREATE TEMP VIEW page_row AS
SELECT page.number, s.rowid AS id, s.distance, s.text
FROM page JOIN line_search AS s
WHERE s.line_search MATCH 'money' AND (s.distance, s.rowid) > (page.distance, page.id)
  AND page.number = (SELECT max(number) FROM page)
ORDER BY s.rank LIMIT 10;

SELECT text, round(distance, 3) AS distance FROM page_row LIMIT 3;
CREATE TEMP TABLE shown AS SELECT * FROM page_row;
INSERT INTO page SELECT 2, distance, id FROM shown ORDER BY distance DESC, id DESC LIMIT 1;
INSERT INTO shown SELECT * FROM page_row;
INSERT INTO page SELECT 3, distance, id FROM shown ORDER BY distance DESC, id DESC LIMIT 1;
INSERT INTO shown SELECT * FROM page_row;
SELECT number AS page, count(*) AS rows FROM shown GROUP BY number;

-- What must hold
SELECT 'the pages hold every row once', count(*) = 25 AND count(DISTINCT id) = 25 FROM shown;
SELECT 'one after the other they are what the question gives at once',
       (SELECT group_concat(id) FROM (SELECT id FROM shown ORDER BY number, distance, id)) =
       (SELECT group_concat(rowid) FROM (SELECT rowid FROM line_search('money')));
SELECT 'OFFSET gives the same page, and reads what it leaves out',
       (SELECT group_concat(id) FROM (SELECT id FROM shown WHERE number = 2
                                      ORDER BY distance, id)) =
       (SELECT group_concat(rowid) FROM (SELECT rowid FROM line_search
                                         WHERE line_search MATCH 'money'
                                         ORDER BY rank LIMIT 10 OFFSET 10));
