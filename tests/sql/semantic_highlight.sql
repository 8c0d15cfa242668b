-- model: real
-- semantic_highlight: which words all-MiniLM-L6-v2 marks, and what holds for any text. Every row
-- is a sentence and whether it holds.

CREATE TEMP TABLE pair(question TEXT, marked TEXT);
INSERT INTO pair VALUES
  ('who lends money', 'The [bank] on the corner approved the [loan] in March, and the family '
                      || '[bought] the house.'),
  ('animals that live in the sea', 'The [whale] surfaced near our [boat], while the captain told '
                                   || 'us about the history of the [harbour].'),
  ('What is the capital of France?', '[Paris] has been the seat of the [French] government for '
                                     || 'most of its history.'),
  ('river side', 'We sat on the grassy [bank] of the [stream] and watched the ducks.'),
  ('can I get my money back?', 'We don''t [refund purchases] after 30 days; [returns] are free '
                               || 'within that time.'),
  ('football match result', 'The committee met on Tuesday to discuss the budget of the library.');
CREATE TEMP VIEW plain AS
  SELECT question, marked, replace(replace(marked, '[', ''), ']', '') AS text FROM pair;

SELECT 'semantic_highlight: marks the words that carry the match: ' || question,
       semantic_highlight(text, question, '[', ']') = marked FROM plain;
SELECT 'semantic_highlight: takes <b> and </b>',
       semantic_highlight(text, question) =
       replace(replace(marked, '[', '<b>'), ']', '</b>') FROM plain;
SELECT 'semantic_highlight: the same from the cache, with other marks',
       semantic_highlight(text, question, '', '») ') =
       replace(replace(marked, '[', ''), ']', '») ') FROM plain;
SELECT 'semantic_highlight: takes the model by name',
       semantic_highlight(text, question, '[', ']', 'all-MiniLM-L6-v2') = marked FROM plain;

-- ---- Any text ----
CREATE TEMP TABLE odd(text TEXT);
INSERT INTO odd VALUES (''), (' '), ('...'), ('loan'), ('Loans.'),
  ('the loan' || char(0) || 'bank'), (CAST(x'6c6f616eff20e2822062616e6b' AS TEXT)),
  ('我去银行借钱。'), ('«Банк» — l''Église, don’t'), ('a.b@loan.org'), ('bank' || char(10) || 'loan'), ('(loan)(bank)');
SELECT 'semantic_highlight: without its marks the text is what it was, NULs and broken bytes, too',
       replace(replace(hex(CAST(semantic_highlight(text, 'money', x, y) AS BLOB)),
                       hex(x), ''), hex(y), '') = hex(CAST(text AS BLOB))
  FROM odd, (SELECT '<b class="match">' AS x, '</b class="match">' AS y);
SELECT 'semantic_highlight: a word alone is marked without its full stop',
       semantic_highlight('Loans.', 'money') = '<b>Loans</b>.'
       AND semantic_highlight('(Loans)', 'money') = '(<b>Loans</b>)';
SELECT 'semantic_highlight: all words of a short text may be marked; a new line doesn''t part them',
       semantic_highlight('bank' || char(10) || 'loan', 'money') =
       '<b>bank' || char(10) || 'loan</b>';
SELECT 'semantic_highlight: punctuation is never marked',
       semantic_highlight('... ! -- ?', '?') = '... ! -- ?';
SELECT 'semantic_highlight: an empty question marks nothing',
       semantic_highlight('The loan', '') = 'The loan';
SELECT 'semantic_highlight: of a long text all windows are looked at',
       semantic_highlight(filler || 'She sat in the train. The bank approved the loan.',
                          'who lends money', '[', ']') =
       filler || 'She sat in the train. The [bank] approved the [loan].'
  FROM (SELECT replace(hex(zeroblob(60)), '00', 'They walked through the green forest. ')
               AS filler);
SELECT 'semantic_highlight: NULL for NULL', semantic_highlight(NULL, 'a') IS NULL
       AND semantic_highlight('a', NULL) IS NULL AND semantic_highlight('a', 'a', NULL) IS NULL;
-- error: semantic_highlight: argument 2 must be TEXT: got BLOB of 1 bytes; use CAST(x AS TEXT) if it is UTF-8 text
SELECT semantic_highlight('a', x'00');
