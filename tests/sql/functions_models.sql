-- Models by name: embed_model, embed_model_default, embed_model_drop, pins, contextual_....
-- Every row is a sentence and whether it holds.
-- model: none

-- ---- Binding a name ----
SELECT 'embed_model: gives the name with its pin',
       embed_model('a', :tests || '/golden/bert') GLOB 'a@[0-9a-f][0-9a-f][0-9a-f]*'
       AND length(embed_model('a', :tests || '/golden/bert')) = 10;
SELECT 'embed_model: the same checkpoint again is welcome',
       embed_model('a', :tests || '/golden/../golden/bert') IS NOT NULL;
SELECT 'embed_model: a second name for one checkpoint',
       embed_model('b', :tests || '/golden/bert', '{"quantize": "none"}') LIKE 'b@%'
       AND embed('bank', 'b') = embed('bank', 'a');
SELECT 'embed_model: quantize int8 and bf16 are other models of the same checkpoint',
       embed_model('b8', :tests || '/golden/bert', '{"quantize": "int8"}') LIKE 'b8@%'
       AND embed_model('b16', :tests || '/golden/bert', '{"quantize": "bf16"}') LIKE 'b16@%'
       AND (SELECT count(DISTINCT fingerprint) FROM embed_models
             WHERE name IN ('a', 'b8', 'b16')) = 3;
SELECT 'embed_models: says in which number type', group_concat(quantize) = 'none,bf16,int8'
  FROM (SELECT quantize FROM embed_models WHERE name IN ('a', 'b8', 'b16') ORDER BY bytes DESC);
SELECT 'embed_model: int8 and bf16 embed nearly as float32 does',
       cosine(embed('the bank', 'a'), embed('the bank', 'b8')) BETWEEN 0.99 AND 0.9999999
       AND cosine(embed('the bank', 'a'), embed('the bank', 'b16')) BETWEEN 0.999 AND 0.99999999;
SELECT 'hidden_states, attention: see what an int8 model sees',
       (SELECT count(*) FROM hidden_states('the bank', 'b8'))
       = (SELECT count(*) FROM hidden_states('the bank', 'a'))
       AND (SELECT min(s) > 0.9999 AND max(s) < 1.0001 FROM (SELECT sum(weight) AS s FROM
            attention('the bank', 'b8') GROUP BY layer, head, from_position));
SELECT 'embed_model: a name stays what it is until it is dropped',
       embed_model_drop('b8') = 'b8' AND embed_model_drop('b16') = 'b16';
SELECT 'embed_model: a NULL name or path gives NULL',
       embed_model(NULL, :tests || '/golden/bert') IS NULL AND embed_model('c', NULL) IS NULL;
SELECT 'embed_model: another checkpoint under another name',
       embed_model('cased', :tests || '/golden/bert_cased') LIKE 'cased@%'
       AND embed('bank', 'cased') <> embed('bank', 'a');
SELECT 'embed_models: the three names stand there', group_concat(name) = 'a,b,cased' FROM
       (SELECT name FROM embed_models WHERE name IN ('a', 'b', 'cased') ORDER BY name);
-- error: embed_model: a model's name has 1 to 255 bytes, no control characters and no '@' (which pins a fingerprint): got ''
SELECT embed_model('', :tests || '/golden/bert');
-- error: embed_model: a model's name has 1 to 255 bytes, no control characters and no '@' (which pins a fingerprint): got 'a@b'
SELECT embed_model('a@b', :tests || '/golden/bert');
-- error: embed_model: the model's name can't hold a NUL
SELECT embed_model('a' || char(0), :tests || '/golden/bert');
-- error: embed_model: the path can't hold a NUL
SELECT embed_model('c', :tests || char(0));
-- error: embed_model: the path must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT embed_model('c', x'00');
-- error: embed_model: option 'quantize' must be none, bf16 or int8: got "int4"
SELECT embed_model('c', :tests || '/golden/bert', '{"quantize": "int4"}');
-- error: embed_model: unknown option 'device'; options: quantize
SELECT embed_model('c', :tests || '/golden/bert', '{"device": "gpu"}');
-- error: embed_model: options must be a JSON object: got 'int8'
SELECT embed_model('c', :tests || '/golden/bert', 'int8');
-- error: embed_model: cannot open '/nowhere': there is no such folder or file
SELECT embed_model('c', '/nowhere');
-- error: embed_model: '/etc' has no config.json; a checkpoint is a folder with config.json, model.safetensors and tokenizer.json, a GGUF file, a saved model or a file of word vectors
SELECT embed_model('c', '/etc');

-- ---- A name that is in use ----
-- run
CREATE TABLE pins AS SELECT embed_model('a', :tests || '/golden/bert') AS a,
                            embed_model('cased', :tests || '/golden/bert_cased') AS cased;
-- run
CREATE TABLE before AS SELECT embed('bank', 'a') AS e;
SELECT 'embed_try: a pin that is another model''s is an error, so NULL',
       embed_try('bank', 'a' || substr(cased, 6)) IS NULL FROM pins;
SELECT 'embed: the right pin is the model', embed('bank', pins.a) = embed('bank', 'a') FROM pins;
SELECT 'embed: capital letters in a pin are the same digits',
       embed('bank', 'a' || upper(substr(pins.a, 2))) = embed('bank', 'a') FROM pins;
-- error: embed: 'a@123': '@' must be followed by 8 to 32 hex digits of the model's fingerprint
SELECT embed('bank', 'a@123');
-- error: embed: 'a@': '@' must be followed by 8 to 32 hex digits of the model's fingerprint
SELECT embed('bank', 'a@');
-- error: embed: 'a@1234567g': '@' must be followed by 8 to 32 hex digits of the model's fingerprint
SELECT embed('bank', 'a@1234567g');
SELECT 'embed_model_drop: gives the name', embed_model_drop('b') = 'b';
SELECT 'embed_model: a dropped name may stand for another checkpoint',
       embed_model('b', :tests || '/golden/bert_cased') LIKE 'b@%'
       AND embed('bank', 'b') = embed('bank', 'cased');
SELECT 'embed_model_drop: the model of another name is left alone',
       embed_model_drop('b') = 'b' AND embed('bank', 'cased') IS NOT NULL;
-- error: embed_model_drop: no model named 'b' is open on this connection; open: a, cased
SELECT embed_model_drop('b');
SELECT 'embed_model_drop: NULL gives NULL', embed_model_drop(NULL) IS NULL;

-- ---- The default ----
SELECT 'embed_model_default: gives the name', embed_model_default('cased') = 'cased';
SELECT 'embed: the default is the model that was chosen',
       embed('bank') = embed('bank', 'cased') AND embed('bank', NULL) = embed('bank', 'cased');
SELECT 'embed_models: it shows which one', group_concat(name) = 'cased' FROM embed_models
 WHERE is_default;
SELECT 'embed_model_default: a pinned name is fine', embed_model_default(a) = a FROM pins;
SELECT 'embed: and is then the default', embed('bank') = (SELECT e FROM before);
SELECT 'embed_model_default: NULL goes back to the default of the environment',
       embed_model_default(NULL) IS NULL;
SELECT 'embed_models: no name of ours is the default then', count(*) = 0 FROM embed_models
 WHERE is_default AND name IN ('a', 'cased');

-- ---- Names are no paths ----
-- error: embed: no model named '../a', and a name with a separator, a leading dot or a control character is not looked for; embed_model(name, path) opens a path
SELECT embed('bank', '../a');
-- error: embed: no model named '.hidden', and a name with a separator, a leading dot or a control character is not looked for; embed_model(name, path) opens a path
SELECT embed('bank', '.hidden');
-- error: embed: no model named 'a\b', and a name with a separator, a leading dot or a control character is not looked for; embed_model(name, path) opens a path
SELECT embed('bank', 'a\b');
-- error: embed: a model's name can't hold a NUL
SELECT embed('bank', 'a' || char(0));
-- error: embed: the model's name must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT embed('bank', x'61');

-- ---- Letting go ----
SELECT 'contextual_release: what a name holds stays', contextual_release() >= 0
       AND embed('bank', 'a') = (SELECT e FROM before);
SELECT 'embed_model_drop: while a name is held by nobody, nothing is known of it',
       embed_model_drop('cased') = 'cased' AND embed_try('bank', 'cased') IS NULL;

-- ---- The process ----
SELECT 'contextual_version: three numbers', contextual_version() GLOB '[0-9]*.[0-9]*.[0-9]*';
SELECT 'contextual_info: a JSON object that says what runs here',
       json_type(i, '$.version') = 'text' AND json_type(i, '$.sqlite') = 'text'
       AND json_type(i, '$.cpu') = 'text' AND json_type(i, '$.blas') = 'text'
       AND json_array_length(i, '$.kernels') > 0 AND json_extract(i, '$.threads') >= 1
       AND json_extract(i, '$.threads_running') >= 0
  FROM (SELECT contextual_info() AS i);
SELECT 'contextual_info: the kernel in use is one of the kernels',
       json_extract(i, '$.kernel') IN (SELECT value FROM json_each(i, '$.kernels'))
  FROM (SELECT contextual_info() AS i);
SELECT 'contextual_info: the SQLite that runs', json_extract(contextual_info(), '$.sqlite') =
       sqlite_version();
