-- The table semantic_status. Every row is a sentence and whether it holds.

SELECT 'status: no index, no row', (SELECT count(*) FROM semantic_status) = 0;
SELECT 'status: the columns', (SELECT group_concat(name) FROM
       pragma_table_info('semantic_status')) =
       'schema,index,rows,chunks,pending,stale,model,fingerprint,dimensions,bytes,progress,'
       || 'lists,probes,share,question_bytes';
CREATE VIRTUAL TABLE "using semantic(x" USING semantic(body);
CREATE VIRTUAL TABLE b USING semantic(body, model='');
-- run
ATTACH ':memory:' AS "o""ther";
CREATE VIRTUAL TABLE "o""ther".c USING  SEMANTIC(body, quantize=int8);
CREATE VIRTUAL TABLE temp.d USING semantic(body);
SELECT 'status: indexes of all schemas', (SELECT group_concat(schema || '.' || "index", ' ')
       FROM (SELECT * FROM semantic_status ORDER BY schema, "index")) =
       'main.b main.using semantic(x o"ther.c temp.d';
SELECT 'status: an empty one', rows = 0 AND chunks = 0 AND pending = 0 AND stale = 0
       AND progress IS NULL AND bytes >= 0 FROM semantic_status;
INSERT INTO c VALUES ('a bank'), (NULL);
SELECT 'status: rows and chunks are counted', rows = 2 AND chunks = 1 AND bytes > 32
       AND dimensions = 32 AND model = 'tiny' AND length(fingerprint) = 32
  FROM semantic_status WHERE "index" = 'c';
SELECT 'status: no question was asked', question_bytes IS NULL FROM semantic_status
 WHERE "index" = 'c';
SELECT 'status: one row is found', count(*) = 1 FROM c('a bank', 5);
SELECT 'status: the bytes of the last question, on the index that was asked',
       (SELECT question_bytes FROM semantic_status WHERE "index" = 'c') > 64
       AND (SELECT count(question_bytes) FROM semantic_status) = 1;
SELECT 'status: without a model', model = '' AND fingerprint IS NULL AND dimensions IS NULL
  FROM semantic_status WHERE "index" = 'b';
BEGIN;
INSERT INTO d VALUES ('a bank');
SELECT 'status: reading it embeds nothing', rows = 0 AND pending = 1 FROM semantic_status
 WHERE "index" = 'd';
COMMIT;
SELECT 'status: COMMIT does', rows = 1 AND pending = 0 FROM semantic_status
 WHERE "index" = 'd';
-- run
CREATE TABLE plain(x DEFAULT 'USING semantic');
-- run
UPDATE b_config SET value = NULL WHERE name = 'model';
SELECT 'status: what can''t be read is NULL', rows IS NULL AND chunks IS NULL AND model IS NULL
       AND bytes IS NULL AND progress IS NULL FROM semantic_status WHERE "index" = 'b';
SELECT 'status: and hides nothing else', (SELECT count(*) FROM semantic_status) = 4;
