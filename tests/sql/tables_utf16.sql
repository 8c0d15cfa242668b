-- The tables in a database whose texts are UTF-16. Every row is a sentence and whether it holds.
-- run
PRAGMA encoding = 'UTF-16le';
CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO docs VALUES (1, 'Café at the bank'), (2, '苹果'), (3, NULL);
SELECT 'the database is UTF-16', (SELECT encoding FROM pragma_encoding) = 'UTF-16le';
SELECT 'tokens: in UTF-16 characters and UTF-8 bytes are the same ones',
       (SELECT group_concat(substr(body, start, length) || byte_start) FROM docs, tokens(docs.body)
         WHERE id = 1 AND NOT special) = 'C0,a1,fé2,a6,t7,the9,bank13';
SELECT 'tokens: OR meets each row once',
       (SELECT count(*) FROM tokens WHERE (text = 'bank' AND position > 0)
           OR (text = 'bank' AND position < 2)) = 3;
SELECT 'hidden_states: the arguments come back', (SELECT count(*) FROM hidden_states('Café', 'tiny')
        WHERE text = 'Café' AND model = 'tiny' AND layer = '1') = 5;
SELECT 'embed_each: as embed', min(embedding = embed(text)) = 1
  FROM embed_each('["Café", "苹果"]');
SELECT 'embed_query: as embed, keys and texts unchanged', count(*) = 3
       AND min(q.text IS d.body AND q.embedding IS embed(d.body)) = 1
  FROM embed_query('SELECT id, body FROM docs WHERE ?1 = ''é''', NULL, '{"params": ["é"]}') q
  JOIN docs d ON d.id = q.key;
INSERT INTO docs(body) SELECT text FROM embed_query('SELECT body FROM docs');
SELECT 'embed_query: within a transaction', count(*) = 2 FROM docs WHERE body = '苹果';
