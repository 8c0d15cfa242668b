-- model: real
-- recipe_word_senses.sql - why is "bank" here not "bank" there?
--
-- token_embedding(text, word, layer) is the word's vector where it stands in the text; the
-- cosine of two of them says how alike the two uses are. static_embedding(word) is the same
-- vector everywhere, so it can't tell them apart.

CREATE TEMP TABLE use_of_bank(id INTEGER PRIMARY KEY, sense, text);
INSERT INTO use_of_bank(sense, text) VALUES
  ('money', 'I deposited money in the bank'),
  ('money', 'The bank approved the loan'),
  ('river', 'We sat on the bank of the river'),
  ('river', 'Reeds grew along the muddy bank of the stream');

-- Each use's vector after block 4, where this model separates senses well
CREATE TEMP TABLE bank_vector AS
SELECT id, sense, text, token_embedding(text, 'bank', 4) AS vector FROM use_of_bank;

SELECT a.text, b.text AS other, round(cosine(a.vector, b.vector), 3) AS cosine
FROM bank_vector AS a JOIN bank_vector AS b ON a.id < b.id
ORDER BY cosine DESC;

-- Which sense is meant in a new sentence? The nearest mean of the known uses.
SELECT s.sense,
       round(cosine(s.centre, token_embedding('She walked along the bank at dusk, watching the '
                                              || 'water', 'bank', 4)), 3) AS cosine
FROM (SELECT sense, vector_avg(vector) AS centre FROM bank_vector GROUP BY sense) AS s
ORDER BY cosine DESC;

-- What must hold
SELECT 'a static vector has one meaning: cosine 1 whatever the sentence',
       abs(cosine(static_embedding('bank'), static_embedding('bank')) - 1) < 1e-6;
SELECT 'two uses of one sense are nearer than two uses of different senses, on average',
       avg(CASE WHEN a.sense = b.sense THEN cosine(a.vector, b.vector) END) >
       avg(CASE WHEN a.sense <> b.sense THEN cosine(a.vector, b.vector) END) + 0.1
FROM bank_vector AS a JOIN bank_vector AS b ON a.id < b.id;
SELECT 'the walk at dusk is beside a river',
       (SELECT s.sense
        FROM (SELECT sense, vector_avg(vector) AS centre FROM bank_vector GROUP BY sense) AS s
        ORDER BY cosine(s.centre, token_embedding('She walked along the bank at dusk, '
                                                  || 'watching the water', 'bank', 4)) DESC
        LIMIT 1) = 'river';
