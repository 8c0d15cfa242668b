-- model: real
-- recipe_near_duplicates.sql - rows that say the same thing in other words.

CREATE TABLE ticket(id INTEGER PRIMARY KEY, text);
INSERT INTO ticket(text) VALUES
  ('The app crashes when I upload a photo'),
  ('Uploading an image makes the program close unexpectedly'),
  ('How do I change my password?'),
  ('I would like to reset my login credentials'),
  ('Please add a dark theme');

-- (1) Once, for some thousands of rows: every pair
CREATE TEMP TABLE ticket_vector AS
SELECT key AS id, embedding AS vector FROM embed_query('SELECT id, text FROM ticket');
SELECT round(cosine(a.vector, b.vector), 3) AS cosine, x.text, y.text AS other
FROM ticket_vector AS a JOIN ticket_vector AS b ON a.id < b.id
JOIN ticket AS x ON x.id = a.id JOIN ticket AS y ON y.id = b.id
ORDER BY cosine DESC LIMIT 3;

-- (2) With an index, for any number of rows and while they come: the neighbours of each
CREATE VIRTUAL TABLE ticket_search USING semantic(text, content='ticket', content_rowid='id');
INSERT INTO ticket_search(ticket_search) VALUES('triggers');
INSERT INTO ticket_search(ticket_search) VALUES('rebuild');
CREATE TEMP TABLE duplicate AS
SELECT t.rowid AS id, near.rowid AS other, near.distance
FROM ticket_search AS t, ticket_search(t.vector, 5) AS near
WHERE near.rowid > t.rowid AND near.distance < 0.5;
SELECT round(distance, 3) AS distance, id, other FROM duplicate ORDER BY distance;

-- A new row asks before it comes in
SELECT id, text FROM ticket
WHERE id IN (SELECT rowid FROM ticket_search
             WHERE ticket_search MATCH 'the program quits while I send pictures'
               AND distance < 0.5);

-- What must hold
SELECT 'the two pairs that mean the same stand first',
       group_concat(pair, ' ') = '1-2 3-4'
FROM (SELECT pair FROM
        (SELECT a.id || '-' || b.id AS pair, cosine(a.vector, b.vector) AS c
         FROM ticket_vector AS a JOIN ticket_vector AS b ON a.id < b.id
         ORDER BY c DESC LIMIT 2)
      ORDER BY pair);
SELECT 'the index finds them, too',
       (SELECT group_concat(id || '-' || other, ' ') FROM (SELECT * FROM duplicate ORDER BY id)) =
       '1-2 3-4';
