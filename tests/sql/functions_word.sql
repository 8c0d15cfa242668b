-- Words: token_embedding in a sentence, static_embedding without one. Every row is a sentence and
-- whether it holds. The model is the tiny BERT (2 blocks, 32 dimensions); the figures are the
-- reference's hidden states and the checkpoint's own table.

-- ---- The vector of a word ----
SELECT 'token_embedding: the reference''s hidden state of the word, after the last block',
       l2_distance(token_embedding('I deposited money in the bank.', 'bank'),
    '[-0.9417279,-0.03935789,0.2720074,-2.201905,0.6564991,0.6944292,-0.6356588,-2.397766,
     1.199495,0.1133963,-0.7623478,-1.190003,-0.3263945,-0.9254217,-0.05545622,0.2759262,
     1.01363,2.315659,-1.108493,-1.022058,-0.4238535,0.4001214,0.4840345,0.3521888,
     0.8388039,0.7209463,0.4220942,-1.757747,2.578679,0.3196988,-0.4178016,0.8184974]') < 1e-4;
SELECT 'token_embedding: layer 1 is the state after block 1',
       l2_distance(token_embedding('I deposited money in the bank.', 'bank', 1),
    '[-0.1177954,-0.4406101,-0.7217853,-1.312142,-0.01216395,0.6214054,0.6766938,1.105361,
     1.533137,0.7506152,0.4044321,0.8533769,-0.8515061,-2.34586,-1.106585,0.5580314,
     0.375345,-0.7871203,0.3977055,0.4597184,0.06394283,-1.761339,-0.2410077,-2.427177,
     0.426915,1.923306,-0.1542678,0.2416331,0.9976336,-0.6646702,-0.6667219,0.6101331]') < 1e-4;
SELECT 'token_embedding: layer 0 is what the embedding layer gives',
       l2_distance(token_embedding('I deposited money in the bank.', 'bank', 0),
    '[0.8093506,-1.712907,-0.7190402,-1.534607,-0.5725484,0.2782166,0.221561,0.01438031,
     2.289773,0.8068101,-1.197628,-1.002236,0.3505853,-0.4400102,0.5625284,-0.2237888,
     -0.6166036,2.102826,1.040603,1.026355,0.3722535,-0.7935944,0.01294635,-3.108566,
     -0.3665989,1.126429,1.115726,0.5918531,0.7815515,1.332986,-0.2696905,-0.2379642]') < 1e-4;
SELECT 'static_embedding: the word''s row of the checkpoint''s table',
       l2_distance(static_embedding('bank'),
    '[1.135081,-0.6344965,0.6851197,-0.4783722,-0.6272914,-0.4488209,0.5802233,-0.2536026,
     0.8540434,-0.09206757,-0.03510306,-0.5471801,0.383655,-0.5510297,0.7673072,
     -0.02492417,-0.9449094,0.6509048,0.5159159,0.6972088,0.3434453,0.04413751,-0.1525667,
     -1.631927,-0.2938733,-0.0893268,0.05717821,0.3271906,0.4149644,-0.2528017,0.0509815,
     -0.7407061]') < 1e-6;
SELECT 'token_embedding: the same word in two sentences has two vectors', cosine(
       token_embedding('I deposited money in the bank.', 'bank'),
       token_embedding('We sat on the bank of the river.', 'bank')) < 0.9999;
SELECT 'static_embedding: the same word has one vector',
       cosine(static_embedding('bank'), static_embedding('bank')) > 0.999999;
SELECT 'token_embedding: the last block is the default, by either number',
       token_embedding('the bank', 'bank') = token_embedding('the bank', 'bank', -1)
       AND token_embedding('the bank', 'bank') = token_embedding('the bank', 'bank', 2)
       AND token_embedding('the bank', 'bank') = token_embedding('the bank', 'bank', NULL);
SELECT 'token_embedding: a number in quotes is a number',
       token_embedding('the bank', 'bank', '1') = token_embedding('the bank', 'bank', 1);
SELECT 'token_embedding: what hidden_states shows for the word',
       (SELECT vector FROM hidden_states('We sat on the bank of the river.')
         WHERE layer = 2 AND token = 'bank') =
       token_embedding('We sat on the bank of the river.', 'bank');
SELECT 'token_embedding: the cache changes no bit', count(DISTINCT hex(v)) = 1 FROM
       (SELECT token_embedding('a bank by a river', 'river', 1) AS v UNION ALL
        SELECT token_embedding('a bank by a river', 'river', 1));

-- ---- Finding the word ----
SELECT 'token_embedding: case does not matter to an uncased model',
       token_embedding('The Bank', 'bANK') = token_embedding('the bank', 'bank');
SELECT 'token_embedding: NULL where the word does not stand',
       token_embedding('the bank', 'river') IS NULL
       AND token_embedding('the bank', 'river') IS NULL;
SELECT 'token_embedding: a part of a word is not the word',
       token_embedding('the banker', 'bank') IS NULL;
SELECT 'token_embedding: a phrase has a vector too',
       length(token_embedding('We sat on the bank of the river.', 'bank of the river')) = 128;
SELECT 'token_embedding: a word in several tokens is their mean', l2_distance(
       token_embedding('The bank approved the loan. Who got the money?', 'got'),
       (SELECT vector_avg(vector) FROM
        hidden_states('The bank approved the loan. Who got the money?')
         WHERE layer = 2 AND token IN ('g', '##ot'))) < 1e-5;
SELECT 'token_embedding: pooling first is the first of them',
       token_embedding('Who got it?', 'got', -1, 'tiny', '{"pooling": "first"}') =
       (SELECT vector FROM hidden_states('Who got it?') WHERE layer = 2 AND token = 'g');
SELECT 'token_embedding: pooling last is the last of them',
       token_embedding('Who got it?', 'got', -1, 'tiny', '{"pooling": "last"}') =
       (SELECT vector FROM hidden_states('Who got it?') WHERE layer = 2 AND token = '##ot');
SELECT 'token_embedding: the first occurrence is the default',
       token_embedding('bank to bank', 'bank') =
       token_embedding('bank to bank', 'bank', -1, 'tiny', '{"occurrence": 1}');
SELECT 'token_embedding: occurrence 2 is another vector, and here the last', v <>
       token_embedding('bank to bank', 'bank')
       AND v = token_embedding('bank to bank', 'bank', -1, 'tiny', '{"occurrence": -1}')
  FROM (SELECT token_embedding('bank to bank', 'bank', -1, 'tiny', '{"occurrence": 2}') AS v);
SELECT 'token_embedding: NULL for an occurrence that is not there',
       token_embedding('bank to bank', 'bank', -1, 'tiny', '{"occurrence": 3}') IS NULL;
SELECT 'token_embedding: NULL for a word in the part that was cut', token_embedding(
       replace(printf('%50s', ' '), ' ', ' bank') || ' river', 'river') IS NULL;
SELECT 'token_embedding: truncate start keeps that part', token_embedding(
       replace(printf('%50s', ' '), ' ', ' bank') || ' river', 'river', -1, 'tiny',
       '{"truncate": "start"}') IS NOT NULL;

-- ---- Several layers ----
SELECT 'token_embedding: several layers are averaged', l2_distance(
       token_embedding('the bank', 'bank', '[1, 2]'),
       vector_scale(vector_add(token_embedding('the bank', 'bank', 1),
                               token_embedding('the bank', 'bank', 2)), 0.5)) < 1e-5;
SELECT 'token_embedding: or summed', l2_distance(
       token_embedding('the bank', 'bank', '[1, -1]', 'tiny', '{"combine": "sum"}'),
       vector_add(token_embedding('the bank', 'bank', 1),
                  token_embedding('the bank', 'bank', 2))) < 1e-5;
SELECT 'token_embedding: or put side by side, in the order asked for',
       token_embedding('the bank', 'bank', '[2, 0]', 'tiny', '{"combine": "concat"}') =
       CAST(token_embedding('the bank', 'bank', 2) || token_embedding('the bank', 'bank', 0)
            AS BLOB)
       OR vector_slice(token_embedding('the bank', 'bank', '[2, 0]', 'tiny',
                                       '{"combine": "concat"}'), 0, 32) =
          token_embedding('the bank', 'bank', 2);
SELECT 'token_embedding: put side by side, three layers are three times as long',
       vector_length(token_embedding('the bank', 'bank', '[0,1,2]', 'tiny',
                                     '{"combine": "concat"}')) = 96;

-- ---- Arguments ----
SELECT 'token_embedding: NULL text or word gives NULL',
       token_embedding(NULL, 'bank') IS NULL AND token_embedding('bank', NULL) IS NULL
       AND token_embedding(NULL, 'bank', 99, 'nosuch', '[') IS NULL;
SELECT 'static_embedding: NULL gives NULL', static_embedding(NULL) IS NULL;
SELECT 'static_embedding: NULL for a text without a token', static_embedding('  ') IS NULL;
SELECT 'static_embedding: the model may be named',
       static_embedding('bank', 'tiny') = static_embedding('bank');
SELECT 'token_embedding: a layer may be a whole REAL',
       token_embedding('the bank', 'bank', 1.0) = token_embedding('the bank', 'bank', 1);
-- error: token_embedding: argument 2 must be TEXT: got BLOB of 4 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT token_embedding('the bank', x'62616e6b');
-- error: token_embedding: layer must be an integer or a JSON array of 1 to 1024 integers, such as -1 or [-1,-2,-3,-4]: got 1.5
SELECT token_embedding('the bank', 'bank', 1.5);
-- error: token_embedding: layer must be an integer or a JSON array of 1 to 1024 integers, such as -1 or [-1,-2,-3,-4]: got last
SELECT token_embedding('the bank', 'bank', 'last');
-- error: token_embedding: layer must be an integer or a JSON array of 1 to 1024 integers, such as -1 or [-1,-2,-3,-4]: got []
SELECT token_embedding('the bank', 'bank', '[]');
-- error: token_embedding: layer must be an integer or a JSON array of 1 to 1024 integers, such as -1 or [-1,-2,-3,-4]: got [1, "2"]
SELECT token_embedding('the bank', 'bank', '[1, "2"]');
-- error: token_embedding: layer must be an integer or a JSON array of 1 to 1024 integers, such as -1 or [-1,-2,-3,-4]: got a BLOB
SELECT token_embedding('the bank', 'bank', x'01');
-- error: token_embedding: layer: not valid JSON at byte 2: ']' expected near end of file
SELECT token_embedding('the bank', 'bank', '[1');
-- error: token_embedding: options must be a JSON object: got 'query'
SELECT token_embedding('the bank', 'bank', -1, 'tiny', 'query');
-- error: token_embedding: unknown option 'prompt'; options: pooling, truncate, occurrence, combine
SELECT token_embedding('the bank', 'bank', -1, 'tiny', '{"prompt": "query"}');
-- error: token_embedding: option 'occurrence' must be 1, 2, ... or -1 (the last): got 0
SELECT token_embedding('the bank', 'bank', -1, 'tiny', '{"occurrence": 0}');
-- error: token_embedding: option 'pooling' must be mean, first, last or max: got "cls"
SELECT token_embedding('the bank', 'bank', -1, 'tiny', '{"pooling": "cls"}');
-- error: token_embedding: option 'combine' must be mean, sum or concat: got "max"
SELECT token_embedding('the bank', 'bank', -1, 'tiny', '{"combine": "max"}');
-- error: token_embedding: option 'truncate' must be end, start or error: got "mean"
SELECT token_embedding('the bank', 'bank', -1, 'tiny', '{"truncate": "mean"}');
-- error: wrong number of arguments to function token_embedding()
SELECT token_embedding('the bank');
-- error: token_embedding: layer 3 is out of range: the model has layers 0 to 2, or -1 to -3 from the end
SELECT token_embedding('the bank', 'bank', 3);
-- error: token_embedding: layer -9 is out of range: the model has layers 0 to 2, or -1 to -3 from the end
SELECT token_embedding('the bank', 'bank', '[1, -9]');
SELECT 'token_embedding: NULL for the empty word and in the empty text',
       token_embedding('the bank', '') IS NULL AND token_embedding('', 'bank') IS NULL;
