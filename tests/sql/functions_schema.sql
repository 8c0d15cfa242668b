-- The functions inside a schema: generated columns, triggers, views, defaults of what is trusted.
-- Every row is a sentence and whether it holds.

-- ---- Stored vectors ----
-- run
CREATE TABLE notes(body TEXT, e BLOB AS (embed(body, 'tiny')) STORED, n INT AS (token_count(body, 'tiny')));
-- run
INSERT INTO notes(body) VALUES ('the bank of the river'), ('the bank approved a loan'), (NULL);
SELECT 'schema: a stored generated column holds what embed gives',
       count(*) = 2 FROM notes WHERE e = embed(body, 'tiny');
SELECT 'schema: it follows an UPDATE', count(*) = 0 FROM notes WHERE e = embed('money', 'tiny');
-- run
UPDATE notes SET body = 'money' WHERE n > 6;
SELECT 'schema: it has followed', count(*) >= 1 FROM notes WHERE e = embed('money', 'tiny');
SELECT 'schema: a virtual generated column counts tokens',
       count(*) = 2 FROM notes WHERE n = token_count(body);
-- run
CREATE TABLE log(e BLOB);
-- run
CREATE TRIGGER remember AFTER INSERT ON notes BEGIN
  INSERT INTO log VALUES (embed(new.body, 'tiny'));
  INSERT INTO log SELECT similarity(new.body, body) FROM notes WHERE body IS NOT NULL;
END;
-- run
INSERT INTO notes(body) VALUES ('a river');
SELECT 'schema: a trigger embeds', count(*) = 1 FROM log WHERE e = embed('a river');
-- run
CREATE VIEW nearest AS SELECT body, cosine(e, embed('water', 'tiny')) AS score FROM notes;
SELECT 'schema: a view embeds', count(score) = 3 FROM nearest;
SELECT 'schema: a pinned model in a generated column',
       embed('bank', json_extract(embed_info('bank', 'tiny'), '$.model')) IS NOT NULL;

-- ---- An untrusted schema ----
-- run
PRAGMA trusted_schema = OFF;
SELECT 'schema: untrusted, the view works', count(score) = 3 FROM nearest;
-- run
INSERT INTO notes(body) VALUES ('a loan');
SELECT 'schema: untrusted, generated columns and triggers work', count(*) = 1 FROM log
 WHERE e = embed('a loan');
-- run
CREATE VIEW words AS SELECT token_embedding('the bank', 'bank', 1, 'tiny') AS a,
       static_embedding('bank', 'tiny') AS b, embed_try('x', 'tiny') AS c,
       embed_info('x', 'tiny') AS d, contextual_version() AS e, contextual_info() AS f;
SELECT 'schema: untrusted, the other functions that open nothing work',
       a IS NOT NULL AND b IS NOT NULL AND c IS NOT NULL AND d IS NOT NULL AND e IS NOT NULL
       AND f IS NOT NULL FROM words;
-- run
CREATE VIEW opens AS SELECT embed_model('x', '/nowhere');
-- error: unsafe use of embed_model()
SELECT * FROM opens;
-- run
CREATE VIEW chooses AS SELECT embed_model_default('tiny');
-- error: unsafe use of embed_model_default()
SELECT * FROM chooses;
-- run
CREATE VIEW drops AS SELECT embed_model_drop('tiny');
-- error: unsafe use of embed_model_drop()
SELECT * FROM drops;
-- run
CREATE VIEW releases AS SELECT contextual_release();
-- error: unsafe use of contextual_release()
SELECT * FROM releases;
-- run
PRAGMA trusted_schema = ON;
-- error: unsafe use of embed_model()
SELECT * FROM opens;
-- error: unsafe use of contextual_release()
SELECT * FROM releases;

-- ---- What the planner may do ----
SELECT 'embed: a constant question is embedded once for all rows',
       (SELECT count(*) FROM (WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r
        LIMIT 20000) SELECT i FROM r WHERE cosine(embed('a question'), embed('a question')) > .5))
       = 20000;
SELECT 'embed: a common table expression', count(*) = 2 FROM
       (WITH q(v) AS (SELECT embed('a river')), t(b) AS (VALUES ('a river'), ('a loan'))
        SELECT b FROM t, q WHERE cosine(embed(b), q.v) <= 1.0);
-- error: non-deterministic functions prohibited in generated columns
CREATE TABLE bad(a, b AS (contextual_info()));
