-- model: real
-- recipe_related_rows.sql - "more like this": a row's own vector as the question.
--
-- The column `vector` of a semantic index is the row's vector; MATCH takes a vector as it takes a
-- text, and nothing is embedded.

CREATE VIRTUAL TABLE film USING semantic(title UNINDEXED, plot);
INSERT INTO film(title, plot) VALUES
  ('Deep Freeze', 'Scientists at an Antarctic station find something frozen that is still alive.'),
  ('Thaw', 'A creature wakes from the ice and hunts the crew of a polar outpost.'),
  ('The Second Violin', 'A retired musician returns to the orchestra that dismissed her.'),
  ('Encore', 'An old conductor gets one last concert with his estranged pupils.'),
  ('Low Tide', 'Two brothers inherit a fishing boat and the debts that come with it.');

-- Like one row
SELECT title, round(distance, 3) AS distance
FROM film WHERE film MATCH (SELECT vector FROM film WHERE title = 'Thaw') AND title <> 'Thaw'
ORDER BY rank LIMIT 2;

-- Like each row: two neighbours are asked for, as the nearest is the row itself
CREATE TEMP TABLE pair AS
SELECT f.title, near.title AS related, near.distance
FROM film AS f, film(f.vector, 2) AS near WHERE near.rowid <> f.rowid;
SELECT title, related, round(distance, 3) AS distance FROM pair;

-- Like several rows at once: their mean
SELECT title FROM film
WHERE film MATCH (SELECT vector_avg(vector) FROM film WHERE title IN ('Encore', 'Low Tide'))
ORDER BY rank LIMIT 3;

-- What must hold
SELECT 'films on one theme are each other''s neighbours', count(*) = 4
FROM pair WHERE title || ', ' || related IN
  ('Deep Freeze, Thaw', 'Thaw, Deep Freeze', 'The Second Violin, Encore', 'Encore, The Second Violin');
SELECT 'a row is nearest to itself', count(*) = 5
FROM film AS f WHERE f.rowid =
  (SELECT near.rowid FROM film(f.vector, 1) AS near WHERE near.distance < 1e-6);
