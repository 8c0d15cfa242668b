-- The table embed_each. Every row is a sentence and whether it holds. The model is the tiny BERT.

SELECT 'embed_each: SELECT * gives these columns',
       (SELECT group_concat(name) FROM pragma_table_xinfo('embed_each') WHERE hidden = 0) =
       'key,text,embedding,tokens,truncated';
SELECT key, text, tokens, truncated FROM embed_each('["the bank", "", "river"]');
--> 0|the bank|4|0
--> 1||2|0
--> 2|river|3|0
SELECT 'embed_each: an embedding is what embed gives, bit for bit', min(embedding = embed(text))
  FROM embed_each('["the bank", "", "river", "I deposited money in the bank.", "bank"]');
SELECT 'embed_each: key is the index, in the array''s order',
       (SELECT group_concat(key || text) FROM embed_each('["b","a","c"]')) = '0b,1a,2c';
SELECT 'embed_each: null gives NULL', key = 0 AND text IS NULL AND embedding IS NULL
       AND tokens IS NULL AND truncated IS NULL FROM embed_each('[null]');
SELECT 'embed_each: a number is the text that SQLite makes of it',
       (SELECT group_concat(text, ' ') FROM embed_each('[1984, 1.5, -0.0, 1e300, 100.0]'))
       = 1984 || ' ' || 1.5 || ' ' || -0.0 || ' ' || 1e300 || ' ' || 100.0
       AND (SELECT embedding FROM embed_each('[42]')) = embed(42);
SELECT 'embed_each: the empty array has no rows', count(*) = 0 FROM embed_each('[]');
SELECT 'embed_each: NULL has no rows', count(*) = 0 FROM embed_each(NULL);
SELECT 'embed_each: escapes are the characters they stand for',
       text = 'Café' || char(0) || '"' FROM embed_each('["Caf\u00e9\u0000\""]');
SELECT 'embed_each: ill-formed bytes read as U+FFFD',
       text = 'a' || char(65533) || 'b' || char(65533) || char(65533) || char(65533) || 'c'
       AND embedding = embed(CAST(x'61ff62eda08063' AS TEXT))
  FROM embed_each(CAST(x'5b2261ff62eda08063225d' AS TEXT));
SELECT 'embed_each: a text that is too long is marked', tokens = 52 AND truncated = 1
  FROM embed_each(json_array(replace(hex(zeroblob(50)), '00', 'bank ')));
SELECT 'embed_each: the options are embed''s', length(embedding) = 8 * 4
       AND embedding = embed('bank', NULL, '{"dimensions": 8}')
  FROM embed_each('["bank"]', 'tiny', '{"dimensions": 8}');
SELECT 'embed_each: int8 and bit', (SELECT length(embedding) FROM
       embed_each('["bank"]', NULL, '{"type": "int8"}')) = 32 AND (SELECT length(embedding) FROM
       embed_each('["bank"]', NULL, '{"type": "bit"}')) = 4;
SELECT 'embed_each: a thousand texts, all as embed gives them',
       count(*) = 1000 AND min(embedding = embed(text)) = 1
  FROM embed_each((WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
       SELECT json_group_array('bank ' || i || replace(hex(zeroblob(i % 7)), '00', ' river')) FROM n));
CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO docs VALUES (1, 'the bank'), (2, NULL), (3, 'the river');
SELECT 'embed_each: a column by json_group_array', count(*) = 3 AND count(embedding) = 2
  FROM embed_each((SELECT json_group_array(body) FROM docs));
SELECT 'embed_each: an array for each row of a table',
       (SELECT count(*) FROM docs, embed_each(json_array(docs.body, docs.id))) = 6;
-- error: embed_each: json_array is missing: embed_each(json_array [, model [, options]])
SELECT * FROM embed_each;
-- error: embed_each: json_array must be a JSON array: got an object
SELECT * FROM embed_each('{"a": "b"}');
-- error: embed_each: json_array must be a JSON array: got a string
SELECT * FROM embed_each('"the bank"');
-- error: embed_each: element 1 of json_array is an object; elements must be strings, numbers or null
SELECT * FROM embed_each('["a", {}]');
-- error: embed_each: element 0 of json_array is true; elements must be strings, numbers or null
SELECT * FROM embed_each('[true]');
-- error: embed_each: element 2 of json_array is an array; elements must be strings, numbers or null
SELECT * FROM embed_each('["a", "b", ["c"]]');
-- error: embed_each: json_array is not valid JSON at byte 8: string or '}' expected near 'b'
SELECT * FROM embed_each('["a", {b}]');
-- error: embed_each: json_array must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT * FROM embed_each(x'00');
-- error: embed_each: unknown option 'dimension'; options: prompt, pooling, normalize, dimensions, layer, truncate, type
SELECT * FROM embed_each('["a"]', NULL, '{"dimension": 8}');
-- error: embed_each: type 'bit' needs a multiple of 8 dimensions: this embedding has 12
SELECT * FROM embed_each('["a"]', NULL, '{"type": "bit", "dimensions": 12}');
PRAGMA trusted_schema = OFF;
CREATE VIEW embedded AS SELECT key, embedding FROM docs, embed_each('["' || docs.body || '"]');
SELECT 'embed_each: in a view under trusted_schema=OFF', count(embedding) = 2 FROM embedded;
PRAGMA trusted_schema = ON;
