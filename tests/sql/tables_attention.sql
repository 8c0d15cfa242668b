-- The tables attention and attention_heads. Every row is a sentence and whether it holds. The
-- model is the tiny BERT: 2 layers, 4 heads of 8 dimensions; the figures are those of
-- transformers.

-- ---- attention ----
SELECT 'attention: SELECT * gives these columns',
       (SELECT group_concat(name) FROM pragma_table_xinfo('attention') WHERE hidden = 0) =
       'layer,head,from_position,from_token,to_position,to_token,score,weight';
SELECT 'attention: layers 1 ... L, heads 0 ... H-1, all pairs of positions',
       count(*) = 2 * 4 * 3 * 3 AND min(layer) = 1 AND max(layer) = 2 AND min(head) = 0
       AND max(head) = 3 AND min(from_position) = 0 AND max(to_position) = 2
  FROM attention('bank');
SELECT 'attention: the weights are those of transformers', (
    SELECT max(abs(a.weight - w.value)) FROM attention('I deposited money in the bank.') a
      JOIN json_each('[0.0289981,0.1131542,0.1562591,0.07744523,0.2402924,0.1527826,0.119674,
                       0.04219734,0.069197]') w ON w.key = a.to_position
     WHERE a.layer = 2 AND a.head = 2 AND a.from_position = 6) < 2e-6;
SELECT 'attention: each row of weights sums to 1',
       min(abs(total - 1) < 1e-6) FROM (SELECT sum(weight) AS total
  FROM attention('the river bank') GROUP BY layer, head, from_position);
SELECT 'attention: weight is the softmax of score',
       (SELECT max(abs(a.weight - exp(a.score) / z)) FROM attention('the bank') a JOIN
        (SELECT layer, head, from_position AS f, sum(exp(score)) AS z FROM attention('the bank')
          GROUP BY 1, 2, 3) s ON s.layer = a.layer AND s.head = a.head AND f = from_position) < 1e-6;
SELECT 'attention: score and weight are REAL', min(typeof(score) = 'real' AND typeof(weight) = 'real')
  FROM attention('bank');
SELECT 'attention: from_token and to_token are the tokens at these positions',
       (SELECT count(*) FROM attention('the river bank') a
          JOIN tokens('the river bank') f ON f.position = a.from_position
          JOIN tokens('the river bank') t ON t.position = a.to_position
         WHERE a.layer = 1 AND a.head = 0 AND a.from_token = f.token AND a.to_token = t.token) = 25;
SELECT 'attention: one row among few has the bits that it has among all',
       (SELECT weight FROM attention('the river bank')
         WHERE layer = 2 AND head = 3 AND from_position = 1 AND to_position = 2) =
       (SELECT weight FROM attention('the river bank')
         WHERE +layer = 2 AND +head = 3 AND +from_position = 1 AND +to_position = 2);
SELECT 'attention: constraints on each axis', (SELECT group_concat(layer || head || from_position ||
       to_position, ' ') FROM attention('bank') WHERE layer = '2' AND head IN (1, 3, 9)
       AND from_position BETWEEN 1 AND 1.5 AND to_position > 0) = '2111 2112 2311 2312';
SELECT 'attention: there is no layer 0', count(*) = 0 FROM attention('bank') WHERE layer = 0;
SELECT 'attention: there is no head 4', count(*) = 0 FROM attention('bank') WHERE head = 4;
SELECT 'attention: NULL text, no rows', count(*) = 0 FROM attention(NULL);
SELECT 'attention: the empty text attends to its special tokens', count(*) = 2 * 4 * 2 * 2
  FROM attention('');
CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO docs VALUES (1, 'the bank'), (2, NULL), (3, 'the river bank');
SELECT 'attention: what ''bank'' looks at most, document by document',
       (SELECT count(*) FROM docs LEFT JOIN attention(docs.body) a ON a.layer = 2 AND a.head = 0
           AND a.from_token = 'bank' GROUP BY id HAVING id = 3) = 5;
SELECT 'attention: a join of two heads', (SELECT count(*) FROM attention('bank') a
        JOIN attention('bank') b ON b.layer = a.layer AND b.head = a.head + 1
        AND b.from_position = a.from_position AND b.to_position = a.to_position) = 2 * 3 * 9;
-- error: attention: text is missing: attention(text [, model])
SELECT * FROM attention;
-- error: embed_attention: text is missing: embed_attention(text [, model])
SELECT * FROM embed_attention WHERE layer = 1;
-- error: too many arguments on attention() - max 2
SELECT * FROM attention('bank', NULL, '{}');
-- error: attention: model 'tiny' has fingerprint 1f8c9ba5 here, not 00000000 as asked for: results of the two must not be mixed
SELECT * FROM attention('bank', 'tiny@00000000');
SELECT 'embed_attention is attention by another name', count(*) = 72 FROM embed_attention('bank', 'tiny');

-- ---- attention_heads ----
SELECT 'attention_heads: SELECT * gives these columns',
       (SELECT group_concat(name) FROM pragma_table_xinfo('attention_heads') WHERE hidden = 0) =
       'layer,head,position,token,query,key,value,output';
SELECT 'attention_heads: one row for each layer, head and position, vectors of the head size',
       count(*) = 2 * 4 * 3 AND min(length(query) = 32 AND length(key) = 32
       AND length(value) = 32 AND length(output) = 32) FROM attention_heads('bank');
SELECT 'attention by hand: score is q·k / sqrt(head size)', (SELECT max(abs(a.score -
           dot(q.query, k.key) / 2.8284271247461903)) FROM attention('the river bank') a
          JOIN attention_heads('the river bank') q ON q.layer = a.layer AND q.head = a.head
           AND q.position = a.from_position
          JOIN attention_heads('the river bank') k ON k.layer = a.layer AND k.head = a.head
           AND k.position = a.to_position) < 1e-5;
SELECT 'attention by hand: the weighted sum of values is what the head gives',
       (SELECT max(l2_distance(given, made)) FROM (
        SELECT o.output AS given, (SELECT vector_sum(v.value, a.weight)
                 FROM attention('the river bank') a JOIN attention_heads('the river bank') v
                   ON v.layer = a.layer AND v.head = a.head AND v.position = a.to_position
                WHERE a.layer = o.layer AND a.head = o.head AND a.from_position = o.position) AS made
          FROM attention_heads('the river bank') o)) < 1e-5;
SELECT 'attention_heads: constraints on each axis', (SELECT group_concat(layer || head || position, ' ')
       FROM attention_heads('bank') WHERE layer = 1 AND head >= 2 AND position < 2) = '120 121 130 131';
SELECT 'attention_heads: NULL text, no rows', count(*) = 0 FROM attention_heads(NULL);
-- error: attention_heads: text is missing: attention_heads(text [, model])
SELECT * FROM attention_heads;
SELECT 'embed_attention_heads is attention_heads by another name', count(*) = 24
  FROM embed_attention_heads('bank');
PRAGMA trusted_schema = OFF;
CREATE VIEW looks AS SELECT a.* FROM docs, attention(docs.body) a;
CREATE VIEW heads AS SELECT a.* FROM docs, attention_heads(docs.body) a;
SELECT 'attention: in a view under trusted_schema=OFF', count(*) = 8 * (16 + 25) FROM looks;
SELECT 'attention_heads: in a view under trusted_schema=OFF', count(*) = 8 * (4 + 5) FROM heads;
PRAGMA trusted_schema = ON;

-- ---- models in which a token does not see all others ----
SELECT 'attention: the model is there',
       embed_model('windowed', :tests || '/golden/mistral') LIKE 'windowed@%';
SELECT 'attention: what stands behind a token, or before its window of 10, has no score and no weight',
       min((score IS NULL) = (to_position > from_position OR to_position <= from_position - 10))
       AND min((score IS NULL) = (weight = 0)) AND sum(score IS NULL) > 100
       AND max(from_position) > 12
  FROM attention('The bank of the river is a bank, and so it is by the bank.', 'windowed');
SELECT 'attention: by hand, where heads share keys and values', (
    SELECT max(abs(want.value - got.value))
      FROM json_each((SELECT vector_json(vector_sum(h.value, a.weight))
                        FROM attention('the river bank', 'windowed') a
                        JOIN attention_heads('the river bank', 'windowed') h
                          ON h.layer = a.layer AND h.head = a.head
                             AND h.position = a.to_position
                       WHERE a.layer = 2 AND a.head = 3 AND a.from_position = 3)) want
      JOIN json_each((SELECT vector_json(output) FROM attention_heads('the river bank', 'windowed')
                       WHERE layer = 2 AND head = 3 AND position = 3)) got USING (key)) < 1e-5;
SELECT 'attention: the model is gone', embed_model_drop('windowed') = 'windowed';
