-- semantic_rank: the hits of an FTS5 table by meaning. Every row is a sentence and whether it
-- holds. The model is the tiny BERT.

CREATE VIRTUAL TABLE fts USING fts5(title, body);
INSERT INTO fts(rowid, title, body) VALUES
  (1, 'Loans', 'The bank approved the loan.'),
  (2, 'Picnic', 'We sat on the bank of the river.'),
  (3, NULL, 'The bank of the company'),
  (4, '', 'An apple');
CREATE VIRTUAL TABLE other USING fts5(head, text);
INSERT INTO other(rowid, head, text) SELECT rowid, body, title FROM fts;
CREATE TEMP VIEW joined AS
  SELECT rowid AS id, ltrim(coalesce(title, '') || char(10) || body, char(10)) AS text FROM fts;

SELECT 'semantic_rank: the cosine distance of the question and all columns, joined by newlines',
       abs(semantic_rank(fts, 'river side')
           - cosine_distance(embed('river side', NULL, 'query'),
                             (SELECT embed(text, NULL, 'document') FROM joined
                               WHERE id = fts.rowid))) < 1e-6 FROM fts WHERE fts MATCH 'bank';
SELECT 'semantic_rank: ORDER BY it puts the nearest first, as ORDER BY its column does',
       (SELECT group_concat(rowid) FROM (SELECT rowid FROM fts WHERE fts MATCH 'bank'
                                          ORDER BY semantic_rank(fts, 'loan') LIMIT 2)) =
       (SELECT group_concat(rowid) FROM (SELECT rowid, semantic_rank(fts, 'loan') AS d FROM fts
                                          WHERE fts MATCH 'bank' ORDER BY d LIMIT 2));
SELECT 'semantic_rank: a column by name, in any case, or by number',
       semantic_rank(fts, 'loan', 'body') = semantic_rank(fts, 'loan', 1)
       AND semantic_rank(fts, 'loan', 'BODY') = semantic_rank(fts, 'loan', 1)
       AND abs(semantic_rank(fts, 'loan', 'body')
               - cosine_distance(embed('loan'), embed(body))) < 1e-6
  FROM fts WHERE fts MATCH 'bank';
SELECT 'semantic_rank: a NULL column is all of them',
       semantic_rank(fts, 'loan', NULL) = semantic_rank(fts, 'loan')
  FROM fts WHERE fts MATCH 'bank';
SELECT 'semantic_rank: a row without text is infinitely far',
       semantic_rank(fts, 'loan', 'title') = 9e999 FROM fts WHERE fts MATCH 'company OR apple';
SELECT 'semantic_rank: two questions of one statement do not mix',
       abs(semantic_rank(fts, 'loan', 1) - cosine_distance(embed('loan'), embed(body))) < 1e-6
       AND abs(semantic_rank(fts, 'river', 1)
               - cosine_distance(embed('river'), embed(body))) < 1e-6
       AND semantic_rank(fts, 'loan', 0) <> semantic_rank(fts, 'loan', 1)
  FROM fts WHERE fts MATCH 'approved';
SELECT 'semantic_rank: the question may come from a joined row',
       abs(semantic_rank(fts, q.value, 1) - cosine_distance(embed(q.value), embed(body))) < 1e-6
  FROM json_each('["loan", "river"]') q, fts WHERE fts MATCH 'bank';
SELECT 'semantic_rank: NULL for NULL', semantic_rank(fts, NULL) IS NULL FROM fts
 WHERE fts MATCH 'bank';
CREATE TABLE articles(id INTEGER PRIMARY KEY, title TEXT, body TEXT);
INSERT INTO articles SELECT rowid, title, body FROM fts;
CREATE VIRTUAL TABLE outside USING fts5(title, body, content='articles', content_rowid='id');
INSERT INTO outside(outside) VALUES('rebuild');
SELECT 'semantic_rank: a table of external content reads its texts there',
       (SELECT semantic_rank(outside, 'loan', 'body') FROM outside
         WHERE outside MATCH 'approved') =
       (SELECT semantic_rank(fts, 'loan', 'body') FROM fts WHERE fts MATCH 'approved');

-- ---- A semantic index in its place ----
CREATE VIRTUAL TABLE meaning USING semantic(body);
INSERT INTO meaning(rowid, body) SELECT rowid, body FROM fts WHERE rowid < 4;
SELECT 'semantic_rank: an index''s stored vectors',
       semantic_rank(fts, 'loan', 'meaning') = (SELECT distance FROM meaning
                                                 WHERE meaning MATCH 'loan' AND rowid = fts.rowid)
  FROM fts WHERE fts MATCH 'bank';
SELECT 'semantic_rank: a row that the index does not have is infinitely far',
       semantic_rank(fts, 'loan', 'meaning') = 9e999 FROM fts WHERE fts MATCH 'apple';
CREATE VIRTUAL TABLE bare USING fts5(title, body, content='');
INSERT INTO bare(rowid, title, body) SELECT rowid, title, body FROM fts;
SELECT 'semantic_rank: with an index, a table without texts can be ranked',
       semantic_rank(bare, 'loan', 'meaning') = (SELECT distance FROM meaning
                                                  WHERE meaning MATCH 'loan'
                                                    AND rowid = bare.rowid)
  FROM bare WHERE bare MATCH 'bank';

-- ---- Refusals ----
-- error: semantic_rank: the table keeps no text (content=''), so there is nothing to compare; name a semantic index as third argument
SELECT semantic_rank(bare, 'loan') FROM bare WHERE bare MATCH 'bank';
-- error: semantic_rank: 'text' is neither a column of the table nor a semantic index; its columns are title, body
SELECT semantic_rank(fts, 'loan', 'text') FROM fts WHERE fts MATCH 'bank';
-- error: semantic_rank: 'absent' is neither a column of the table nor a semantic index; its columns are title, body
SELECT semantic_rank(bare, 'loan', 'absent') FROM bare WHERE bare MATCH 'bank';
SELECT 'semantic_rank: the number of a column may be a whole REAL',
       semantic_rank(fts, 'loan', 1.0) = semantic_rank(fts, 'loan', 1)
  FROM fts WHERE fts MATCH 'bank';
-- error: semantic_rank: column 2 is out of range: the table has columns 0 to 1
SELECT semantic_rank(fts, 'loan', 2) FROM fts WHERE fts MATCH 'bank';
-- error: semantic_rank: column -1 is out of range: the table has columns 0 to 1
SELECT semantic_rank(fts, 'loan', -1) FROM fts WHERE fts MATCH 'bank';
-- error: semantic_rank: argument 3 must be a column's name or number, or a semantic index's name
SELECT semantic_rank(fts, 'loan', 1.5) FROM fts WHERE fts MATCH 'bank';
-- error: semantic_rank: argument 2 must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT semantic_rank(fts, x'00') FROM fts WHERE fts MATCH 'bank';
-- error: semantic_rank: takes 2 or 3 arguments: semantic_rank(table, question [, column or index])
SELECT semantic_rank(fts) FROM fts WHERE fts MATCH 'bank';

-- A model of known words alone
-- run
SELECT embed_model('glove', :tests || '/golden/static/glove.txt');
CREATE VIRTUAL TABLE unknown USING fts5(t);
INSERT INTO unknown VALUES ('zzzqqq qqq'), ('zzzqqq the bank');
-- run
SELECT embed_model_default('glove');
SELECT 'semantic_rank: a text that the model knows no word of is infinitely far',
       group_concat(rowid) = '2,1'
  FROM (SELECT rowid FROM unknown WHERE unknown MATCH 'zzzqqq'
         ORDER BY semantic_rank(unknown, 'the bank'));
