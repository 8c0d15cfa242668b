-- embed_model_save: a model in a file of its own. Every row is a sentence and whether it holds.

-- run
SELECT embed_model('cased', :tests || '/golden/bert_cased'),
       embed_model('t5', :tests || '/golden/t5');
SELECT 'embed_model_save: gives the size of the file',
       embed_model_save('tiny', :tmp || '/tiny.contextual') > 100000;
SELECT 'embed_model_save: a saved model may be replaced, by another too',
       embed_model_save('tiny', :tmp || '/tiny.contextual') =
       embed_model_save('tiny', :tmp || '/other') AND
       embed_model_save('cased', :tmp || '/other') <>
       embed_model_save('tiny', :tmp || '/tiny.contextual');
SELECT 'embed_model: a saved model is opened by its path, whatever its name',
       embed_model('again', :tmp || '/tiny.contextual') LIKE 'again@%' AND
       embed_model('cased2', :tmp || '/other') LIKE 'cased2@%';
SELECT 'embed: a saved model''s results are those of the model it was saved from',
       embed('the bank', 'again') = embed('the bank', 'tiny') AND
       embed('the bank', 'cased2') = embed('the bank', 'cased') AND
       embed('the bank', 'cased2') <> embed('the bank', 'again');
SELECT 'embed_models: so is all that is known of it, but for path and memory', count(*) = 1 FROM
       (SELECT DISTINCT family, dimensions, layers, heads, max_tokens, vocabulary, parameters,
               quantize, pooling, normalize, similarity, prompts, fingerprint, unused_tensors
          FROM embed_models WHERE name IN ('tiny', 'again'));
SELECT 'embed_models: path is the file', path LIKE '%/tiny.contextual' FROM embed_models
 WHERE name = 'again';
SELECT 'embed_model: a name that stands for the checkpoint may stand for what was saved of it',
       embed_model('tiny', :tmp || '/tiny.contextual') LIKE 'tiny@%';
SELECT 'embed: a pin holds for both', embed('bank', 'again' || substr(p, 5)) = embed('bank', p)
  FROM (SELECT embed_model('tiny', :tests || '/golden/bert') AS p);
SELECT 'tokens: alike in a saved Unigram model', embed_model_save('t5', :tmp || '/t5') > 0 AND
       embed_model('t5s', :tmp || '/t5') IS NOT NULL AND
       (SELECT group_concat(token_id || token) FROM tokens('A river bank, naïvely.', 't5')) =
       (SELECT group_concat(token_id || token) FROM tokens('A river bank, naïvely.', 't5s'));
SELECT 'embed_model_save: what was opened from a saved model can be saved',
       embed_model_save('again', :tmp || '/twice') = embed_model_save('tiny', :tmp || '/once');
SELECT 'embed_model_save: a NULL path gives NULL', embed_model_save('tiny', NULL) IS NULL;
SELECT 'embed_model_save: a NULL name is the default model',
       embed_model_save(NULL, :tmp || '/default') = embed_model_save('tiny', :tmp || '/once');
SELECT 'embed_model: quantize may say what the file has',
       embed_model('q', :tmp || '/once', '{"quantize": "none"}') LIKE 'q@%';

-- ---- What is refused ----
-- error: embed_model_save: no model named '../x', and a name with a separator, a leading dot or a control character is not looked for; embed_model(name, path) opens a path
SELECT embed_model_save('../x', :tmp || '/x');
-- error: embed_model_save: the path can't hold a NUL
SELECT embed_model_save('tiny', :tmp || char(0));
-- error: embed_model_save: argument 2 must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT embed_model_save('tiny', x'00');
-- error: embed_model_save: cannot save to '/': a file's name is missing
SELECT embed_model_save('tiny', '/');
-- error: embed_model_save: cannot save to '': a file's name is missing
SELECT embed_model_save('tiny', '');
-- error: embed_model_save: cannot save to '/etc': it is a folder; give the file a name in it
SELECT embed_model_save('tiny', '/etc');
-- error: embed_model_save: cannot save to '/etc/passwd': it is there already and no saved model, which alone is replaced
SELECT embed_model_save('tiny', '/etc/passwd');
-- error: embed_model_save: cannot save to '/nowhere/tiny': there is no such folder
SELECT embed_model_save('tiny', '/nowhere/tiny');
-- error: embed_model_save: cannot save to '/dev/null': it is there already and no saved model, which alone is replaced
SELECT embed_model_save('tiny', '/dev/null');
CREATE VIEW saving AS SELECT embed_model_save('tiny', 'x') AS bytes;
-- error: unsafe use of embed_model_save()
SELECT * FROM saving;
SELECT 'embed_model_save: ELMo is refused',
       embed_model('elmo', :tests || '/golden/elmo') LIKE 'elmo@%';
-- error: embed_model_save: ELMo can't be saved; it is read from options.json and weights.hdf5
SELECT embed_model_save('elmo', :tmp || '/elmo');
-- error: embed_model_save: tables of whole words (GloVe, word2vec, fastText) can't be saved; their files are read as they are
SELECT embed_model_save((SELECT substr(embed_model('glove', :tests || '/golden/static/glove.txt'), 1, 5)), :tmp || '/glove');
