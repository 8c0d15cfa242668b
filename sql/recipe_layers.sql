-- recipe_layers.sql - a word's way through the layers.
--
-- Layer 0 is the word with its position and nothing of its neighbours; each block mixes in more
-- of the sentence. `WHERE layer = k` runs k blocks and no more.

CREATE TEMP TABLE word_path AS
SELECT layer, vector FROM hidden_states('We sat on the bank of the river')
WHERE position = 5; -- [CLS] we sat on the bank

SELECT now.layer,
       round(cosine(now.vector, before.vector), 3) AS "to the layer before",
       round(cosine(now.vector, first.vector), 3) AS "to layer 0"
FROM word_path AS now
LEFT JOIN word_path AS before ON before.layer = now.layer - 1
JOIN word_path AS first ON first.layer = 0
ORDER BY now.layer;

-- What must hold
SELECT 'there is a vector for every layer, the embedding layer included',
       count(*) = 1 + (SELECT layers FROM embed_models WHERE is_default) FROM word_path;
SELECT 'token_embedding() gives the same vector as hidden_states()',
       max(l2_distance(h.vector,
                       token_embedding('We sat on the bank of the river', 'We', h.layer))) = 0
FROM hidden_states('We sat on the bank of the river') AS h
WHERE h.word = 0
  AND (SELECT count(*) FROM tokens('We sat on the bank of the river') WHERE word = 0) = 1;
