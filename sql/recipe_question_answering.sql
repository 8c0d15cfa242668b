-- model: real
-- recipe_question_answering.sql - the passages that a language model needs for its answer.
--
-- Long texts are indexed by chunks; a question finds the best chunk of each document, and the
-- passages go into a prompt, best first, as long as its budget of tokens lasts.

CREATE TABLE document(id INTEGER PRIMARY KEY, name, body);
CREATE VIRTUAL TABLE passage USING semantic(body, content='document', content_rowid='id',
                                            chunk=40, overlap=10);
INSERT INTO passage(passage) VALUES('triggers');
INSERT INTO document(name, body) VALUES
  ('House rules', 'The house has four floors and two lifts. Dogs are welcome on the ground floor alone, and on a lead. The kitchen on the second floor closes at ten in the evening. Whoever breaks something pays for it, unless it was old already. Bicycles stand in the yard, never in the hall.'),
  ('Contract', 'The tenant rents the room for one year. Rent is due on the third day of each month. Whoever pays later than the tenth is asked for five per cent more. Notice is given in writing, three months ahead. The deposit comes back within four weeks after the keys do.'),
  ('Heating', 'The boiler is in the cellar. It is serviced every spring, and nobody but the engineer opens it. Radiators that stay cold are bled with the small key beside the meter.');

SELECT name, passage.chunk_start, passage.chunk_length, passage.snippet
FROM passage('what happens if I am late with my rent?', 1)
JOIN document ON document.id = passage.rowid;

-- The words in it that carry the match
SELECT semantic_highlight(snippet, 'what happens if I am late with my rent?', '[', ']') AS marked
FROM passage('what happens if I am late with my rent?', 1);

-- The context of a prompt: passages up to 90 tokens in all
CREATE TEMP TABLE context AS
SELECT place, name, text, sum(token_count(text)) OVER (ORDER BY place) AS tokens
FROM (SELECT p.semantic_rank AS place, d.name,
             substr(d.body, p.chunk_start, p.chunk_length) AS text
      FROM passage('what happens if I am late with my rent?', 20) AS p
      JOIN document AS d ON d.id = p.rowid);
SELECT 'Answer from these passages alone.' || char(10)
       || group_concat('[' || place || '] ' || name || ': ' || text, char(10)) || char(10)
       || 'Question: what happens if I am late with my rent?' AS prompt
FROM (SELECT * FROM context WHERE tokens <= 90 ORDER BY place);

-- What must hold
SELECT 'the first passage holds the answer',
       (SELECT text FROM context WHERE place = 1) LIKE '%five per cent more%';
SELECT 'no chunk is longer than was asked for', max(token_count(text)) <= 40 FROM context;
SELECT 'passages fit into the budget, and one more would not',
       (SELECT max(tokens) FROM context WHERE tokens <= 90) > 0
       AND (SELECT max(tokens) FROM context) > 90;
SELECT 'the marks stand where the answer is',
       semantic_highlight(snippet, 'what happens if I am late with my rent?', '[', ']')
       LIKE '%[Rent]%'
FROM passage('what happens if I am late with my rent?', 1);
