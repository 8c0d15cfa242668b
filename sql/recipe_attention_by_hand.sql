-- recipe_attention_by_hand.sql - attention is a weighted sum, and vector_sum() can do it.
--
-- A word's new vector is the sum of the values of all words, each times the weight that the word
-- gives it. First three sums that fit on paper, then a real head: its rows of attention() and its
-- values from attention_heads() give what the encoder computed.

-- "money bank loan": one dimension stands for finance, one for nature
WITH value(word, v) AS (VALUES ('money', vector('[1, 0]')),
                               ('bank',  vector('[0.5, 0.5]')),
                               ('loan',  vector('[0.8, 0.2]'))),
     weight(word, w) AS (VALUES ('money', 0.51), ('bank', 0.19), ('loan', 0.30))
SELECT 'bank, beside money and loan' AS word,
       vector_json(vector_sum(v, w)) AS vector
FROM value JOIN weight USING (word);

-- "river bank water"
WITH value(word, v) AS (VALUES ('river', vector('[0, 1]')),
                               ('bank',  vector('[0.5, 0.5]')),
                               ('water', vector('[0.1, 0.9]'))),
     weight(word, w) AS (VALUES ('river', 0.35), ('bank', 0.15), ('water', 0.50))
SELECT 'bank, beside river and water' AS word,
       vector_json(vector_sum(v, w)) AS vector
FROM value JOIN weight USING (word);

-- Three words at once: row i of the weights gives word i's new vector
CREATE TEMP TABLE paper_value(position INTEGER PRIMARY KEY, v);
INSERT INTO paper_value VALUES (0, vector('[1, 0]')), (1, vector('[2, 2]')),
                               (2, vector('[2, 1]'));
CREATE TEMP TABLE paper_weight(from_position, to_position, w);
INSERT INTO paper_weight VALUES (0, 0, 0.422), (0, 1, 0.155), (0, 2, 0.422),
                                (1, 0, 0.106), (1, 1, 0.787), (1, 2, 0.106),
                                (2, 0, 0.212), (2, 1, 0.212), (2, 2, 0.576);
CREATE TEMP VIEW paper_output AS
SELECT from_position AS position, vector_sum(v, w) AS output
FROM paper_weight JOIN paper_value ON position = to_position
GROUP BY from_position;
SELECT position, vector_json(output) AS output FROM paper_output;

-- A real head: the same sum over what the model computed for a sentence
CREATE TEMP TABLE head AS
SELECT layer, head, position, token, query, key, value, output
FROM attention_heads('The bank of the river was muddy.') WHERE layer = 1 AND head = 0;

CREATE TEMP TABLE by_hand AS
SELECT a.from_position AS position, a.from_token AS token,
       vector_sum(h.value, a.weight) AS output
FROM attention('The bank of the river was muddy.') AS a
JOIN head AS h ON h.position = a.to_position
WHERE a.layer = 1 AND a.head = 0
GROUP BY a.from_position;

SELECT position, token,
       printf('%.1e', l2_distance(by_hand.output, head.output)) AS "by hand - encoder"
FROM by_hand JOIN head USING (position, token);

-- Scores too are there to be seen: query times key over the root of the head's size
CREATE TEMP TABLE scores AS
SELECT a.from_token, a.to_token, a.score,
       dot(q.query, k.key) / sqrt(vector_length(q.query)) AS by_hand
FROM attention('The bank of the river was muddy.') AS a
JOIN head AS q ON q.position = a.from_position
JOIN head AS k ON k.position = a.to_position
WHERE a.layer = 1 AND a.head = 0;

-- What must hold
SELECT 'money bank loan: [0.845, 0.155]',
       l2_distance((SELECT vector_sum(v, w)
                    FROM (SELECT vector('[1,0]') AS v, 0.51 AS w
                          UNION ALL SELECT vector('[0.5,0.5]'), 0.19
                          UNION ALL SELECT vector('[0.8,0.2]'), 0.30)),
                   '[0.845, 0.155]') < 1e-6;
SELECT 'river bank water: [0.125, 0.875]',
       l2_distance((SELECT vector_sum(v, w)
                    FROM (SELECT vector('[0,1]') AS v, 0.35 AS w
                          UNION ALL SELECT vector('[0.5,0.5]'), 0.15
                          UNION ALL SELECT vector('[0.1,0.9]'), 0.50)),
                   '[0.125, 0.875]') < 1e-6;
SELECT 'three words at once: as worked out on paper',
       count(*) = 3 AND max(l2_distance(output, want)) < 1e-6
FROM paper_output
JOIN (SELECT 0 AS position, '[1.576, 0.732]' AS want
      UNION ALL SELECT 1, '[1.892, 1.680]'
      UNION ALL SELECT 2, '[1.788, 1.000]') USING (position);
SELECT 'a real head: the weighted sum of values is the head''s output',
       count(*) > 3 AND max(l2_distance(by_hand.output, head.output)) < 1e-5
FROM by_hand JOIN head USING (position, token);
SELECT 'a real head: query times key over the root of its size is the score',
       count(*) > 9 AND max(abs(score - by_hand)) < 1e-4
FROM scores;
