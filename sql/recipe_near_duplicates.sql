-- model: real
-- recipe_near_duplicates.sql - rows that say the same thing in other words.

CREATE TEMP TABLE ticket(id INTEGER PRIMARY KEY, text);
INSERT INTO ticket(text) VALUES
  ('The app crashes when I upload a photo'),
  ('Uploading an image makes the program close unexpectedly'),
  ('How do I change my password?'),
  ('I would like to reset my login credentials'),
  ('Please add a dark theme');

CREATE TEMP TABLE ticket_vector AS
SELECT key AS id, embedding AS vector FROM embed_query('SELECT id, text FROM ticket');

SELECT round(cosine(a.vector, b.vector), 3) AS cosine, x.text, y.text AS other
FROM ticket_vector AS a JOIN ticket_vector AS b ON a.id < b.id
JOIN ticket AS x ON x.id = a.id JOIN ticket AS y ON y.id = b.id
ORDER BY cosine DESC LIMIT 3;

-- What must hold
SELECT 'the two pairs that mean the same stand first',
       group_concat(pair, ' ') = '1-2 3-4'
FROM (SELECT pair FROM
        (SELECT a.id || '-' || b.id AS pair, cosine(a.vector, b.vector) AS c
         FROM ticket_vector AS a JOIN ticket_vector AS b ON a.id < b.id
         ORDER BY c DESC LIMIT 2)
      ORDER BY pair);
