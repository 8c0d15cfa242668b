-- Late interaction: maxsim and align. Every row is a sentence and whether it holds. The model is
-- the tiny BERT (2 blocks, 24 tokens); the definition is written out over hidden_states.

CREATE TEMP TABLE pair(a TEXT, b TEXT);
INSERT INTO pair VALUES
  ('who lends money', 'The bank approved the loan.'),
  ('the river bank', 'We sat on the bank of the river, by the water.'),
  ('é and — so', 'a bank'),
  ('loan', 'loan');

-- ---- What it is ----
SELECT 'maxsim: the mean over the question''s tokens of the best cosine with a token of the text',
       abs(maxsim(a, b) - (SELECT avg(best) FROM
           (SELECT max(cosine(x.vector, y.vector)) AS best
              FROM hidden_states(a) x, hidden_states(b) y
             WHERE x.layer = 2 AND y.layer = 2 AND NOT x.special AND NOT y.special
             GROUP BY x.position))) < 1e-6
  FROM pair;
SELECT 'maxsim: the mean of align''s cosines, to the last bit',
       maxsim(a, b) = (SELECT avg(cosine) FROM align(a, b)) OR
       abs(maxsim(a, b) - (SELECT avg(cosine) FROM align(a, b))) < 1e-15 FROM pair;
SELECT 'align: each token of the first text with its nearest of the second',
       abs(cosine - (SELECT max(cosine(x.vector, y.vector))
                       FROM hidden_states(a) x, hidden_states(b) y
                      WHERE x.layer = 2 AND y.layer = 2 AND x.position = position_a
                        AND NOT y.special)) < 1e-6
       AND abs(cosine - (SELECT cosine(x.vector, y.vector)
                           FROM hidden_states(a) x, hidden_states(b) y
                          WHERE x.layer = 2 AND y.layer = 2 AND x.position = position_a
                            AND y.position = position_b)) < 1e-6
  FROM pair, align(a, b);
SELECT 'align: tokens and their places are those of tokens()',
       (SELECT (token, start, length) = (token_a, start_a, length_a) FROM tokens(a)
         WHERE position = position_a)
       AND (SELECT (token, start, length) = (token_b, start_b, length_b) FROM tokens(b)
             WHERE position = position_b)
  FROM pair, align(a, b);
SELECT 'align: every token of the first text that is not special, in order',
       (SELECT group_concat(position_a) FROM align(a, b)) =
       (SELECT group_concat(position) FROM tokens(a) WHERE NOT special) FROM pair;
SELECT 'maxsim: a text with itself is 1', abs(maxsim(b, b) - 1) < 1e-6 FROM pair;
SELECT 'maxsim: the question looks for the text, not the other way',
       maxsim('the river', 'the river and a loan') <> maxsim('the river and a loan', 'the river');

-- ---- Long texts ----
SELECT 'maxsim: a text longer than the model reads goes by windows, all of it counts',
       maxsim('apple', first || ' An apple of the river.')
       = max(maxsim('apple', first), maxsim('apple', 'An apple of the river.'))
  FROM (SELECT 'The bank approved the loan of the river. The water of the bank sat from the '
               || 'money.' AS first);
SELECT 'align: positions and places go on through the windows',
       group_concat(position_a) = (SELECT group_concat(position)
                                     FROM tokens(t, NULL, '{"truncate": "none"}')
                                    WHERE NOT special)
       AND group_concat(substr(t, start_a, length_a), ' ') = t
  FROM (SELECT rtrim(replace(hex(zeroblob(40)), '00', 'bank river ')) AS t), align(t, 'loan');
-- error: maxsim: a text of about 9163656 tokens is too long to be compared token by token: 8388608 are the limit with this model; take parts of it, as chunks or snippets
SELECT maxsim(replace(hex(zeroblob(8400000)), '00', 'bank '), 'loan');

-- ---- Nothing ----
SELECT 'maxsim: NULL for NULL', maxsim(NULL, 'a') IS NULL AND maxsim('a', NULL) IS NULL;
SELECT 'maxsim: NULL where a text has no token',
       maxsim('', 'bank') IS NULL AND maxsim('bank', ' ') IS NULL AND maxsim('', '') IS NULL;
SELECT 'align: no rows for NULL or an empty text', count(*) = 0 FROM align(NULL, 'bank');
SELECT 'align: no rows for NULL or an empty text', count(*) = 0 FROM align('bank', NULL);
SELECT 'align: no rows for NULL or an empty text', count(*) = 0 FROM align('', 'bank');
SELECT 'align: tokens that find no partner stand alone',
       count(*) = 2 AND count(token_b) + count(cosine) + count(position_b) + count(start_b) = 0
  FROM align('the bank', '');

-- ---- Arguments ----
SELECT 'maxsim: takes the model by name', maxsim('bank', 'loan', 'tiny') = maxsim('bank', 'loan');
SELECT 'align: takes the model by name, and has a synonym',
       (SELECT total(cosine) FROM align('bank', 'loan', 'tiny')) =
       (SELECT total(cosine) FROM embed_align('bank', 'loan'));
SELECT 'maxsim: the same in any row and from the cache',
       count(DISTINCT s) = 1
  FROM (SELECT maxsim('who lends', b) AS s FROM pair, json_each('[1,2,3]') WHERE b = 'a bank');
SELECT 'align: joins with a table', count(*) = (SELECT sum(n) FROM (
           SELECT (SELECT count(*) FROM tokens(a) WHERE NOT special) AS n FROM pair))
  FROM pair JOIN align(pair.a, pair.b);
-- error: maxsim: argument 2 must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT maxsim('a', x'00');
-- error: align: text_b is missing: align(text_a, text_b [, model])
SELECT * FROM align('a');
-- error: align: text_a is missing: align(text_a, text_b [, model])
SELECT * FROM align;
-- error: align: text_b must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT * FROM align('a', x'00');
