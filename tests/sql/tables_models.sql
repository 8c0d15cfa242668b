-- The table embed_models. Every row is a sentence and whether it holds.

SELECT 'embed_models: SELECT * gives these columns',
       (SELECT group_concat(name) FROM pragma_table_xinfo('embed_models') WHERE hidden = 0) =
       'name,loaded,family,dimensions,layers,heads,max_tokens,vocabulary,parameters,bytes,' ||
       'quantize,pooling,normalize,similarity,prompts,fingerprint,path,is_default,unused_tensors';
SELECT 'embed_models: what is known of the model in use',
       loaded = 1 AND family = 'bert' AND dimensions = 32 AND layers = 2 AND heads = 4
       AND max_tokens = 24 AND vocabulary = 588 AND quantize = 'none' AND pooling = 'mean'
       AND normalize = 1 AND similarity = 'cosine' AND is_default = 1
  FROM embed_models WHERE name = 'tiny';
SELECT 'embed_models: parameters and bytes are counted', parameters > 10000
       AND bytes >= 4 * parameters FROM embed_models WHERE name = 'tiny';
SELECT 'embed_models: prompts and unused tensors are JSON', json_type(prompts) = 'object'
       AND json_type(unused_tensors) = 'array' FROM embed_models WHERE name = 'tiny';
SELECT 'embed_models: the fingerprint has 32 hex digits', length(fingerprint) = 32
       AND fingerprint NOT GLOB '*[^0-9a-f]*' FROM embed_models WHERE name = 'tiny';
SELECT 'embed_models: path is the checkpoint''s folder', path GLOB '*/golden/bert'
  FROM embed_models WHERE name = 'tiny';
-- run
SELECT embed_model('second', :tests || '/golden/bert_cased');
SELECT 'embed_models: a second name is a second row, not the default',
       (SELECT count(*) FROM embed_models WHERE loaded) = 2
       AND (SELECT is_default FROM embed_models WHERE name = 'second') = 0
       AND (SELECT name FROM embed_models WHERE is_default) = 'tiny';
SELECT 'embed_models: joined with a table that takes a model', (SELECT group_concat(m.name || n) FROM
       (SELECT m.name, count(*) AS n FROM embed_models m, tokens('the bank', m.name) WHERE loaded
         GROUP BY m.name ORDER BY m.name) m) = 'second4,tiny4';
-- run
SELECT embed_model_drop('second');
SELECT 'embed_models: a name that was dropped is gone',
       (SELECT count(*) FROM embed_models WHERE name = 'second') = 0;
CREATE VIEW known AS SELECT * FROM embed_models;
-- error: unsafe use of virtual table "embed_models"
SELECT * FROM known;
