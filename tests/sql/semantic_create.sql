-- CREATE VIRTUAL TABLE ... USING semantic(...): what may stand there, what is stored, what is
-- refused and how. Every row is a sentence and whether it holds.

-- ---- What is stored ----
CREATE VIRTUAL TABLE plain USING semantic(title, body UNINDEXED);
SELECT 'semantic: the default model is stored by its name, with fingerprint and dimensions',
       (SELECT value FROM plain_config WHERE name = 'model') = 'tiny'
       AND (SELECT value FROM plain_config WHERE name = 'dimensions') = 32
       AND (SELECT value FROM plain_config WHERE name = 'fingerprint') =
           (SELECT fingerprint FROM embed_models WHERE name = 'tiny');
SELECT 'semantic: no path is stored',
       (SELECT count(*) FROM plain_config WHERE value GLOB '*/*') = 0;
SELECT 'semantic: the columns are the user''s and the hidden ones',
       (SELECT group_concat(name, ' ') FROM pragma_table_xinfo('plain')) = 'title body plain k '
       || 'among vector distance rank score chunk_start chunk_length snippet bm25_rank '
       || 'semantic_rank';
SELECT 'semantic: SELECT * gives the user''s columns alone',
       (SELECT group_concat(name, ' ') FROM pragma_table_info('plain')) = 'title body';
CREATE VIRTUAL TABLE IF NOT EXISTS plain USING semantic(nonsense = 1);
SELECT 'semantic: IF NOT EXISTS leaves the index that is there',
       (SELECT count(*) FROM pragma_table_info('plain')) = 2;
CREATE VIRTUAL TABLE chosen USING semantic("my title", 'a ''b', [c d], metric = 'l2',
       quantize=INT8, chunk = "8", overlap=2, late=1, embed='manual', index=flat, cache=1000000,
       fts=1, weights = '1, 0.5', prompt='');
SELECT 'semantic: values are bare or in either quote, names in any',
       (SELECT group_concat(value, '|') FROM (SELECT value FROM chosen_config WHERE name IN
       ('column 0', 'column 1', 'column 2', 'metric', 'quantize', 'chunk', 'overlap', 'late',
       'embed', 'cache', 'fts', 'weights', 'prompt') ORDER BY name)) =
       '1000000|8|my title|a ''b|c d|1|1|1|2|2||1|1.00000000,0.50000000';
CREATE VIRTUAL TABLE bare USING semantic(body, model = '');
SELECT 'semantic: without a model there is neither fingerprint nor length',
       (SELECT value FROM bare_config WHERE name = 'fingerprint') = ''
       AND (SELECT value FROM bare_config WHERE name = 'dimensions') = 0;

-- ---- Schemas ----
-- run
ATTACH ':memory:' AS "o'ther";
CREATE VIRTUAL TABLE "o'ther"."a ""b""" USING semantic(body);
CREATE VIRTUAL TABLE temp.passing USING semantic(body);
SELECT 'semantic: an ATTACHed schema has its own shadow tables',
       (SELECT count(*) FROM "o'ther".sqlite_master WHERE name GLOB 'a "b"_*') >= 5
       AND (SELECT count(*) FROM sqlite_master WHERE name GLOB 'a "b"*') = 0;
SELECT 'semantic: so does temp', (SELECT count(*) FROM temp.sqlite_master
       WHERE name GLOB 'passing_*') >= 5;
DROP TABLE "o'ther"."a ""b""";
DROP TABLE temp.passing;
SELECT 'semantic: DROP takes all of it away', (SELECT count(*) FROM "o'ther".sqlite_master) +
       (SELECT count(*) FROM temp.sqlite_master) = 0;
ALTER TABLE chosen RENAME TO "re""named";
SELECT 'semantic: RENAME takes the shadow tables along', (SELECT count(*) FROM sqlite_master
       WHERE name GLOB 're"named_*') >= 5
       AND (SELECT count(*) FROM sqlite_master WHERE name GLOB 'chosen*') = 0;
INSERT INTO "re""named"("re""named") VALUES('integrity-check');
BEGIN;
ALTER TABLE "re""named" RENAME TO other;
ROLLBACK;
INSERT INTO "re""named"("re""named") VALUES('integrity-check');
DROP TABLE "re""named";

-- ---- What is refused ----
-- error: s: there is no option 'modle': did you mean 'model'? Known: content, content_rowid, model, prompt, metric, quantize, chunk, overlap, late, hybrid, fts, weights, embed, index, cache
CREATE VIRTUAL TABLE s USING semantic(body, modle='tiny');
-- error: s: there is no option 'tokenizer'; known: content, content_rowid, model, prompt, metric, quantize, chunk, overlap, late, hybrid, fts, weights, embed, index, cache
CREATE VIRTUAL TABLE s USING semantic(body, tokenizer='x');
-- error: s: there is no option 'dimensions'; known: content, content_rowid, model, prompt, metric, quantize, chunk, overlap, late, hybrid, fts, weights, embed, index, cache
CREATE VIRTUAL TABLE s USING semantic(body, dimensions=3);
-- error: s: option 'chunk' is there twice
CREATE VIRTUAL TABLE s USING semantic(body, chunk=8, CHUNK=9);
-- error: s: option 'content' is there twice
CREATE VIRTUAL TABLE s USING semantic(body, content='', content='');
-- error: s: metric='manhattan': it must be 'cosine', 'dot' or 'l2'
CREATE VIRTUAL TABLE s USING semantic(body, metric='manhattan');
-- error: s: quantize='float16': it must be 'none', 'int8' or 'bit'
CREATE VIRTUAL TABLE s USING semantic(body, quantize='float16');
-- error: s: late='yes': it must be '0' or '1'
CREATE VIRTUAL TABLE s USING semantic(body, chunk=8, late=yes);
-- error: s: embed='never': it must be 'auto' or 'manual'
CREATE VIRTUAL TABLE s USING semantic(body, embed=never);
-- error: s: index='hnsw': it must be 'flat' or 'ivf'
CREATE VIRTUAL TABLE s USING semantic(body, index=hnsw);
-- error: s: cache='64M': it must be a whole number from -1 to 1125899906842624
CREATE VIRTUAL TABLE s USING semantic(body, cache='64M');
-- error: s: weights='1': there must be two numbers from 0 to 1000000 with at most 8 decimals, not both 0, for meaning and for words, as in weights='1,0.5'
CREATE VIRTUAL TABLE s USING semantic(body, fts=1, weights=1);
-- error: s: weights='0,0': there must be two numbers from 0 to 1000000 with at most 8 decimals, not both 0, for meaning and for words, as in weights='1,0.5'
CREATE VIRTUAL TABLE s USING semantic(body, fts=1, weights='0,0');
-- error: s: weights need hybrid or fts
CREATE VIRTUAL TABLE s USING semantic(body, weights='1,1');
-- error: s: hybrid='f' and fts='1' exclude each other
CREATE VIRTUAL TABLE s USING semantic(body, hybrid=f, fts=1);
-- error: s: fts='1' needs texts, and content='' keeps none
CREATE VIRTUAL TABLE s USING semantic(body, content='', fts=1);
-- error: s: chunk='-3': it must be a whole number from 0 to 1048576
CREATE VIRTUAL TABLE s USING semantic(body, chunk=-3);
-- error: s: chunk='0': it must be at least 1 token
CREATE VIRTUAL TABLE s USING semantic(body, chunk=0);
-- error: s: chunk='200' is more than model 'tiny' reads at once: at most 24 tokens
CREATE VIRTUAL TABLE s USING semantic(body, model='tiny', chunk=200);
-- error: s: a chunk of 2 tokens has no room for text: special tokens and prompt are 2
CREATE VIRTUAL TABLE s USING semantic(body, model='tiny', chunk=2);
CREATE VIRTUAL TABLE s USING semantic(body, model='tiny', chunk=24);
DROP TABLE s;
-- error: s: overlap='9' must be at most half of chunk='8'
CREATE VIRTUAL TABLE s USING semantic(body, chunk=8, overlap=9);
-- error: s: overlap='4' needs chunk, the tokens of a chunk
CREATE VIRTUAL TABLE s USING semantic(body, overlap=4);
-- error: s: late='1' needs chunk, the tokens of a chunk
CREATE VIRTUAL TABLE s USING semantic(body, late=1);
-- error: s: option 'chunk' needs a model, and model='' is none
CREATE VIRTUAL TABLE s USING semantic(body, model='', chunk=8);
-- error: s: option 'chunk' has no value
CREATE VIRTUAL TABLE s USING semantic(body, chunk=);
-- error: s: option 'metric': 'x' behind its value is not understood
CREATE VIRTUAL TABLE s USING semantic(body, metric='dot' x);
-- error: s: an option's name is not quoted: 'metric'
CREATE VIRTUAL TABLE s USING semantic(body, 'metric'=dot);
-- error: s: there is no column: name at least one, as in semantic(body)
CREATE VIRTUAL TABLE s USING semantic;
-- error: s: there is no column: name at least one, as in semantic(body)
CREATE VIRTUAL TABLE s USING semantic(metric=dot);
-- error: s: all columns are UNINDEXED: there is nothing to index
CREATE VIRTUAL TABLE s USING semantic(a UNINDEXED);
-- error: s: column 'BODY' is there twice
CREATE VIRTUAL TABLE s USING semantic(body, BODY);
-- error: s: column 'body': 'TEXT' is not understood; only UNINDEXED may stand behind a column's name
CREATE VIRTUAL TABLE s USING semantic(body TEXT);
-- error: s: a column can't be named 'Distance': every semantic index has a column of that name
CREATE VIRTUAL TABLE s USING semantic(Distance);
-- error: s: column 's' has the name of the table, which is the column for MATCH
CREATE VIRTUAL TABLE s USING semantic(s);
-- error: s: a column can't be named 'rowid': that is the number of the row
CREATE VIRTUAL TABLE s USING semantic(rowid);
-- error: s: a column has an empty name
CREATE VIRTUAL TABLE s USING semantic("");
-- error: s: '(x)' is neither a column nor an option
CREATE VIRTUAL TABLE s USING semantic(body, (x));
-- error: s: content='articles' needs content_rowid, the column that numbers its rows
CREATE VIRTUAL TABLE s USING semantic(body, content='articles');
-- error: s: content_rowid='id' needs content, the table it is a column of
CREATE VIRTUAL TABLE s USING semantic(body, content_rowid='id');
-- error: s: content='s' is the index itself
CREATE VIRTUAL TABLE s USING semantic(body, content=s, content_rowid=id);
-- error: s: no model named 'a/path', and a name with a separator, a leading dot or a control character is not looked for; embed_model(name, path) opens a path
CREATE VIRTUAL TABLE s USING semantic(body, model='a/path');
-- error: s: there is no prompt 'shout'; the model has: query, document
CREATE VIRTUAL TABLE s USING semantic(body, prompt='shout');
SELECT 'semantic: nothing of what was refused is left',
       (SELECT count(*) FROM sqlite_master WHERE name GLOB 's_*' OR name = 's') = 0;

-- ---- A failure in the middle ----
-- run
CREATE TABLE s_pending(x);
BEGIN;
-- error: s: table "s_pending" already exists
CREATE VIRTUAL TABLE s USING semantic(body);
COMMIT;
SELECT 'semantic: a CREATE that fails leaves no shadow table, in a transaction too',
       (SELECT group_concat(name) FROM sqlite_master WHERE name GLOB 's_*') = 's_pending';

-- ---- Damage ----
-- run
UPDATE plain_config SET value = 3 WHERE name = 'generation';
-- run
UPDATE plain_config SET value = value + 1 WHERE name = 'version';
-- error: plain: row 'version' of plain_config is missing or damaged: drop the index and make it anew
INSERT INTO plain(plain) VALUES('sync');
-- run
UPDATE bare_config SET value = 9 WHERE name = 'format';
-- run
UPDATE bare_config SET sum = 5, value = 99 WHERE name = 'version';
-- error: bare: row 'format' of bare_config is missing or damaged: drop the index and make it anew
INSERT INTO bare(bare) VALUES('sync');
DROP TABLE plain;
DROP TABLE bare;
SELECT 'semantic: a damaged index can be dropped', (SELECT count(*) FROM sqlite_master) = 1;
