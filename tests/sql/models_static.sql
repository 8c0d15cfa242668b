-- model: none
-- Word vectors, model2vec and StaticEmbedding: models of zero layers; and ELMo. Every row is a
-- sentence and whether it holds.

-- run
SELECT embed_model('glove', :tests || '/golden/static/glove.txt');
-- run
SELECT embed_model('vec', :tests || '/golden/static/fasttext.vec');
-- run
SELECT embed_model('w2v', :tests || '/golden/static/word2vec.bin');
-- run
SELECT embed_model('plain', :tests || '/golden/static/word2vec_nonewline.bin');
-- run
SELECT embed_model('fast', :tests || '/golden/static/fasttext.bin');
-- run
SELECT embed_model('m2v', :tests || '/golden/model2vec');
-- run
SELECT embed_model('elmo', :tests || '/golden/elmo');

SELECT 'embed_models: word vectors are a family of zero layers',
       (SELECT group_concat(DISTINCT family || layers || heads || dimensions || pooling)
          FROM embed_models WHERE name IN ('glove', 'vec', 'w2v', 'plain')) = 'static0012mean';
SELECT 'embed_models: words that have rows are counted, no length is a limit',
       vocabulary = 72 AND max_tokens IS NULL AND parameters = 72 * 12
  FROM embed_models WHERE name = 'glove';
SELECT 'embed_models: a model that reads letters has no vocabulary', vocabulary IS NULL
  FROM embed_models WHERE name = 'elmo';
SELECT 'embed_models: the same vectors in another spelling are another file',
       count(DISTINCT fingerprint) = 2 FROM embed_models WHERE name IN ('w2v', 'plain');

SELECT 'static_embedding: both binary forms and the text have one vector',
       static_embedding('bank', 'w2v') = static_embedding('bank', 'plain')
       AND l2_distance(static_embedding('bank', 'w2v'), static_embedding('bank', 'glove')) < 1e-4;
SELECT 'static_embedding: words with spaces and joined words are found as they are',
       static_embedding('. . .', 'glove') IS NOT NULL
       AND static_embedding('New_York', 'glove') IS NOT NULL
       AND cosine(static_embedding('. . .', 'w2v'), static_embedding('.', 'w2v')) > .9999;
SELECT 'static_embedding: lower case is tried where the word is not known as it is written',
       static_embedding('RIVER', 'glove') = static_embedding('river', 'glove')
       AND static_embedding('BANK', 'glove') <> static_embedding('bank', 'glove');
SELECT 'static_embedding: NULL for a word that is not there', static_embedding('zzz', 'glove') IS NULL;
SELECT 'static_embedding: with sub-words every word has a vector',
       vector_length(static_embedding('bankomat', 'fast')) = 6
       AND static_embedding('bankomat', 'fast') <> static_embedding('bankomats', 'fast');

SELECT 'embed: the mean of the known words', l2_distance(embed('The zzz river!', 'vec'),
       vector_scale(vector_add(static_embedding('the', 'vec'), static_embedding('river', 'vec')), .5))
       < 1e-5;
-- error: embed: none of the text's words has a vector, so there is nothing to embed
SELECT embed('zzz qqq', 'glove');
SELECT 'embed_try: NULL where no word is known', embed_try('zzz qqq', 'glove') IS NULL;
SELECT 'embed: a text without tokens is the zero vector for model2vec, as there',
       l1_distance(embed('', 'm2v'), embed('  ', 'm2v')) = 0 AND dot(embed('', 'm2v'), embed('bank', 'm2v')) = 0;

SELECT 'tokens: words, their rows and their places', (SELECT
       group_concat(token || ':' || token_id || ':' || start || ':' || length, ' ')
       FROM tokens('The bank, naïve 1,000 zzz New_York', 'glove')) =
       'the:0:1:3 bank:2:5:4 ,:9:9:1 naïve:13:11:5 1,000:21:17:5 New_York:22:27:8';
SELECT 'tokens: a word made of sub-words alone has no id and its own text', (SELECT
       group_concat(token || ':' || coalesce(token_id, 'none'), ' ')
       FROM tokens('the Bankomat', 'fast')) LIKE 'the:% Bankomat:none';
SELECT 'hidden_states: layer 0 alone', (SELECT group_concat(layer || token, ' ')
       FROM hidden_states('the bank', 'glove')) = '0the 0bank';
SELECT 'hidden_states: a row is the word''s vector', vector = static_embedding('bank', 'glove')
  FROM hidden_states('the bank', 'glove') WHERE position = 1;
SELECT 'token_embedding: the word where it stands',
       token_embedding('the Bank, the river', 'river', -1, 'glove') = static_embedding('river', 'glove')
       AND token_embedding('the RIVER', 'river', -1, 'glove') = static_embedding('river', 'glove');
-- error: attention: the model 'glove' has no attention: it is a table of vectors, one for each token
SELECT * FROM attention('the bank', 'glove');
-- error: attention: the model 'elmo' has no attention: its layers read tokens one after another
SELECT * FROM attention('the bank', 'elmo');
-- error: lm_head: the checkpoint has no language-model head: of the family 'static' none is known
SELECT * FROM lm_head('the bank', 'glove');
-- error: hidden_states: layer 1 is out of range: the model has layers 0 to 0, or -1 to -1 from the end
SELECT * FROM hidden_states('the bank', 'glove', '{"layer": 1}');

SELECT 'elmo: three layers, words as white space parts them', (SELECT
       group_concat(layer || token || coalesce(token_id, ''), ' ')
       FROM hidden_states('the bank.', 'elmo')) = '0the 0bank. 1the 1bank. 2the 2bank.';
SELECT 'elmo: an embedding is the mean of words and layers', l2_distance(embed('the bank', 'elmo'),
       (SELECT vector_avg(vector) FROM hidden_states('the bank', 'elmo'))) < 1e-5;
SELECT 'elmo: the same word in another sentence is another vector',
       token_embedding('the bank lent money', 'bank', -1, 'elmo') <>
       token_embedding('the river bank', 'bank', -1, 'elmo')
       AND token_embedding('the bank lent money', 'bank', 0, 'elmo') =
       token_embedding('the river bank', 'bank', 0, 'elmo');
-- error: embed_model: golden.json is no file of word vectors (GloVe's, word2vec's or fastText's); other models are files NAME.gguf or folders with config.json, model.safetensors and tokenizer.json
SELECT embed_model('x', :tests || '/golden/static/golden.json');
