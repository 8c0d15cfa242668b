-- The table lm_head of a causal model: each token is guessed from those before it. Every row is a
-- sentence and whether it holds. The model is the tiny GPT-2; the figures are those of transformers.

SELECT 'lm_head, causal: the tiny GPT-2', embed_model('gpt2',
        (SELECT replace(path, 'golden/bert', 'golden/gpt2') FROM embed_models
          WHERE name = 'tiny')) LIKE 'gpt2@%';
SELECT 'lm_head, causal: ... is the default', embed_model_default('gpt2') = 'gpt2';
CREATE TABLE guess AS SELECT * FROM lm_head('I deposited money in the bank.');
SELECT 'lm_head, causal: a row for each token and one for what comes next',
       (SELECT count(*) = 8 AND count(token) = 7 AND max(position) = 7 FROM guess);
SELECT 'lm_head, causal: nothing comes before the first token',
       (SELECT logprob IS NULL AND rank IS NULL AND entropy IS NULL AND top IS NULL
               AND token IS NOT NULL FROM guess WHERE position = 0);
SELECT 'lm_head, causal: behind the last there is no token, but something to expect',
       (SELECT coalesce(token, token_id, word, start, length, special, logprob, rank) IS NULL
               AND entropy > 0 AND json_array_length(top) = 5 FROM guess WHERE position = 7);
SELECT 'lm_head, causal: every other token has a logprob, the best one''s or less',
       (SELECT count(*) FROM guess WHERE logprob <= json_extract(top, '$[0].logprob')
           AND logprob < 0 AND rank BETWEEN 1 AND 520) = 6;
SELECT 'lm_head, causal: what comes later changes nothing',
       (SELECT count(*) FROM guess a JOIN lm_head('I deposited money in the river.') b
          ON a.position = b.position AND a.position BETWEEN 1 AND 4 AND a.token = b.token
         AND a.logprob = b.logprob AND a.top = b.top) = 4;
SELECT 'lm_head, causal: the last row is the expectation of the next token',
       (SELECT top FROM lm_head('I deposited money in') ORDER BY position DESC LIMIT 1) =
       (SELECT top FROM lm_head('I deposited money in the bank.') WHERE position =
         (SELECT max(position) FROM lm_head('I deposited money in')));
SELECT 'lm_head, causal: a text without tokens has no rows', count(*) = 0 FROM lm_head('');
