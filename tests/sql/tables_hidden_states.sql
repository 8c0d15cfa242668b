-- The table hidden_states: each token's vector after each block. Every row is a sentence and
-- whether it holds. The model is the tiny BERT: 2 layers, 32 dimensions; the figures are those
-- of transformers.

-- ---- Rows and columns ----
SELECT 'hidden_states: SELECT * gives these columns',
       (SELECT group_concat(name) FROM pragma_table_xinfo('hidden_states') WHERE hidden = 0) =
       'layer,position,token,token_id,word,start,length,special,vector';
SELECT 'hidden_states: layers 0 ... L, each with all tokens, in this order',
       (SELECT group_concat(layer || ':' || position, ' ') FROM hidden_states('bank')) =
       '0:0 0:1 0:2 1:0 1:1 1:2 2:0 2:1 2:2';
SELECT 'hidden_states: the token columns are those of tokens',
       (SELECT count(*) FROM tokens('Café at the bank') t JOIN hidden_states('Café at the bank') h
          ON h.position = t.position AND h.token = t.token AND h.token_id = t.token_id
         AND h.word IS t.word AND h.start IS t.start AND h.length IS t.length
         AND h.special = t.special) = 3 * (SELECT count(*) FROM tokens('Café at the bank'));
SELECT 'hidden_states: a vector is a float32 BLOB of the hidden size',
       min(typeof(vector) = 'blob' AND length(vector) = 4 * 32) FROM hidden_states('bank');
SELECT 'hidden_states: layer 0 is what transformers'' embedding layer gives', l2_distance(vector,
    '[0.8093506,-1.712907,-0.7190402,-1.534607,-0.5725484,0.2782166,0.221561,0.01438031,
     2.289773,0.8068101,-1.197628,-1.002236,0.3505853,-0.4400102,0.5625284,-0.2237888,
     -0.6166036,2.102826,1.040603,1.026355,0.3722535,-0.7935944,0.01294635,-3.108566,-0.3665989,
     1.126429,1.115726,0.5918531,0.7815515,1.332986,-0.2696905,-0.2379642]') < 2e-5
  FROM hidden_states('I deposited money in the bank.') WHERE layer = 0 AND token = 'bank';
SELECT 'hidden_states: layer 1 is what transformers'' first block gives', l2_distance(vector,
    '[-0.1177954,-0.4406101,-0.7217853,-1.312142,-0.01216395,0.6214054,0.6766938,1.105361,
     1.533137,0.7506152,0.4044321,0.8533769,-0.8515061,-2.34586,-1.106585,0.5580314,0.375345,
     -0.7871203,0.3977055,0.4597184,0.06394283,-1.761339,-0.2410077,-2.427177,0.426915,1.923306,
     -0.1542678,0.2416331,0.9976336,-0.6646702,-0.6667219,0.6101331]') < 2e-5
  FROM hidden_states('I deposited money in the bank.') WHERE layer = 1 AND token = 'bank';
SELECT 'hidden_states: the last layer is transformers'' last hidden state', l2_distance(vector,
    '[-0.9417279,-0.03935789,0.2720074,-2.201905,0.6564991,0.6944292,-0.6356588,-2.397766,
     1.199495,0.1133963,-0.7623478,-1.190003,-0.3263945,-0.9254217,-0.05545622,0.2759262,
     1.01363,2.315659,-1.108493,-1.022058,-0.4238535,0.4001214,0.4840345,0.3521888,0.8388039,
     0.7209463,0.4220942,-1.757747,2.578679,0.3196988,-0.4178016,0.8184974]') < 2e-5
  FROM hidden_states('I deposited money in the bank.') WHERE layer = 2 AND token = 'bank';
SELECT 'hidden_states: one layer alone has the bits that it has among all',
       (SELECT count(*) FROM hidden_states('the river bank') a
          JOIN hidden_states('the river bank') b ON b.layer = 1 AND b.position = a.position
         WHERE a.layer = 1 AND a.vector = b.vector) = 5
       AND (SELECT group_concat(hex(vector)) FROM hidden_states('the river bank') WHERE layer = 1)
         = (SELECT group_concat(hex(vector)) FROM (SELECT * FROM hidden_states('the river bank')
             ORDER BY layer, position) WHERE +layer = 1);
SELECT 'hidden_states: the mean of the last layer is the embedding', cosine(
       (SELECT vector_avg(vector) FROM hidden_states('the river bank') WHERE layer = 2),
       embed('the river bank')) > 0.999999;
SELECT 'hidden_states: a word''s pieces, averaged, are token_embedding', l2_distance(
       (SELECT vector_avg(vector) FROM hidden_states('some Café there', NULL, '{"layer": 1}')
         WHERE word = 1), token_embedding('some Café there', 'café', 1)) < 1e-6;

-- ---- Layers ----
SELECT 'hidden_states: option layer -1 is the last',
       (SELECT group_concat(DISTINCT layer) FROM hidden_states('bank', NULL, '{"layer": -1}')) = '2';
SELECT 'hidden_states: option layer -3 is the first of three',
       (SELECT group_concat(DISTINCT layer) FROM hidden_states('bank', NULL, '{"layer": -3}')) = '0';
SELECT 'hidden_states: option and WHERE must both hold',
       count(*) = 0 FROM hidden_states('bank', NULL, '{"layer": -1}') WHERE layer = 1;
-- error: hidden_states: layer 3 is out of range: the model has layers 0 to 2, or -1 to -3 from the end
SELECT * FROM hidden_states('bank', NULL, '{"layer": 3}');
-- error: hidden_states: layer -4 is out of range: the model has layers 0 to 2, or -1 to -3 from the end
SELECT * FROM hidden_states('bank', 'tiny', '{"layer": -4}');
SELECT 'hidden_states: =', (SELECT group_concat(layer) FROM hidden_states('') WHERE layer = 1) = '1,1';
SELECT 'hidden_states: IN', (SELECT group_concat(layer) FROM hidden_states('')
        WHERE layer IN (2, 0)) = '0,0,2,2';
SELECT 'hidden_states: IN a subquery', (SELECT group_concat(layer) FROM hidden_states('')
        WHERE layer IN (SELECT max(layer) FROM hidden_states(''))) = '2,2';
SELECT 'hidden_states: OR', (SELECT count(*) FROM hidden_states('')
        WHERE layer = 2 OR layer = 0 OR layer = 2) = 4;
SELECT 'hidden_states: OR over layer and position meets each row once', (SELECT count(*)
        FROM hidden_states('bank') WHERE layer = 2 OR position = 1) = 5;
SELECT 'hidden_states: ranges', (SELECT group_concat(DISTINCT layer) FROM hidden_states('')
        WHERE layer > 0 AND layer < 2) = '1';
SELECT 'hidden_states: BETWEEN', (SELECT group_concat(DISTINCT layer) FROM hidden_states('')
        WHERE layer BETWEEN 0.5 AND 2) = '1,2';
SELECT 'hidden_states: layer = ''1'' matches', count(*) = 2 FROM hidden_states('') WHERE layer = '1';
SELECT 'hidden_states: layer = 1.0 matches', count(*) = 2 FROM hidden_states('') WHERE layer = 1.0;
SELECT 'hidden_states: layer = 1.5 matches nothing', count(*) = 0 FROM hidden_states('') WHERE layer = 1.5;
SELECT 'hidden_states: layer = -1 matches nothing', count(*) = 0 FROM hidden_states('') WHERE layer = -1;
SELECT 'hidden_states: layer = 3 matches nothing', count(*) = 0 FROM hidden_states('') WHERE layer = 3;
SELECT 'hidden_states: layer = NULL matches nothing', count(*) = 0 FROM hidden_states('') WHERE layer = NULL;
SELECT 'hidden_states: any number is less than a text', count(*) = 6 FROM hidden_states('') WHERE layer < 'x';
SELECT 'hidden_states: a constant used elsewhere in the statement stays a text',
       min(typeof('1') = 'text' AND layer = '1') FROM hidden_states('') WHERE layer = '1';
SELECT 'hidden_states: a parameter that is never bound is NULL', count(*) = 0
  FROM hidden_states('') WHERE layer = ?1;

-- ---- Joins ----
CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO docs VALUES (1, 'the bank'), (2, NULL), (3, 'the river bank');
SELECT 'hidden_states: the text from an outer table',
       (SELECT group_concat(id) FROM (SELECT DISTINCT id FROM docs, hidden_states(docs.body) h
         WHERE h.layer = 2 AND h.token = 'bank' ORDER BY id)) = '1,3';
SELECT 'hidden_states: LEFT JOIN with the layer in ON',
       (SELECT group_concat(id || ':' || n) FROM (SELECT id, count(h.layer) AS n FROM docs
          LEFT JOIN hidden_states(docs.body) h ON h.layer = 1 GROUP BY id ORDER BY id))
       = '1:4,2:0,3:5';
SELECT 'hidden_states: LEFT JOIN with the layer in WHERE',
       (SELECT count(*) FROM docs LEFT JOIN hidden_states(docs.body) h WHERE h.layer = 1) = 9;
SELECT 'hidden_states: NULL as model in a LEFT JOIN is the default',
       (SELECT count(h.layer) FROM docs LEFT JOIN hidden_states(docs.body, NULL, NULL) h) = 27;
SELECT 'hidden_states: the layer from an outer table',
       (SELECT group_concat(n) FROM (WITH k(v) AS (VALUES (0), (2), ('1'), (1.5), (NULL), (7))
        SELECT count(h.layer) AS n FROM k LEFT JOIN hidden_states('bank') h ON h.layer = k.v
         GROUP BY k.v ORDER BY k.v)) = '0,3,0,3,0,3';
SELECT 'hidden_states: a token''s path through the layers',
       (SELECT count(*) FROM hidden_states('the river bank') a JOIN hidden_states('the river bank') b
          ON b.layer = a.layer + 1 AND b.position = a.position
         WHERE a.token = 'bank' AND cosine(a.vector, b.vector) BETWEEN -1 AND 1) = 2;

-- ---- Errors ----
-- error: hidden_states: text is missing: hidden_states(text [, model [, options]])
SELECT * FROM hidden_states WHERE layer = 1;
-- error: embed_hidden_states: text is missing: embed_hidden_states(text [, model [, options]])
SELECT * FROM embed_hidden_states;
-- error: hidden_states: option 'truncate' must be end, start or error: got "none"
SELECT * FROM hidden_states('bank', NULL, '{"truncate": "none"}');
-- error: hidden_states: model 'tiny' has fingerprint 1f8c9ba5 here, not 00000000 as asked for: results of the two must not be mixed
SELECT * FROM docs, hidden_states(docs.body, 'tiny@00000000');
SELECT 'hidden_states: NULL text, no rows', count(*) = 0 FROM hidden_states(NULL);
SELECT 'embed_hidden_states is hidden_states by another name', count(*) = 9 FROM embed_hidden_states('bank');
PRAGMA trusted_schema = OFF;
CREATE VIEW paths AS SELECT id, layer, vector FROM docs, hidden_states(docs.body) WHERE token = 'bank';
SELECT 'hidden_states: in a view under trusted_schema=OFF', count(*) = 6 FROM paths;
PRAGMA trusted_schema = ON;
