-- Embeddings of whole texts: embed, embed_try, similarity, token_count, embed_info. Every row is a
-- sentence and whether it holds. The model is the tiny BERT: 32 dimensions, mean pooling,
-- normalised, 24 tokens; the figures are sentence-transformers' own.

-- ---- What embed gives ----
SELECT 'embed: the vector is the one that sentence-transformers gives', l2_distance(
    embed('I deposited money in the bank.'),
    '[-0.103802,-0.07851649,-0.007215318,-0.2579202,0.100401,0.07981131,-0.1434448,
     -0.4221558,0.1451473,0.003198295,-0.1300762,-0.2576394,-0.1025516,-0.1590787,
     -0.02363424,0.01775227,0.1384999,0.3646669,-0.1981962,-0.07470819,-0.03700241,
     0.09800506,0.109311,0.1900492,0.1577487,0.1213734,0.09034532,-0.2600315,0.3856231,
     0.02674105,-0.04735477,0.192469]') < 2e-6;
SELECT 'embed: another text has the reference''s vector too', l2_distance(
    embed('We sat on the bank of the river.'),
    '[-0.24018,-0.1466404,0.01628181,-0.2017049,0.07962678,0.2167909,-0.08919822,
     -0.4025638,0.2207793,0.01707156,-0.1152102,-0.2602767,-0.0557399,-0.1155146,
     -0.05043739,0.03997764,0.0882441,0.2562842,-0.1755918,-0.016474,-0.02547001,
     0.03938091,0.1014172,0.06788428,0.209173,0.08109561,-0.01922157,-0.255704,0.4731577,
     0.06155343,-0.09551699,0.1769814]') < 2e-6;
SELECT 'embed: the empty text has the reference''s vector of no words', l2_distance(
    embed(''),
    '[-0.1516432,-0.01339541,-0.03454776,-0.1752475,0.02479727,0.1550498,-0.04809436,
     -0.2029072,0.1196907,-0.06185814,-0.03599406,-0.3243248,0.01202624,-0.3369626,
     -0.06305517,0.004111102,0.1708756,0.4276183,-0.1380415,-0.11425,0.07593207,
     0.02700053,0.1291273,-0.02813024,0.1905509,0.006805652,0.03606733,-0.1629661,
     0.4715534,-0.03851655,-0.07548577,0.2694086]') < 2e-6;
SELECT 'embed: a float32 BLOB, four bytes for each dimension', typeof(embed('bank')) = 'blob'
       AND length(embed('bank')) = 4 * 32;
SELECT 'embed: this checkpoint gives vectors of length 1',
       abs(dot(embed('bank'), embed('bank')) - 1) < 1e-6;
SELECT 'embed: the same text has the same bits', embed('bank' || ' ' || x) = embed('bank a')
  FROM (SELECT 'a' AS x);
SELECT 'embed: other rows in between change no bit',
       (SELECT count(DISTINCT hex(embed('the ' || w.column1))) FROM
        (VALUES ('bank'), ('river'), ('bank'), ('a loan of money'), ('bank')) AS w) = 3;
SELECT 'embed: case makes no difference to an uncased model',
       embed('THE BANK') = embed('the bank');
SELECT 'embed: the model may be named', embed('bank', 'tiny') = embed('bank');
SELECT 'embed: NULL as model is the default, NULL as options is none',
       embed('bank', NULL, NULL) = embed('bank');

-- ---- What embed takes ----
SELECT 'embed: NULL gives NULL', embed(NULL) IS NULL;
SELECT 'embed: NULL gives NULL before the model is looked for',
       embed(NULL, 'nosuch', '{"no": 1}') IS NULL;
SELECT 'embed: a number is the text that SQLite makes of it', embed(42) = embed('42');
SELECT 'embed: a real number too', embed(1.5) = embed('1.5');
SELECT 'embed: text after a NUL character counts',
       embed('bank' || char(0) || ' river') <> embed('bank')
       AND token_count('a' || char(0) || 'a') >= token_count('a');
SELECT 'embed: an ill-formed byte reads as U+FFFD',
       embed(CAST(x'62616e6b20ff' AS TEXT)) = embed('bank ' || char(0xFFFD));
SELECT 'embed: a surrogate in UTF-8 reads as three U+FFFD',
       embed(CAST(x'61eda08061' AS TEXT)) =
       embed('a' || char(0xFFFD) || char(0xFFFD) || char(0xFFFD) || 'a');
-- error: embed: argument 1 must be TEXT: got BLOB of 2 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT embed(x'00ff');
-- error: embed: argument 1 must be TEXT: got BLOB of 0 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT embed(x'');
-- error: wrong number of arguments to function embed()
SELECT embed();
-- error: wrong number of arguments to function embed()
SELECT embed('a', 'tiny', '{}', 1);
-- error: embed: the options argument must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT embed('a', 'tiny', x'00');

-- ---- Recent results ----
-- run
CREATE TEMP TABLE first AS SELECT embed('the first of many') AS e;
SELECT 'embed: many long texts in a row each have their own vector', count(DISTINCT e) = 100
  FROM (WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i LIMIT 100)
        SELECT embed(replace(printf('%*s', n % 20 + 1, ' '), ' ', 'a ') || 'bank ' ||
                     char(97 + n / 20) || ' ' || printf('%.100000c', 'x')) AS e FROM i);
SELECT 'embed: what was forgotten meanwhile is computed again, bit for bit',
       embed('the first of many') = e FROM first;

-- ---- Options ----
SELECT 'embed: an empty object changes nothing', embed('bank', 'tiny', '{}') = embed('bank');
SELECT 'embed: white space around the object is fine',
       embed('bank', 'tiny', char(10) || ' { } ') = embed('bank');
SELECT 'embed: null stands for what is not given', embed('bank', 'tiny',
       json_object('prompt', NULL, 'dimensions', NULL)) = embed('bank');
SELECT 'embed: a plain word is the name of a prompt',
       embed('bank', 'tiny', 'query') = embed('bank', 'tiny', '{"prompt": "query"}');
SELECT 'embed: dimensions keeps the first ones and normalises again',
       embed('bank', 'tiny', '{"dimensions": 8}') =
       vector_normalize(vector_slice(embed('bank'), 0, 8))
       AND length(embed('bank', 'tiny', '{"dimensions": 8}')) = 32;
SELECT 'embed: options of one call do not stick', length(embed('bank')) = 128;
SELECT 'embed: normalize false leaves the pooled vector as it is',
       abs(dot(embed('bank', 'tiny', '{"normalize": false}'),
               embed('bank', 'tiny', '{"normalize": false}')) - 1) > 1e-3;
SELECT 'embed: normalize only scales',
       cosine(embed('bank', 'tiny', '{"normalize": false}'), embed('bank')) > 0.999999;
SELECT 'embed: 1 and 0 are SQL''s booleans', embed('bank', 'tiny', json_object('normalize', 1)) =
       embed('bank', 'tiny', '{"normalize": true}');
SELECT 'embed: pooling cls is the first token''s vector',
       cosine(embed('the bank', 'tiny', '{"pooling": "cls"}'),
              (SELECT vector FROM hidden_states('the bank', 'tiny')
                WHERE layer = 2 AND position = 0)) > 0.999999;
SELECT 'embed: poolings joined by + are concatenated',
       length(embed('bank', 'tiny', '{"pooling": "cls+mean"}')) = 2 * 128;
SELECT 'embed: layer pools another hidden state',
       cosine(embed('bank', 'tiny', '{"layer": 0}'), embed('bank')) < 0.99;
SELECT 'embed: the last layer is the default, by either number',
       embed('bank', 'tiny', '{"layer": -1}') = embed('bank')
       AND embed('bank', 'tiny', '{"layer": 2}') = embed('bank');
SELECT 'embed: type int8 gives a byte for each dimension',
       length(embed('bank', 'tiny', '{"type": "int8"}')) = 32;
SELECT 'embed: type bit gives a bit for each dimension',
       length(embed('bank', 'tiny', '{"type": "bit"}')) = 4;
SELECT 'embed: type bit is what vector_quantize gives',
       embed('bank', 'tiny', '{"type": "bit"}') = vector_quantize(embed('bank'), 'bit');
-- error: embed: unknown option 'modle'; options: prompt, pooling, normalize, dimensions, layer, truncate, type
SELECT embed('a', 'tiny', '{"modle": 1}');
-- error: embed: unknown option 'occurrence'; options: prompt, pooling, normalize, dimensions, layer, truncate, type
SELECT embed('a', 'tiny', '{"occurrence": 1}');
-- error: embed: option 'dimensions' must be an integer of at least 1: got 0
SELECT embed('a', 'tiny', '{"dimensions": 0}');
-- error: embed: option 'dimensions' must be an integer of at least 1: got "8"
SELECT embed('a', 'tiny', '{"dimensions": "8"}');
-- error: embed: option 'dimensions' must be an integer of at least 1: got 2147483648
SELECT embed('a', 'tiny', '{"dimensions": 2147483648}');
-- error: embed: option 'normalize' must be true or false: got 2
SELECT embed('a', 'tiny', '{"normalize": 2}');
-- error: embed: option 'normalize' must be true or false: got "yes"
SELECT embed('a', 'tiny', '{"normalize": "yes"}');
-- error: embed: option 'layer' must be an integer: got 1.5
SELECT embed('a', 'tiny', '{"layer": 1.5}');
-- error: embed: option 'truncate' must be end, start, error or mean: got "none"
SELECT embed('a', 'tiny', '{"truncate": "none"}');
-- error: embed: option 'type' must be float32, int8 or bit: got "float64"
SELECT embed('a', 'tiny', '{"type": "float64"}');
-- error: embed: option 'type' must be float32, int8 or bit: got ["int8"]
SELECT embed('a', 'tiny', '{"type": ["int8"]}');
-- error: embed: option 'prompt' must be the name of a prompt: got 3
SELECT embed('a', 'tiny', '{"prompt": 3}');
-- error: embed: type 'bit' needs a multiple of 8 dimensions: this embedding has 12
SELECT embed('a', 'tiny', '{"type": "bit", "dimensions": 12}');
-- error: embed: options: not valid JSON at byte 7: string or '}' expected near end of file
SELECT embed('a', 'tiny', '{"a":1,');
-- error: embed: options: not valid JSON at byte 20: duplicate object key near '"layer"'
SELECT embed('a', 'tiny', '{"layer": 1, "layer": 2}');
-- error: embed: options: not valid JSON at byte 4: end of file expected near 'x'
SELECT embed('a', 'tiny', '{} x');

-- error: embed: dimensions is 33, must be 1 to 32
SELECT embed('a', 'tiny', '{"dimensions": 33}');
-- error: embed: layer 3 is out of range: the model has layers 0 to 2, or -1 to -3 from the end
SELECT embed('a', 'tiny', '{"layer": 3}');
-- error: embed: option 'pooling' must be one of cls, max, mean, mean_sqrt_len, weightedmean, lasttoken, or several joined by '+': got "median"
SELECT embed('a', 'tiny', '{"pooling": "median"}');
-- error: embed: there is no prompt 'passage'; the model has: query, document
SELECT embed('a', 'tiny', 'passage');
-- error: embed: there is no prompt 'passage'; the model has: query, document
SELECT embed('a', 'tiny', '{"prompt": "passage"}');
-- error: embed: the text has 102 tokens, the model reads 24 (special tokens included)
SELECT embed(replace(printf('%100s', ' '), ' ', ' bank'), 'tiny', '{"truncate": "error"}');

-- ---- Prompts ----
SELECT 'embed_model: a checkpoint with prompts, of which passage is the default',
       embed_model('prompted', :tests || '/golden/bert_prompt') LIKE 'prompted@%';
SELECT 'embed: without an option, the default prompt is used',
       embed('we lend money', 'prompted') = embed('we lend money', 'prompted', 'passage');
SELECT 'embed: a prompt is text put in front',
       embed('we lend money', 'prompted', 'none') <> embed('we lend money', 'prompted')
       AND embed('we lend money', 'prompted', 'query') <> embed('we lend money', 'prompted');
SELECT 'embed: document falls back to passage',
       embed('we lend money', 'prompted', 'document') =
       embed('we lend money', 'prompted', 'passage');
SELECT 'embed: an empty prompt is no prompt, also where there is a default',
       embed('we lend money', 'prompted', '') = embed('we lend money', 'prompted', 'none')
       AND embed('we lend money', 'prompted', '{"prompt": ""}') =
           embed('we lend money', 'prompted', 'none');
SELECT 'embed: a prompt of one call does not stick',
       embed('we lend money', 'prompted') = embed('we lend money', 'prompted', 'passage');
SELECT 'embed_info: counts the prompt that embed puts in front, token_count does not',
       json_extract(embed_info('we lend money', 'prompted'), '$.tokens') >
       token_count('we lend money', 'prompted');

-- ---- Long texts ----
SELECT 'embed: beyond the model''s length the end is cut',
       embed('bank' || replace(printf('%22s', ' '), ' ', ' bank') || ' river and loan') =
       embed('bank' || replace(printf('%22s', ' '), ' ', ' bank') || ' money and water');
SELECT 'embed: truncate start keeps the end instead',
       embed('river ' || replace(printf('%30s', ' '), ' ', ' bank'), 'tiny',
             '{"truncate": "start"}') =
       embed('money ' || replace(printf('%30s', ' '), ' ', ' bank'), 'tiny',
             '{"truncate": "start"}');
SELECT 'embed: truncate mean reads all of the text',
       embed(replace(printf('%30s', ' '), ' ', ' bank') || ' river', 'tiny',
             '{"truncate": "mean"}') <>
       embed(replace(printf('%30s', ' '), ' ', ' bank') || ' money', 'tiny',
             '{"truncate": "mean"}');
SELECT 'embed: a text that fits is the same whatever truncate says',
       embed('the bank', 'tiny', '{"truncate": "error"}') = embed('the bank')
       AND embed('the bank', 'tiny', '{"truncate": "mean"}') = embed('the bank')
       AND embed('the bank', 'tiny', '{"truncate": "start"}') = embed('the bank');

-- ---- embed_try ----
SELECT 'embed_try: the same vector as embed', embed_try('bank') = embed('bank')
       AND embed_try('bank', 'tiny', '{"dimensions": 8}') =
           embed('bank', 'tiny', '{"dimensions": 8}');
SELECT 'embed_try: NULL for what is no text', embed_try(x'00') IS NULL;
SELECT 'embed_try: NULL for a model that nobody knows', embed_try('a', 'nosuch') IS NULL;
SELECT 'embed_try: NULL for options that make no sense',
       embed_try('a', 'tiny', '{"dimensions": 0}') IS NULL;
SELECT 'embed_try: NULL for a text too long, where that is an error', embed_try(
       replace(printf('%100s', ' '), ' ', ' bank'), 'tiny', '{"truncate": "error"}') IS NULL;
SELECT 'embed_try: NULL gives NULL', embed_try(NULL) IS NULL;

-- ---- similarity ----
SELECT 'similarity: a text is entirely like itself', abs(similarity('a bank', 'a bank') - 1) < 1e-6;
SELECT 'similarity: the cosine of the two embeddings',
       similarity('the bank', 'a river') = cosine(embed('the bank'), embed('a river'));
SELECT 'similarity: cached or not makes no difference', count(DISTINCT x) = 1 FROM
       (SELECT similarity('the old bank', 'a new river') AS x UNION ALL
        SELECT similarity('the old bank', 'a new river') UNION ALL
        SELECT similarity('a new river', 'the old bank'));
SELECT 'similarity: NULL on either side gives NULL',
       similarity(NULL, 'a') IS NULL AND similarity('a', NULL) IS NULL;
SELECT 'similarity: the model may be named',
       similarity('a', 'bank', 'tiny') = similarity('a', 'bank');
-- error: similarity: argument 2 must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT similarity('a', x'61');

-- ---- token_count, embed_info ----
SELECT 'token_count: special tokens count', token_count('') = 2 AND token_count('the bank') = 4;
SELECT 'token_count: all of a long text, cut or not',
       token_count(replace(printf('%100s', ' '), ' ', ' bank')) = 102;
SELECT 'token_count: NULL gives NULL', token_count(NULL) IS NULL;
SELECT 'token_count: as many as tokens has rows',
       token_count('An apple is a fruit.') = (SELECT count(*) FROM tokens('An apple is a fruit.'));
SELECT 'embed_info: what fits is kept whole', embed_info('the bank') LIKE
       '{"tokens":4,"kept":4,"truncated":false,"max_tokens":24,"model":"tiny@________"}';
SELECT 'embed_info: what is cut shows', json_extract(i, '$.tokens') = 102
       AND json_extract(i, '$.kept') = 24 AND json_extract(i, '$.truncated')
  FROM (SELECT embed_info(replace(printf('%100s', ' '), ' ', ' bank'), 'tiny') AS i);
SELECT 'embed_info: its model is a name that embed takes',
       embed('bank', json_extract(embed_info('bank'), '$.model')) = embed('bank');
SELECT 'embed_info: SQLite''s JSON functions take it as JSON',
       json_extract(json_object('i', embed_info('the bank')), '$.i.kept') = 4;
SELECT 'embed_info: NULL gives NULL', embed_info(NULL) IS NULL;
