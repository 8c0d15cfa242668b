-- model: real
-- recipe_search.sql - search a text column by meaning.
--
-- embed_query() runs a SELECT and embeds its rows in large batches over all cores; the vectors
-- go into an ordinary table. A question is embedded once, although it stands in every row's
-- expression, because embed() is deterministic.

CREATE TEMP TABLE article(id INTEGER PRIMARY KEY, title, body);
INSERT INTO article(title, body) VALUES
  ('Sourdough', 'Flour, water and wild yeast ferment for a day before the loaf goes into the oven.'),
  ('Mortgage', 'The lender may raise the rate of interest when the fixed period ends.'),
  ('Tides', 'Twice a day the sea rises and falls, pulled by the moon.'),
  ('Vaccines', 'A harmless piece of a virus teaches the immune system to recognise the real one.'),
  ('Transistors', 'A small current at the gate switches a larger one between source and drain.');

CREATE TEMP TABLE article_vector(id INTEGER PRIMARY KEY, vector BLOB);
INSERT INTO article_vector
SELECT key, embedding FROM embed_query('SELECT id, title || ''. '' || body FROM article');

SELECT title, round(cosine(vector, embed('how do doctors protect people from disease?')), 3)
       AS cosine
FROM article_vector JOIN article USING (id)
ORDER BY cosine DESC LIMIT 3;

-- Many questions at once: each with the article nearest to it
CREATE TEMP TABLE question(text, answer);
INSERT INTO question VALUES
  ('how do doctors protect people from disease?', 'Vaccines'),
  ('will I pay more for my house next year?', 'Mortgage'),
  ('why is there less ocean on this beach now?', 'Tides'),
  ('how do I bake bread at home?', 'Sourdough');
CREATE TEMP TABLE found AS
SELECT question, title AS found, answer, max(nearness) AS nearness
FROM (SELECT q.text AS question, q.answer, a.title, cosine(v.vector, q.vector) AS nearness
      FROM (SELECT text, answer, embed(text) AS vector FROM question) AS q,
           article_vector AS v JOIN article AS a USING (id))
GROUP BY question;
SELECT question, found, round(nearness, 3) AS cosine FROM found;

-- What must hold
SELECT 'every row has its vector',
       (SELECT count(*) FROM article_vector) = (SELECT count(*) FROM article)
       AND (SELECT min(vector_length(vector)) FROM article_vector) =
           (SELECT dimensions FROM embed_models WHERE is_default);
SELECT 'a question finds the article that answers it, without a word in common',
       (SELECT group_concat(found = answer) FROM found) = '1,1,1,1';
SELECT 'a row''s vector is the same as embed() of its text, to the last bit',
       min(vector = embed(title || '. ' || body))
FROM article_vector JOIN article USING (id);
