-- model: real
-- recipe_search.sql - search a table by meaning: a semantic index that keeps itself in step.
--
-- The index reads the columns that it is told of the table `article`; its triggers note what
-- changes, and what changed is embedded in batches, before the next question or at COMMIT.

CREATE TABLE article(id INTEGER PRIMARY KEY, title, body, year);
CREATE VIRTUAL TABLE search USING semantic(title, body, content='article', content_rowid='id');
INSERT INTO search(search) VALUES('triggers');

INSERT INTO article(title, body, year) VALUES
  ('Sourdough', 'Flour, water and wild yeast ferment for a day before the loaf goes into the oven.', 2018),
  ('Mortgage', 'The lender may raise the rate of interest when the fixed period ends.', 2021),
  ('Tides', 'Twice a day the sea rises and falls, pulled by the moon.', 2022),
  ('Vaccines', 'A harmless piece of a virus teaches the immune system to recognise the real one.', 2023),
  ('Transistors', 'A small current at the gate switches a larger one between source and drain.', 2024);

SELECT title, round(distance, 3) AS distance
FROM search WHERE search MATCH 'how do doctors protect people from disease?'
ORDER BY rank LIMIT 3;

-- With conditions on the table's own columns: rows come nearest first, until there are enough
SELECT a.title, a.year
FROM search('what happens at the beach?') AS s JOIN article AS a ON a.id = s.rowid
WHERE a.year < 2022 ORDER BY s.rank LIMIT 2;

-- Many questions at once, each with the article nearest to it
CREATE TEMP TABLE question(text, answer);
INSERT INTO question VALUES
  ('how do doctors protect people from disease?', 'Vaccines'),
  ('will I pay more for my house next year?', 'Mortgage'),
  ('why is there less ocean on this beach now?', 'Tides'),
  ('how do I bake bread at home?', 'Sourdough');
CREATE TEMP TABLE found AS
SELECT q.text AS question, s.title AS found, q.answer, s.distance
FROM question AS q, search(q.text, 1) AS s;
SELECT question, found, round(distance, 3) AS distance FROM found;

-- What must hold
SELECT 'a question finds the article that answers it, without a word in common',
       (SELECT group_concat(found = answer) FROM found) = '1,1,1,1';
SELECT 'the distance is the cosine distance of the question and the row, to the last bit',
       count(*) = 5 AND min(distance = cosine_distance(vector, embed('why?')))
FROM search WHERE search MATCH 'why?';
SELECT 'a row''s vector is that of its columns, joined by newlines',
       min(vector = embed(title || char(10) || body)) FROM search;
UPDATE article SET body = 'Surgeons fight infections.' WHERE title = 'Tides';
DELETE FROM article WHERE title = 'Vaccines';
SELECT 'what is changed is found as it is now, what is deleted is not found',
       (SELECT title FROM search('how do doctors protect people from disease?', 1)) = 'Tides';
INSERT INTO search(search) VALUES('integrity-check');
