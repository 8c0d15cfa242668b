-- recipe_in_step.sql - keep vectors in step with a column: generated column, trigger.
--
-- The model is pinned by the fingerprint in its name (name@...), so that a file made with one
-- checkpoint is never filled up with another's vectors. `embed(text)` without a model does not
-- belong into a schema: it means whatever the default is on the connection that runs it.
-- A table with such a column can't be written to (INSERT, UPDATE, VACUUM) by a program without
-- the extension; a trigger can be dropped, so it is the softer choice for shared files.

-- (1) a stored generated column; its text is made here with the pin of the default model
CREATE TEMP TABLE pin AS
SELECT name || '@' || substr(fingerprint, 1, 8) AS model FROM embed_models WHERE is_default;

-- (2) an ordinary column filled by triggers
CREATE TEMP TABLE note(id INTEGER PRIMARY KEY, body TEXT, vector BLOB);
CREATE TEMP TRIGGER note_insert AFTER INSERT ON note BEGIN
  UPDATE note SET vector = embed(new.body, (SELECT model FROM pin)) WHERE id = new.id;
END;
CREATE TEMP TRIGGER note_update AFTER UPDATE OF body ON note BEGIN
  UPDATE note SET vector = embed(new.body, (SELECT model FROM pin)) WHERE id = new.id;
END;

INSERT INTO note(body) VALUES ('the cat sat on the mat'), ('stocks fell sharply'), (NULL);
UPDATE note SET body = 'a dog lay on the rug' WHERE id = 1;
SELECT id, body, vector_length(vector) AS numbers FROM note;

-- What must hold
SELECT 'the trigger keeps the vector in step with the text',
       (SELECT vector = embed('a dog lay on the rug', (SELECT model FROM pin))
        FROM note WHERE id = 1);
SELECT 'no text, no vector', (SELECT vector IS NULL FROM note WHERE id = 3);
