-- demo.sql - what contextual embeddings are, asked of a real model in the sqlite3 shell.
--
-- `make demo` runs it through demo.sh, which loads the extension and fills
-- paragraph(id, file, body) with the paragraphs of text files. Every figure on the screen is
-- computed on the spot.

.headers on
.mode box --wrap 58

.print
.print 'Loading the model ...'
CREATE TEMP TABLE loaded AS SELECT token_count('hello') AS tokens;
SELECT name AS model, layers, heads, dimensions, max_tokens, parameters, pooling
FROM embed_models WHERE is_default;

-- ---- (a) ------------------------------------------------------------------------------------
.print
.print '(a) ONE WORD, SEVERAL MEANINGS'
.print
.print '    A static vector gives "bank" one meaning: its cosine with itself is 1, whatever the'
.print '    sentence. A contextual one depends on the whole sentence. How far apart are uses of'
.print '    one sense and uses of different senses, layer by layer?'
.print

CREATE TEMP TABLE use(id INTEGER PRIMARY KEY, word, sense, text);
INSERT INTO use(word, sense, text) VALUES
  ('bank',  'money',   'I deposited money in the bank'),
  ('bank',  'money',   'The bank approved the loan'),
  ('bank',  'river',   'We sat on the bank of the river'),
  ('bank',  'river',   'The fisherman rested on the bank'),
  ('apple', 'fruit',   'She cut the apple and ate a slice'),
  ('apple', 'fruit',   'An apple fell from the old tree'),
  ('apple', 'company', 'Apple released a new phone'),
  ('apple', 'company', 'Investors sold shares of Apple');

CREATE TEMP TABLE layer AS
WITH RECURSIVE l(layer) AS (SELECT 0 UNION ALL SELECT layer + 1 FROM l
                            WHERE layer < (SELECT layers FROM embed_models WHERE is_default))
SELECT layer FROM l;

CREATE TEMP TABLE use_vector AS
SELECT id, word, sense, text, layer, token_embedding(text, word, layer) AS vector
FROM use, layer;

CREATE TEMP TABLE pair AS
SELECT a.word, a.layer, a.text AS text_a, b.text AS text_b, a.sense = b.sense AS same_sense,
       cosine(static_embedding(a.word), static_embedding(b.word)) AS static_cosine,
       cosine(a.vector, b.vector) AS cosine
FROM use_vector AS a
JOIN use_vector AS b ON b.word = a.word AND b.layer = a.layer AND b.id > a.id;

CREATE TEMP TABLE separation AS
SELECT layer, avg(cosine) FILTER (WHERE same_sense) AS same,
       avg(cosine) FILTER (WHERE NOT same_sense) AS different
FROM pair GROUP BY layer;

CREATE TEMP TABLE best AS
SELECT layer FROM separation ORDER BY same - different DESC LIMIT 1;

SELECT layer, printf('%.3f', same) AS "one sense", printf('%.3f', different) AS "two senses",
       printf('%.3f', same - different) AS gap,
       CASE WHEN layer = (SELECT layer FROM best) THEN '<- separates best' ELSE '' END AS " "
FROM separation;

.print
.print '    Every pair of sentences at that layer. Surprising: two uses of one sense that are less'
.print '    alike than some two uses of different senses, and these.'
.print

.mode column
SELECT word, text_a AS "in this sentence", text_b AS "and in this one",
       CASE WHEN same_sense THEN 'one' ELSE 'two' END AS senses,
       printf('%.3f', static_cosine) AS static, printf('%.3f', cosine) AS contextual,
       CASE WHEN same_sense AND cosine < (SELECT max(cosine) FROM pair AS other
                                          WHERE other.layer = pair.layer
                                            AND other.word = pair.word
                                            AND NOT other.same_sense)
              OR NOT same_sense AND cosine > (SELECT min(cosine) FROM pair AS other
                                              WHERE other.layer = pair.layer
                                                AND other.word = pair.word
                                                AND other.same_sense)
            THEN '<- surprising' ELSE '' END AS " "
FROM pair WHERE layer = (SELECT layer FROM best)
ORDER BY word DESC, cosine DESC;

-- ---- (b) ------------------------------------------------------------------------------------
.print
.print '(b) SEARCH BY MEANING'
.print

CREATE TEMP TABLE clock AS SELECT julianday('now') AS began;
CREATE TEMP TABLE paragraph_vector AS
SELECT key AS id, embedding AS vector, tokens, truncated
FROM embed_query('SELECT id, body FROM paragraph WHERE length(body) > 40');

.mode box --wrap 100
SELECT (SELECT count(DISTINCT file) FROM paragraph) AS files, count(*) AS paragraphs,
       sum(tokens) AS tokens, sum(truncated) AS "longer than the model reads",
       printf('%.1f', (julianday('now') - (SELECT began FROM clock)) * 86400) AS seconds
FROM paragraph_vector;

.print
.print '    Three questions; the best paragraph for each, and the words that it shares with it.'
.print

CREATE TEMP TABLE question(id INTEGER PRIMARY KEY, text);
INSERT INTO question(text) VALUES
  ('who pays when something breaks?'),
  ('can companies keep improvements secret?'),
  ('what happens after breaking these rules?');

CREATE TEMP TABLE answer AS
SELECT id AS question_id, text AS question, best.paragraph_id, best.cosine
FROM question
JOIN (SELECT q.id AS question_id, v.id AS paragraph_id, max(cosine(v.vector, q.vector)) AS cosine
      FROM (SELECT id, embed(text) AS vector FROM question) AS q, paragraph_vector AS v
      GROUP BY q.id) AS best ON best.question_id = question.id;

.mode line
SELECT question, printf('%.3f', cosine) AS cosine,
       (SELECT file FROM paragraph WHERE id = paragraph_id) AS found_in,
       (SELECT substr(body, 1, 300) || CASE WHEN length(body) > 300 THEN ' ...' ELSE '' END
        FROM paragraph WHERE id = paragraph_id) AS answer,
       coalesce((SELECT group_concat(DISTINCT q.token)
                 FROM tokens(question) AS q
                 JOIN tokens((SELECT body FROM paragraph WHERE id = paragraph_id), NULL,
                             '{"truncate": "none"}') AS a
                   ON a.token = q.token
                 WHERE NOT q.special AND q.token GLOB '[a-z]*'), 'none') AS shared_words
FROM answer ORDER BY question_id;

-- ---- (c) ------------------------------------------------------------------------------------
.print
.print '(c) ONE WORD ON ITS WAY THROUGH THE LAYERS'
.print
.print '    "bank" in "We sat on the bank of the river": how much each block changes it, and how'
.print '    near it is to the same word in "The bank approved the loan" after as many blocks.'
.print

CREATE TEMP TABLE path AS
SELECT here.layer, here.vector, there.vector AS money
FROM hidden_states('We sat on the bank of the river') AS here
JOIN hidden_states('The bank approved the loan') AS there ON there.layer = here.layer
WHERE here.token = 'bank' AND there.token = 'bank';

.mode box
SELECT now.layer, CASE WHEN before.layer IS NULL THEN '' ELSE printf('%.3f', cosine(now.vector, before.vector))
       END AS "to the layer before",
       printf('%.3f', cosine(now.vector, static_embedding('bank'))) AS "to the static vector",
       printf('%.3f', cosine(now.vector, now.money)) AS "to the money bank",
       printf('%.*c', CAST(40 * cosine(now.vector, now.money) AS INT), '#') AS " "
FROM path AS now LEFT JOIN path AS before ON before.layer = now.layer - 1
ORDER BY now.layer;

-- ---- (d) ------------------------------------------------------------------------------------
.print
.print '(d) WHAT A WORD ATTENDS TO'
.print
.print '    The weight that "bank" gives to each word of its sentence, mean of all heads, in the'
.print '    first and in the last block; and the head that looks hardest at "river".'
.print

CREATE TEMP TABLE look AS
SELECT layer, head, to_position, to_token, score, weight
FROM attention('We sat on the bank of the river')
WHERE from_position = (SELECT position FROM tokens('We sat on the bank of the river')
                       WHERE token = 'bank');

SELECT first.to_token AS "to", printf('%.3f', avg(first.weight)) AS "first block",
       printf('%.*c', CAST(60 * avg(first.weight) AS INT), '#') AS " ",
       printf('%.3f', avg(last.weight)) AS "last block",
       printf('%.*c', CAST(60 * avg(last.weight) AS INT), '#') AS "  "
FROM look AS first
JOIN look AS last ON last.to_position = first.to_position AND last.head = first.head
WHERE first.layer = 1 AND last.layer = (SELECT max(layer) FROM look)
GROUP BY first.to_position ORDER BY first.to_position;

SELECT layer, head, printf('%.3f', weight) AS "weight on river", printf('%.2f', score) AS score
FROM look WHERE to_token = 'river' ORDER BY weight DESC LIMIT 3;
