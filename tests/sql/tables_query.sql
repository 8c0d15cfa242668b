-- The table embed_query. Every row is a sentence and whether it holds. The model is the tiny BERT.

CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO docs VALUES (10, 'the bank'), (20, NULL), (30, ''), (40, 'the river'), (50, 1984);
SELECT 'embed_query: SELECT * gives these columns',
       (SELECT group_concat(name) FROM pragma_table_xinfo('embed_query') WHERE hidden = 0) =
       'key,text,embedding,tokens,truncated';

-- ---- Rows ----
SELECT key, text, tokens, truncated, embedding IS NULL FROM embed_query('SELECT id, body FROM docs');
--> 10|the bank|4|0|0
--> 20||||1
--> 30||2|0|0
--> 40|the river|4|0|0
--> 50|1984|5|0|0
SELECT 'embed_query: one column is the text, rows are numbered from 1',
       (SELECT group_concat(key) FROM embed_query('SELECT body FROM docs')) = '1,2,3,4,5';
SELECT 'embed_query: an embedding is what embed gives, bit for bit',
       min(embedding IS embed(text)) FROM embed_query('SELECT body FROM docs');
SELECT 'embed_query: rows come in the query''s order',
       (SELECT group_concat(key) FROM embed_query('SELECT id, body FROM docs ORDER BY id DESC'))
       = '50,40,30,20,10';
SELECT 'embed_query: keys are any value, unchanged',
       (SELECT group_concat(typeof(key) || quote(key)) FROM embed_query(
        'VALUES (1.5, ''a''), (NULL, ''a''), (x''00ff'', ''a''), (''k'', ''a''), (-7, ''a'')'))
       = 'real1.5,nullNULL,blobX''00FF'',text''k'',integer-7';
SELECT 'embed_query: text is text', typeof(text) = 'text' FROM embed_query('SELECT 42');
SELECT 'embed_query: a text with a NUL is whole', length(CAST(text AS BLOB)) = 3
  FROM embed_query('SELECT ''a'' || char(0) || ''b''');
SELECT 'embed_query: a text that is too long is marked', tokens = 52 AND truncated = 1
  FROM embed_query('SELECT replace(hex(zeroblob(50)), ''00'', ''bank '')');
SELECT 'embed_query: no rows of the SELECT, no rows', count(*) = 0
  FROM embed_query('SELECT body FROM docs WHERE 0');
SELECT 'embed_query: NULL as sql, no rows', count(*) = 0 FROM embed_query(NULL);
SELECT 'embed_query: only NULL texts', count(*) = 2 AND count(embedding) = 0
  FROM embed_query('VALUES (NULL), (NULL)');
SELECT 'embed_query: five thousand texts, in their order and as embed gives them',
       count(*) = 5000 AND min(text = 'bank ' || key || substr(' river river', 1, key % 12)) = 1
       AND sum(key % 97 = 0 AND embedding = embed(text)) = 51
  FROM embed_query('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
                    SELECT i, ''bank '' || i || substr('' river river'', 1, i % 12) FROM n');
SELECT 'embed_query: the options are embed''s', length(embedding) = 8
  FROM embed_query('SELECT ''bank''', 'tiny', '{"type": "int8", "dimensions": 8}');
SELECT 'embed_query: semantic search in one statement', key = 10
  FROM embed_query('SELECT id, body FROM docs') ORDER BY cosine(embedding, embed('the bank')) DESC LIMIT 1;

-- ---- Parameters ----
SELECT 'embed_query: parameters by option params', (SELECT group_concat(text) FROM embed_query(
       'SELECT body FROM docs WHERE id IN (?, ?2)', NULL, '{"params": [10, 40]}'))
       = 'the bank,the river';
SELECT 'embed_query: parameters of every kind',
       (SELECT group_concat(text, '|') FROM embed_query(
        'VALUES (typeof(?1) || ?1), (typeof(?2) || ?2), (typeof(?3) || ?3), (typeof(?4)),
                (typeof(?5) || ?5), (typeof(?6) || ?6)', NULL,
        '{"params": [7, 1.5, "x", null, true, [1, {"a": "b"}]]}'))
       = 'integer7|real1.5|textx|null|integer1|text[1,{"a":"b"}]';
SELECT 'embed_query: a list for json_each', (SELECT group_concat(key) FROM embed_query(
       'SELECT id, body FROM docs WHERE id IN (SELECT value FROM json_each(:ids))', NULL,
       '{"params": [[10, 40]]}')) = '10,40';
-- error: embed_query: sql has 1 parameter, option params gives 0 values
SELECT * FROM embed_query('SELECT body FROM docs WHERE id = ?');
-- error: embed_query: sql has 2 parameters, option params gives 1 value
SELECT * FROM embed_query('SELECT body FROM docs WHERE id IN (?, ?)', NULL, '{"params": [10]}');
-- error: embed_query: sql has 0 parameters, option params gives 1 value
SELECT * FROM embed_query('SELECT body FROM docs', NULL, '{"params": [10]}');
-- error: embed_query: option 'params' must be a JSON array: got 10
SELECT * FROM embed_query('SELECT body FROM docs', NULL, '{"params": 10}');

-- ---- One SELECT that reads ----
SELECT 'embed_query: comments, white space and a last semicolon', count(*) = 1 FROM embed_query(
       '  -- first
        /* then */ /**/ select ''a'' -- inside
        ;  -- after it ; all
        /* and without an end');
SELECT 'embed_query: VALUES', count(*) = 2 FROM embed_query('values (1), (2);');
SELECT 'embed_query: WITH', count(*) = 1 FROM embed_query('WITH a(b) AS (SELECT 1) SELECT b FROM a');
-- error: embed_query: sql is empty: it must be a SELECT
SELECT * FROM embed_query('');
-- error: embed_query: sql is empty: it must be a SELECT
SELECT * FROM embed_query('  -- nothing');
-- error: embed_query: sql must begin with SELECT, VALUES or WITH: it begins with 'BEGIN'
SELECT * FROM embed_query('BEGIN');
-- error: embed_query: sql must begin with SELECT, VALUES or WITH: it begins with 'COMMIT'
SELECT * FROM embed_query('COMMIT');
-- error: embed_query: sql must begin with SELECT, VALUES or WITH: it begins with 'PRAGMA'
SELECT * FROM embed_query('/* */ PRAGMA user_version');
-- error: embed_query: sql must begin with SELECT, VALUES or WITH: it begins with 'EXPLAIN'
SELECT * FROM embed_query('EXPLAIN SELECT 1');
-- error: embed_query: sql must begin with SELECT, VALUES or WITH: it begins with 'selected'
SELECT * FROM embed_query('selected');
-- error: embed_query: sql must begin with SELECT, VALUES or WITH: it begins with ';'
SELECT * FROM embed_query(';');
-- error: embed_query: sql must begin with SELECT, VALUES or WITH: it begins with 'DELETE'
SELECT * FROM embed_query('DELETE FROM docs');
-- error: embed_query: sql must only read: this statement writes to the database
SELECT * FROM embed_query('WITH a AS (SELECT 1) DELETE FROM docs');
-- error: embed_query: sql must be one statement: after its end comes 'DELETE FROM docs'
SELECT * FROM embed_query('SELECT 1; DELETE FROM docs');
-- error: embed_query: sql must be one statement: after its end comes 'PRAGMA foreign_keys = ON'
SELECT * FROM embed_query('SELECT 1; PRAGMA foreign_keys = ON');
-- error: embed_query: sql must give 1 column (text) or 2 (key, text): it gives 3
SELECT * FROM embed_query('SELECT 1, 2, 3');
-- error: embed_query: no such table: nosuch
SELECT * FROM embed_query('SELECT body FROM nosuch');
-- error: embed_query: near "docs": syntax error
SELECT * FROM embed_query('SELECT body FORM docs');
-- error: embed_query: the text of row 2 must be TEXT: got BLOB of 2 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT * FROM embed_query('VALUES (1, ''a''), (2, x''0001'')');
-- error: embed_query: malformed JSON
SELECT * FROM embed_query('SELECT json_extract(body, ''$'') FROM docs');
-- error: embed_query: sql is missing: embed_query(sql [, model [, options]])
SELECT * FROM embed_query;
-- error: embed_query: model 'tiny' has fingerprint 1f8c9ba5 here, not 00000000 as asked for: results of the two must not be mixed
SELECT * FROM embed_query('SELECT 1', 'tiny@00000000');
SELECT 'embed_query: what was refused did nothing',
       (SELECT count(*) FROM docs) = 5 AND (SELECT foreign_keys FROM pragma_foreign_keys) = 0;

-- ---- In other statements ----
SELECT 'embed_query: its SELECT may call embed, tokens and embed_query', (SELECT group_concat(text)
  FROM embed_query('SELECT t.token FROM embed_query(''SELECT body FROM docs'') q, tokens(q.text) t
                     WHERE NOT special AND cosine(q.embedding, embed(''the bank'')) > 0.9999'))
       = 'the,bank';
SELECT 'embed_query: in a join with the table it reads', count(*) = 5 AND sum(d.body IS q.text) = 5
  FROM docs d JOIN embed_query('SELECT id, body FROM docs') q ON q.key = d.id;
SELECT 'embed_query: the SQL from a table', (SELECT group_concat(text) FROM
       (SELECT 'SELECT ''a''' AS s UNION ALL SELECT 'VALUES (''b''), (''c'')'), embed_query(s)) = 'a,b,c';
CREATE TABLE vectors(id INTEGER PRIMARY KEY, e BLOB);
INSERT INTO vectors SELECT key, embedding FROM embed_query('SELECT id, body FROM docs') WHERE text <> '';
SELECT 'embed_query: INSERT ... SELECT into another table',
       count(*) = 3 AND min(e = embed(body)) = 1 FROM vectors JOIN docs USING (id);
INSERT INTO docs(body) SELECT text || ' again' FROM embed_query('SELECT body FROM docs');
SELECT 'embed_query: INSERT ... SELECT into the table it reads ends', count(*) = 10 FROM docs;
BEGIN;
INSERT INTO docs(body) SELECT text || ' again' FROM embed_query('SELECT body FROM docs');
SELECT 'embed_query: and so it does within a transaction', count(*) = 20 FROM docs;
SELECT 'embed_query: a transaction''s own rows are seen, in the query''s order',
       (SELECT group_concat(key) FROM embed_query('SELECT id, body FROM docs ORDER BY id DESC LIMIT 3'))
       = (SELECT group_concat(id) FROM (SELECT id FROM docs ORDER BY id DESC LIMIT 3));
-- error: embed_query: no such column: nosuch
INSERT INTO docs(body) SELECT text FROM embed_query('SELECT nosuch FROM docs');
SELECT 'embed_query: an error keeps the transaction', count(*) = 20 FROM docs;
ROLLBACK;
SELECT 'embed_query: ROLLBACK takes the rows back', count(*) = 10 FROM docs;
ALTER TABLE docs ADD COLUMN e BLOB;
UPDATE docs SET e = q.embedding FROM embed_query('SELECT id, body FROM docs') q WHERE q.key = docs.id;
SELECT 'embed_query: UPDATE ... FROM the table it reads', min(e IS embed(body)) FROM docs;
DELETE FROM docs WHERE id IN (SELECT key FROM embed_query('SELECT id, body FROM docs WHERE id > 50'));
SELECT 'embed_query: DELETE from the table it reads', count(*) = 5 FROM docs;
CREATE TABLE copy AS SELECT key, embedding FROM embed_query('SELECT id, body FROM docs');
SELECT 'embed_query: CREATE TABLE ... AS', count(*) = 5 FROM copy;
INSERT INTO copy SELECT key, embedding FROM embed_query('SELECT ''q'' FROM copy -- the end');
INSERT INTO copy SELECT key, embedding FROM embed_query('SELECT ''r'' FROM copy; /* no end');
SELECT 'embed_query: a comment at the end of the SQL is no trap', count(*) = 20 FROM copy;
INSERT INTO copy SELECT key, text FROM embed_query('SELECT typeof(?), ? || key FROM copy LIMIT 1',
                                                    NULL, '{"params": [1.5, "x"]}');
SELECT 'embed_query: parameters within a transaction', embedding = 'x10' AND key = 'real'
  FROM copy WHERE rowid = 21;

-- ---- Not from a schema ----
CREATE VIEW sneaky AS SELECT * FROM embed_query('SELECT body FROM docs');
-- error: unsafe use of virtual table "embed_query"
SELECT * FROM sneaky;
CREATE TRIGGER sneaky_too AFTER INSERT ON vectors BEGIN
  INSERT INTO copy SELECT key, text FROM embed_query('SELECT body FROM docs');
END;
-- error: unsafe use of virtual table "embed_query"
INSERT INTO vectors VALUES (99, NULL);
DROP TRIGGER sneaky_too;
