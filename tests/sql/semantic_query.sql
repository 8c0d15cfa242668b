-- Questions to a semantic index: constraints, order, columns, errors. Every row is a sentence and
-- whether it holds. The model is the tiny BERT.

CREATE VIRTUAL TABLE v USING semantic(name, model='');
INSERT INTO v(rowid, name, vector) VALUES
  (1, 'east', vector('[1, 0]')), (2, 'north-east', vector('[1, 1]')), (3, 'north', vector('[0, 2]')),
  (4, 'west', vector('[-1, 0]')), (5, 'east again', vector('[3, 0]')), (6, 'nowhere', vector('[0, 0]')),
  (7, 'south', vector('[0, -1]'));

-- Order and columns
SELECT rowid, name FROM v WHERE v MATCH vector('[1, 0]') ORDER BY rank;
--> 1|east
--> 5|east again
--> 2|north-east
--> 3|north
--> 7|south
--> 4|west
SELECT 'query: distance is that of cosine_distance', count(*) = 6
       AND min(distance = cosine_distance(vector, vector('[1, 0.25]')))
  FROM v WHERE v MATCH vector('[1, 0.25]');
SELECT 'query: rank is the distance, score its complement, semantic_rank the position', count(*) = 6
       AND min(rank = distance) AND min(score = 1 - distance) AND group_concat(semantic_rank) = '1,2,3,4,5,6'
       AND count(bm25_rank) = 0
  FROM v WHERE v MATCH vector('[1, 0.25]');
SELECT 'query: a vector without direction is no answer and still a row', count(*) = 1
       AND min(distance IS NULL) FROM v WHERE name = 'nowhere';
SELECT 'query: NULL asks nothing', count(*) = 0 FROM v WHERE v MATCH NULL;
SELECT 'query: a question without direction has no answer', count(*) = 0 FROM v WHERE v MATCH vector('[0, 0]');
SELECT 'query: = asks as MATCH does', count(*) = 6 FROM v WHERE v = vector('[0, 1]');
SELECT 'query: without a question there are all rows, no distance and every vector', count(*) = 7
       AND count(distance) = 0 AND count(rank) = 0 AND count(snippet) = 0 AND count(vector) = 7 FROM v;
SELECT 'query: a row''s vector by its id', vector = vector('[3, 0]') FROM v WHERE rowid = 5;
SELECT 'query: a row''s own vector as the question', group_concat(rowid) = '5,2'
  FROM v WHERE v MATCH (SELECT vector FROM v WHERE rowid = 1) AND rowid <> 1 AND distance < 0.5;
SELECT 'query: the arguments can be read', k = 2 AND among = '[1,2]' AND length(v) = 8
  FROM v(vector('[1, 0]'), 2) WHERE among = '[1,2]' LIMIT 1;

-- k, LIMIT, OFFSET
SELECT rowid FROM v(vector('[1, 0]'), 2);
--> 1
--> 5
SELECT rowid FROM v WHERE v MATCH vector('[1, 0]') AND k = 3 ORDER BY rank LIMIT 2 OFFSET 1;
--> 5
--> 2
SELECT 'query: more than there are', count(*) = 6 FROM v(vector('[1, 0]'), 9223372036854775807);
SELECT 'query: an offset behind the last row', count(*) = 0
  FROM (SELECT rowid FROM v WHERE v MATCH vector('[1, 0]') ORDER BY rank LIMIT 3 OFFSET 6);
SELECT 'query: LIMIT 0 and a negative LIMIT',
       (SELECT count(*) FROM (SELECT rowid FROM v WHERE v MATCH vector('[1, 0]') LIMIT 0)) = 0
       AND (SELECT count(*) FROM (SELECT rowid FROM v WHERE v MATCH vector('[1, 0]') LIMIT -1)) = 6;
SELECT rowid FROM v WHERE v MATCH vector('[1, 0]') ORDER BY rank DESC, rowid DESC LIMIT 3;
--> 4
--> 7
--> 3
SELECT rowid FROM v WHERE v MATCH vector('[1, 0]') AND name <> 'east' ORDER BY rank LIMIT 2;
--> 5
--> 2

-- Filters before k
SELECT rowid FROM v(vector('[1, 0]'), 2) WHERE rowid > 1;
--> 5
--> 2
SELECT rowid FROM v(vector('[1, 0]'), 2) WHERE rowid BETWEEN 2 AND 4.5;
--> 2
--> 3
SELECT 'query: bounds compare as SQLite does', (SELECT count(*) FROM v(vector('[1, 0]'), 9) WHERE rowid < '3') = 2
       AND (SELECT count(*) FROM v(vector('[1, 0]'), 9) WHERE rowid < 'a') = 6
       AND (SELECT count(*) FROM v(vector('[1, 0]'), 9) WHERE rowid > 'a') = 0
       AND (SELECT count(*) FROM v(vector('[1, 0]'), 9) WHERE rowid >= -9e99) = 6
       AND (SELECT count(*) FROM v(vector('[1, 0]'), 9) WHERE rowid > NULL) = 0
       AND (SELECT count(*) FROM v(vector('[1, 0]'), 9) WHERE distance < 'a') = 6
       AND (SELECT count(*) FROM v(vector('[1, 0]'), 9) WHERE distance <= 1) = 5
       AND (SELECT count(*) FROM v(vector('[1, 0]'), 9) WHERE distance < 1) = 3
       AND (SELECT count(*) FROM v(vector('[1, 0]'), 9) WHERE distance > NULL) = 0;
SELECT rowid FROM v(vector('[1, 0]'), 2) WHERE distance > 0;
--> 2
--> 3
SELECT rowid FROM v(vector('[1, 0]'), 2) WHERE among = '[3, 4, 99, 3]';
--> 3
--> 4
-- since: 3.38
SELECT rowid FROM v(vector('[1, 0]'), 2) WHERE rowid IN (7, 3, 4);
--> 3
--> 7
-- since: 3.38
SELECT rowid FROM v(vector('[1, 0]'), 1) WHERE rowid = 4;
--> 4
SELECT 'query: nothing to choose among', (SELECT count(*) FROM v(vector('[1, 0]')) WHERE among = '[]') = 0
       AND (SELECT count(*) FROM v(vector('[1, 0]')) WHERE among = NULL) = 0;
SELECT rowid, distance IS NULL FROM v WHERE among = '[7, 1, 12]';
--> 1|1
--> 7|1

-- Paging by key
SELECT rowid FROM v WHERE v MATCH vector('[1, 0]') AND (distance, rowid) > (0, 1) ORDER BY rank LIMIT 2;
--> 5
--> 2
SELECT rowid FROM v WHERE v MATCH vector('[1, 0]') AND k = 2 AND (distance, rowid) > (1, 3);
--> 7
--> 4

-- Joins
CREATE TABLE asked(id INTEGER PRIMARY KEY, q);
INSERT INTO asked VALUES (1, vector('[1, 0]')), (2, vector('[0, 1]')), (3, NULL);
SELECT asked.id, v.rowid FROM asked, v(asked.q, 2);
--> 1|1
--> 1|5
--> 2|3
--> 2|2
CREATE TABLE facts(id INTEGER PRIMARY KEY, good);
INSERT INTO facts VALUES (1, 0), (2, 1), (3, 1), (4, 1), (5, 1), (7, 1);
SELECT f.id FROM v(vector('[1, 0]'), 3) s JOIN facts f ON f.id = s.rowid WHERE f.good;
--> 5
--> 2
-- since: 3.38
SELECT f.id, s.rowid FROM facts f LEFT JOIN v(vector('[1, 0]'), 3) s ON f.id = s.rowid WHERE f.good;
--> 2|2
--> 3|
--> 4|
--> 5|5
--> 7|

-- Text, chunks, snippets
CREATE VIRTUAL TABLE t USING semantic(title, body, chunk=16, overlap=0);
INSERT INTO t(rowid, title, body) VALUES
  (1, 'Money', 'The bank lends money. The bank keeps money. The bank has a vault.'),
  (2, 'River', 'The river bank is green.'), (3, NULL, NULL);
SELECT 'query: a question is embedded as embed does it with its prompt', count(*) = 2
       AND min(distance = cosine_distance(vector, embed('the bank', 'tiny', 'query')))
  FROM t WHERE t MATCH 'the bank';
SELECT 'query: a row without text is no answer', group_concat(rowid) NOT LIKE '%3%' FROM t('the bank');
SELECT 'query: nor is a question without text answered, as with FTS5',
       (SELECT count(*) FROM t WHERE t MATCH '') + (SELECT count(*) FROM t(char(9, 10, 32, 0x3000), 5)) +
       (SELECT count(*) FROM t WHERE t MATCH '' AND rowid = 1) = 0;
SELECT 'query: but the vector of no text is a vector', count(*) = 2 FROM t WHERE t MATCH embed('');
SELECT 'query: a mark is text', count(*) = 2 FROM t('?');
SELECT 'query: a chunk is where it says, counted from 1',
       min(replace(snippet, '…', '') = substr(title || char(10) || body, chunk_start, chunk_length)) FROM t('money');
SELECT 'query: an ellipsis where the text goes on, none where it ends', min(CASE
         WHEN chunk_start > 1 AND chunk_start + chunk_length <= length(title || ' ' || body) THEN snippet LIKE '…%…'
         WHEN chunk_start > 1 THEN snippet LIKE '…%' AND snippet NOT LIKE '%…'
         WHEN chunk_length < length(title || ' ' || body) THEN snippet NOT LIKE '…%' AND snippet LIKE '%…'
         ELSE snippet NOT LIKE '%…%' END) FROM t('money');
SELECT 'query: a row comes once, with its best chunk', count(*) = 2 AND count(DISTINCT rowid) = 2 FROM t('money');
SELECT rowid, title FROM t WHERE rowid = 3;
--> 3|

-- Words that a model does not know
-- run
SELECT embed_model('glove', :tests || '/golden/static/glove.txt');
CREATE VIRTUAL TABLE w USING semantic(word, model='glove', metric='l2');
INSERT INTO w VALUES ('bank'), ('river'), ('xyzzy');
SELECT 'query: a question of unknown words has no answer by any metric', count(*) = 0 FROM w('xyzzy plugh');
SELECT 'query: one known word is a question', count(*) = 3 FROM w('xyzzy bank');

SELECT 'query: a whole REAL is as good a k, some languages have no other numbers',
       (SELECT group_concat(rowid) FROM v WHERE v MATCH vector('[1, 0]') AND k = 2.0)
       = (SELECT group_concat(rowid) FROM v WHERE v MATCH vector('[1, 0]') AND k = 2);

-- What is wrong
-- error: v: k says how many rows a question gets: "v" MATCH '...' is missing
SELECT * FROM v WHERE k = 3;
-- error: v: k must be a whole number, 1 or more: got INTEGER 0
SELECT * FROM v(vector('[1, 0]'), 0);
-- error: v: k must be a whole number, 1 or more: got INTEGER -4
SELECT * FROM v(vector('[1, 0]'), -4);
-- error: v: k must be a whole number, 1 or more: got TEXT 'ten'
SELECT * FROM v(vector('[1, 0]'), 'ten');
-- error: v: k must be a whole number, 1 or more: got REAL 2.5
SELECT * FROM v(vector('[1, 0]'), 2.5);
-- error: v: k must be a whole number, 1 or more: got NULL
SELECT * FROM v(vector('[1, 0]'), NULL);
-- error: v: k says how many rows a question gets: write k = 10
SELECT rowid FROM v WHERE v MATCH vector('[1, 0]') AND k <= 10;
-- error: v: k says how many rows a question gets: write k = 10
SELECT rowid FROM v(vector('[1, 0]')) WHERE 3 > k;
-- error: v: k is given twice
SELECT * FROM v(vector('[1, 0]'), 3) WHERE k = 4;
-- error: v: one question at a time: MATCH stands twice
SELECT * FROM v(vector('[1, 0]')) WHERE v MATCH 'x';
-- error: v: MATCH asks the whole table: write "v" MATCH '...'
SELECT * FROM v WHERE name MATCH 'x';
-- error: v: MATCH asks the whole table: write "v" MATCH '...'
SELECT * FROM v WHERE vector MATCH vector('[1, 0]');
-- error: v: the question has 3 dimensions, the index has 2
SELECT * FROM v WHERE v MATCH vector('[1, 0, 0]');
-- error: v: the question is a BLOB of 5 bytes; a vector has 4 for each dimension, and text is CAST(x AS TEXT)
SELECT * FROM v WHERE v MATCH x'0102030405';
-- error: v: the question is a BLOB of 0 bytes; a vector has 4 for each dimension, and text is CAST(x AS TEXT)
SELECT * FROM v WHERE v MATCH x'';
-- error: v: the question is not finite at index 1
SELECT * FROM v WHERE v MATCH x'000000000000c07f';
-- error: v: among must be a JSON array of row ids: got an object
SELECT * FROM v WHERE among = '{"a": 1}';
-- error: v: among must be a JSON array of row ids: element 1 is a string
SELECT * FROM v WHERE among = '[1, "2"]';
-- error: v: among must be a JSON array of row ids: element 0 is a number with a fraction
SELECT * FROM v WHERE among = '[1.5]';
-- error: v: among is not valid JSON at byte 2: invalid token near 'x'
SELECT * FROM v WHERE among = '[x]';
-- error: v: among must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT * FROM v WHERE among = x'5b';
