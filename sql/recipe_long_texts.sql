-- recipe_long_texts.sql - what a model does not read, and what to do about it.
--
-- A model reads a limited number of tokens; embed() cuts what is beyond, as the checkpoint says.
-- embed_info() shows it, truncate 'error' refuses it, 'mean' reads the text in windows, and a
-- text can be cut into passages by its own token positions.

CREATE TEMP TABLE long_text AS
SELECT 'alpha ' || replace(hex(zeroblob(600)), '00', 'beta gamma, ') || 'omega' AS text;

SELECT json_extract(info, '$.tokens') AS tokens, json_extract(info, '$.kept') AS kept,
       json_extract(info, '$.truncated') AS truncated
FROM (SELECT embed_info(text) AS info FROM long_text);

-- Passages of 20 tokens, cut at the tokens' own places in the text
CREATE TEMP TABLE passage AS
SELECT number, substr(text, first, last - first) AS text
FROM (SELECT t.position / 20 AS number, min(t.start) AS first,
             max(t.start + t.length) AS last, long_text.text
      FROM long_text, tokens(long_text.text, NULL, '{"truncate": "none"}') AS t
      WHERE NOT t.special
      GROUP BY number);
SELECT number, token_count(text) AS tokens, substr(text, 1, 30) || ' ...' AS text
FROM passage LIMIT 3;

-- What must hold
SELECT 'the text is longer than the model reads, and embed_info says so',
       json_extract(embed_info(text), '$.truncated')
       AND json_extract(embed_info(text), '$.kept') = (SELECT max_tokens FROM embed_models
                                                       WHERE is_default)
       AND json_extract(embed_info(text), '$.tokens') = token_count(text)
FROM long_text;
SELECT 'embed() reads the beginning, so what comes after the cut changes nothing',
       embed(text) = embed(text || ' and more') FROM long_text;
SELECT 'truncate mean reads all of it',
       embed(text, NULL, '{"truncate": "mean"}') <>
       embed(text || ' and more', NULL, '{"truncate": "mean"}') FROM long_text;
SELECT 'embed_try gives NULL where truncate error refuses',
       embed_try(text, NULL, '{"truncate": "error"}') IS NULL FROM long_text;
SELECT 'the passages cover the text from its first word to its last',
       (SELECT text LIKE 'alpha%' FROM passage ORDER BY number LIMIT 1)
       AND (SELECT text LIKE '%omega' FROM passage ORDER BY number DESC LIMIT 1);
