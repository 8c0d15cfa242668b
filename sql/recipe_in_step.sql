-- model: real
-- recipe_in_step.sql - keep vectors in step with a column: generated column, trigger.
--
-- The model is pinned by the fingerprint in its name (name@...), so that a file made with one
-- checkpoint is never filled up with another's vectors. `embed(text)` without a model does not
-- belong into a schema: it means whatever the default is on the connection that runs it.
-- A table with such a column can't be written to (INSERT, UPDATE, VACUUM) by a program without
-- the extension; a trigger can be dropped, so it is the softer choice for shared files.

-- (1) a stored generated column: SQLite itself keeps it in step
CREATE TABLE article(id INTEGER PRIMARY KEY, body TEXT,
                     vector BLOB AS (embed(body, 'all-MiniLM-L6-v2@ddc345c7')) STORED);
INSERT INTO article(body) VALUES ('the cat sat on the mat'), ('stocks fell sharply');
SELECT id, body, round(cosine(vector, embed('a pet on a rug')), 3) AS cosine
FROM article ORDER BY cosine DESC;

-- (2) an ordinary column filled by triggers
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, vector BLOB);
CREATE TRIGGER note_insert AFTER INSERT ON note BEGIN
  UPDATE note SET vector = embed(new.body, 'all-MiniLM-L6-v2@ddc345c7') WHERE id = new.id;
END;
CREATE TRIGGER note_update AFTER UPDATE OF body ON note BEGIN
  UPDATE note SET vector = embed(new.body, 'all-MiniLM-L6-v2@ddc345c7') WHERE id = new.id;
END;

INSERT INTO note(body) VALUES ('the cat sat on the mat'), ('stocks fell sharply'), (NULL);
UPDATE note SET body = 'a dog lay on the rug' WHERE id = 1;
SELECT id, body, vector_length(vector) AS numbers FROM note;

-- What must hold
UPDATE article SET body = 'a dog lay on the rug' WHERE id = 1;
SELECT 'the generated column keeps the vector in step with the text',
       vector = embed('a dog lay on the rug') FROM article WHERE id = 1;
SELECT 'the trigger keeps the vector in step with the text',
       vector = embed('a dog lay on the rug') FROM note WHERE id = 1;
SELECT 'no text, no vector', (SELECT vector IS NULL FROM note WHERE id = 3);
