-- The table lm_head: what a checkpoint's language-model head expects at each token. Every row is a
-- sentence and whether it holds. The model is the tiny BERT, saved as BertForMaskedLM; the figures
-- are those of transformers.

-- ---- Rows and columns ----
SELECT 'lm_head: SELECT * gives these columns',
       (SELECT group_concat(name) FROM pragma_table_xinfo('lm_head') WHERE hidden = 0) =
       'position,token,token_id,word,start,length,special,logprob,rank,entropy,top';
SELECT 'lm_head: a row for each token, in their order',
       (SELECT group_concat(position || token, ' ') FROM lm_head('the bank')) =
       '0[CLS] 1the 2bank 3[SEP]';
SELECT 'lm_head: the token columns are those of tokens',
       (SELECT count(*) FROM tokens('Café at the bank') t JOIN lm_head('Café at the bank') h
          ON h.position = t.position AND h.token = t.token AND h.token_id = t.token_id
         AND h.word IS t.word AND h.start IS t.start AND h.length IS t.length
         AND h.special = t.special) = (SELECT count(*) FROM tokens('Café at the bank'));

-- ---- Figures ----
CREATE TABLE guess AS
  SELECT * FROM lm_head('The [MASK] approved the loan for the [MASK].', NULL, '{"top": 588}');
SELECT 'lm_head: logprob is transformers'' log-softmax',
       (SELECT max(abs(g.logprob - r.value)) FROM guess g JOIN json_each(
         '[-6.290618, -12.500098, -8.458093, -21.597477, -14.061427, -6.547521, -10.840369,
           -14.828331, -7.103496, -16.299603, -14.220143]') r ON r.key = g.position) < 1e-4;
SELECT 'lm_head: top has the token, its id and its logprob, the most likely first',
       (SELECT group_concat(json_extract(top, '$[0].token') || json_extract(top, '$[0].token_id'), ' ')
          FROM guess WHERE token = '[MASK]') = '##to495 ##to495'
       AND (SELECT max(abs(json_extract(top, '$[1].logprob') - -1.17607) < 1e-4) FROM guess
             WHERE position = 2)
       AND (SELECT min(json_extract(a.value, '$.logprob') >= json_extract(b.value, '$.logprob'))
              FROM guess, json_each(top) a JOIN json_each(top) b ON b.key = a.key + 1
             WHERE position = 8);
SELECT 'lm_head: rank is the token''s place in top', (SELECT count(*) FROM guess
         WHERE json_extract(top, '$[' || (rank - 1) || '].token_id') = token_id) = 11;
SELECT 'lm_head: logprob is the token''s in top', (SELECT count(*) FROM guess
         WHERE abs(json_extract(top, '$[' || (rank - 1) || '].logprob') - logprob) < 1e-6) = 11;
SELECT 'lm_head: top says nothing of tokens that are not there', (SELECT count(*) FROM guess
         WHERE json_array_length(top) = 588) = 11;
SELECT 'lm_head: entropy is between 0 and that of 588 equal chances',
       (SELECT min(entropy > 0 AND entropy < 6.377) FROM guess);

-- ---- Options ----
SELECT 'lm_head: five of the most likely without option top',
       (SELECT min(json_array_length(top)) || max(json_array_length(top)) FROM lm_head('bank')) = '55';
SELECT 'lm_head: top 1', (SELECT max(json_array_length(top)) FROM lm_head('bank', NULL, '{"top": 1}')) = 1;
SELECT 'lm_head: top 0', (SELECT max(top) FROM lm_head('bank', NULL, '{"top": 0}')) = '[]';
SELECT 'lm_head: top 1000 of 588', (SELECT json_array_length(top) FROM lm_head('bank', 'tiny',
        '{"top": 1000}') LIMIT 1) = 588;
-- error: lm_head: option 'top' must be an integer, 0 ... 1000: got 1001
SELECT * FROM lm_head('bank', NULL, '{"top": 1001}');
-- error: lm_head: option 'top' must be an integer, 0 ... 1000: got -1
SELECT * FROM lm_head('bank', NULL, '{"top": -1}');
-- error: lm_head: unknown option 'layer'; options: prompt, truncate, top
SELECT * FROM lm_head('bank', NULL, '{"layer": 1}');
-- error: lm_head: option 'truncate' must be end, start or error: got "mean"
SELECT * FROM lm_head('bank', NULL, '{"truncate": "mean"}');

-- ---- Constraints and joins ----
SELECT 'lm_head: a place alone has the numbers that it has among all',
       (SELECT logprob || top FROM lm_head('the river bank') WHERE position = 3) =
       (SELECT logprob || top FROM (SELECT * FROM lm_head('the river bank') ORDER BY position)
         WHERE +position = 3);
SELECT 'lm_head: IN and ranges', (SELECT group_concat(position) FROM lm_head('a b c d e')
        WHERE position IN (5, 1, 99) AND position > 1) = '5';
CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO docs VALUES (1, 'the bank'), (2, NULL), (3, 'the river bank');
SELECT 'lm_head: the text from an outer table', (SELECT group_concat(id || ':' || n) FROM
        (SELECT id, count(logprob) AS n FROM docs LEFT JOIN lm_head(docs.body) h GROUP BY id
          ORDER BY id)) = '1:4,2:0,3:5';
SELECT 'lm_head: NULL text, no rows', count(*) = 0 FROM lm_head(NULL);
SELECT 'embed_lm_head is lm_head by another name', count(*) = 3 FROM embed_lm_head('bank');
PRAGMA trusted_schema = OFF;
CREATE VIEW odd AS SELECT id, token FROM docs, lm_head(docs.body) WHERE rank > 100;
SELECT 'lm_head: in a view under trusted_schema=OFF', count(*) > 0 FROM odd;
PRAGMA trusted_schema = ON;

-- ---- Models ----
-- error: lm_head: text is missing: lm_head(text [, model [, options]])
SELECT * FROM lm_head;
SELECT 'lm_head: another checkpoint has a name', embed_model('headless',
        (SELECT replace(path, 'golden/bert', 'golden/bert_cased') FROM embed_models
          WHERE name = 'tiny')) LIKE 'headless@%';
-- error: lm_head: the checkpoint has no language-model head: tensor 'cls.predictions.transform.dense.weight' is missing (it was saved as BertModel)
SELECT * FROM lm_head('bank', 'headless');
SELECT 'lm_head: the head is counted in the model''s bytes once it was asked for',
       embed_model('fresh', (SELECT replace(path, 'golden/bert', 'golden/bert_gamma')
          FROM embed_models WHERE name = 'tiny')) LIKE 'fresh@%';
CREATE TABLE before AS SELECT bytes FROM embed_models WHERE name = 'fresh';
SELECT 'lm_head: ... by no more than the head', (SELECT count(logprob) > 0 FROM lm_head('bank', 'fresh'))
       AND (SELECT m.bytes > b.bytes AND m.bytes < 1.2 * b.bytes FROM embed_models m, before b
             WHERE m.name = 'fresh');
