-- The table tokens: what the model reads of a text and where it stands. Every row is a sentence
-- and whether it holds. The model is the tiny BERT: 24 tokens at most.

-- ---- Rows and columns ----
SELECT position, token, token_id, word, start, length, byte_start, byte_end, special
  FROM tokens('I deposited money in the bank.');
--> 0|[CLS]|2||||||1
--> 1|i|48|0|1|1|0|1|0
--> 2|deposited|387|1|3|9|2|11|0
--> 3|money|289|2|13|5|12|17|0
--> 4|in|259|3|19|2|18|20|0
--> 5|the|246|4|22|3|21|24|0
--> 6|bank|265|5|26|4|25|29|0
--> 7|.|18|6|30|1|29|30|0
--> 8|[SEP]|3||||||1
SELECT 'tokens: SELECT * gives these columns, the arguments are hidden',
       (SELECT group_concat(name) FROM pragma_table_xinfo('tokens') WHERE hidden = 0) =
       'position,token,token_id,word,start,length,byte_start,byte_end,special';
SELECT 'tokens: substr(text, start, length) is the piece of source text',
       (SELECT group_concat(substr(text, start, length), '|') FROM tokens('Café naïve ÅNGSTRÖM')
         WHERE NOT special) = 'C|a|fé|n|aï|v|e|ÅN|G|ST|RÖ|M';
SELECT 'tokens: byte offsets cut the UTF-8 bytes at the same places',
       (SELECT min(CAST(substr(CAST(text AS BLOB), byte_start + 1, byte_end - byte_start) AS TEXT)
                   = substr(text, start, length))
          FROM tokens('Café naïve 苹果 ÅNGSTRÖM') WHERE NOT special);
SELECT 'tokens: pieces of one word have its number',
       (SELECT group_concat(word) FROM tokens('Café naïve') WHERE NOT special) = '0,0,0,1,1,1,1';
SELECT 'tokens: special tokens have no place in the text',
       (SELECT count(*) FROM tokens('bank') WHERE special AND word IS NULL AND start IS NULL
           AND length IS NULL AND byte_start IS NULL AND byte_end IS NULL) = 2;
SELECT 'tokens: a NUL is text, bytes count on', (SELECT max(byte_end) FROM
       tokens('bank' || char(0) || 'bank')) = 9;
SELECT 'tokens: the table''s order is that of the text',
       (SELECT group_concat(position) FROM tokens('the bank')) = '0,1,2,3';

-- ---- Texts ----
SELECT 'tokens: the empty text has its special tokens',
       (SELECT group_concat(token) FROM tokens('')) = '[CLS],[SEP]';
SELECT 'tokens: a NULL text gives no rows', count(*) = 0 FROM tokens(NULL);
SELECT 'tokens: a NULL text gives no rows before the model is looked for',
       count(*) = 0 FROM tokens(NULL, 'tiny@00000000');
SELECT 'tokens: a number is its text', (SELECT group_concat(token, '') FROM tokens(42)) =
       (SELECT group_concat(token, '') FROM tokens('42'));
SELECT 'tokens: NULL as model is the default', count(*) = 3 FROM tokens('bank', NULL);
SELECT 'tokens: the model may be named', count(*) = 3 FROM tokens('bank', 'tiny');
SELECT 'tokens: ill-formed bytes are U+FFFD to the tokenizer, source bytes to the offsets',
       (SELECT max(byte_end) FROM tokens(CAST(x'62616e6bff62616e6b' AS TEXT))) = 9;

-- ---- Options ----
SELECT 'tokens: a text that is too long is cut', count(*) = 24
  FROM tokens(replace(hex(zeroblob(50)), '00', 'bank '));
SELECT 'tokens: truncate none shows also what the model would not read', count(*) = 52
  FROM tokens(replace(hex(zeroblob(50)), '00', 'bank '), NULL, '{"truncate": "none"}');
SELECT 'tokens: truncate start keeps the end', (SELECT max(start) FROM
       tokens(replace(hex(zeroblob(50)), '00', 'bank ') || 'river', NULL,
              '{"truncate": "start"}')) = 251;
-- error: tokens: unknown option 'layer'; options: prompt, truncate
SELECT * FROM tokens('bank', NULL, '{"layer": 1}');
-- error: tokens: option 'truncate' must be end, start, error or none: got "mean"
SELECT * FROM tokens('bank', NULL, '{"truncate": "mean"}');

-- ---- Errors ----
-- error: tokens: text is missing: tokens(text [, model [, options]])
SELECT * FROM tokens;
-- error: tokens: text is missing: tokens(text [, model [, options]])
SELECT * FROM tokens WHERE text > 'a' AND position = 1;
-- error: embed_tokens: text is missing: embed_tokens(text [, model [, options]])
SELECT * FROM embed_tokens();
-- error: tokens: text must be TEXT: got BLOB of 2 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT * FROM tokens(x'0001');
-- error: tokens: model 'tiny' has fingerprint 1f8c9ba5 here, not 00000000 as asked for: results of the two must not be mixed
SELECT * FROM tokens('bank', 'tiny@00000000');
-- error: too many arguments on tokens() - max 3
SELECT * FROM tokens('a', NULL, NULL, 1);
-- error: table tokens may not be modified
INSERT INTO tokens(text) VALUES ('a');
SELECT 'tokens: after all these errors the connection works', count(*) = 3 FROM tokens('bank');

-- ---- Names ----
SELECT 'embed_tokens is tokens by another name', count(*) = 3 FROM embed_tokens('bank');
CREATE TABLE tokens(mine);
SELECT 'a table of the user''s hides tokens, not embed_tokens',
       (SELECT count(*) FROM tokens) = 0 AND (SELECT count(*) FROM embed_tokens('bank')) = 3;
DROP TABLE tokens;
SELECT 'without the user''s table tokens is back', count(*) = 3 FROM tokens('bank');

-- ---- Constraints on position ----
SELECT 'tokens: = ', (SELECT group_concat(token) FROM tokens('the bank') WHERE position = 2) = 'bank';
SELECT 'tokens: IN', (SELECT group_concat(token) FROM tokens('the bank')
                       WHERE position IN (2, 0, 9, NULL)) = '[CLS],bank';
SELECT 'tokens: BETWEEN', (SELECT group_concat(token) FROM tokens('the bank')
                            WHERE position BETWEEN 1 AND 2) = 'the,bank';
SELECT 'tokens: text that looks like a number compares as a number',
       (SELECT token FROM tokens('the bank') WHERE position = '2') = 'bank';
SELECT 'tokens: 1.5, -1, NULL and words match nothing',
       (SELECT count(*) FROM tokens('the bank') WHERE position IN (1.5, -1, NULL, 'x')) = 0;
SELECT 'tokens: other columns are checked by SQLite',
       (SELECT position FROM tokens('the bank') WHERE token = 'bank' AND special = 0) = 2;

-- ---- Documents ----
CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO docs VALUES (1, 'the bank'), (2, NULL), (3, ''), (4, 'the river');
SELECT 'tokens: the text may be a column of an outer table',
       (SELECT group_concat(n) FROM (SELECT count(*) AS n FROM docs, tokens(docs.body)
         GROUP BY id ORDER BY id)) = '4,2,4';
SELECT 'tokens: LEFT JOIN keeps the document without tokens',
       (SELECT count(*) FROM docs LEFT JOIN tokens(docs.body) t WHERE t.token IS NULL) = 1;
SELECT 'tokens: LEFT JOIN ... ON restricts the tokens, not the documents',
       (SELECT group_concat(id || ifnull(token, '-')) FROM
        (SELECT id, token FROM docs LEFT JOIN tokens(docs.body) t ON t.position = 2 ORDER BY id))
       = '1bank,2-,3-,4river';
SELECT 'tokens: the order of the tables does not matter',
       (SELECT count(*) FROM tokens(docs.body), docs) = 10
       AND (SELECT count(*) FROM tokens JOIN docs ON docs.body = text) = 10;
SELECT 'tokens: as a subquery of each row',
       (SELECT group_concat((SELECT count(*) FROM tokens(body) WHERE NOT special)) FROM docs)
       = '2,0,0,2';
SELECT 'tokens: a frequency table of words', (SELECT group_concat(token || n) FROM (
       SELECT token, count(*) AS n FROM docs, tokens(docs.body) WHERE NOT special
        GROUP BY token ORDER BY n DESC, token)) = 'the2,bank1,river1';
SELECT 'tokens: OR over two documents meets each token once',
       (SELECT count(*) FROM tokens WHERE (text = 'the bank' AND position >= 1)
            OR (text = 'the river' AND position >= 1)
            OR (text = 'the bank' AND position <= 2)) = 7;

-- ---- Schemas ----
PRAGMA trusted_schema = OFF;
CREATE VIEW words AS SELECT id, token FROM docs, tokens(docs.body) WHERE NOT special;
SELECT 'tokens: in a view under trusted_schema=OFF', count(*) = 4 FROM words;
CREATE TABLE index_of_words(word, doc);
CREATE TRIGGER index_words AFTER INSERT ON docs BEGIN
  INSERT INTO index_of_words SELECT token, new.id FROM tokens(new.body) WHERE NOT special;
END;
INSERT INTO docs VALUES (5, 'money in the bank');
SELECT 'tokens: in a trigger under trusted_schema=OFF',
       (SELECT group_concat(word, ' ') FROM index_of_words WHERE doc = 5) = 'money in the bank';
PRAGMA trusted_schema = ON;
