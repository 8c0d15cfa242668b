-- model: real
-- recipe_hybrid.sql - words and meaning together.
--
-- Meaning finds what is said in other words, FTS5 finds the name, the number, the error code. An
-- index with fts=1 keeps both, and a question is put to both: a row scores by its place in the
-- two lists (reciprocal rank fusion), and bm25_rank and semantic_rank say which they were.

CREATE TABLE fault(id INTEGER PRIMARY KEY, text);
CREATE VIRTUAL TABLE fault_search USING semantic(text, content='fault', content_rowid='id', fts=1);
INSERT INTO fault_search(fault_search) VALUES('triggers');
INSERT INTO fault(text) VALUES
  ('E4711: the pump does not start'),
  ('E4712: the pump runs hot'),
  ('The motor stays off although the switch is on'),
  ('Water drips from the hose'),
  ('E0815: no paper in the printer');

SELECT text, bm25_rank, semantic_rank, round(score, 4) AS score
FROM fault_search WHERE fault_search MATCH 'E4711 machine will not turn on' ORDER BY rank LIMIT 3;

-- More weight for the words; the index remembers it
INSERT INTO fault_search(fault_search, rank) VALUES('weights', '0.5, 2');
SELECT text, bm25_rank, semantic_rank FROM fault_search('E0815 machine broken', 2);

-- An FTS5 table that is there already ranks its own hits by meaning, with no index at all
CREATE VIRTUAL TABLE fault_fts USING fts5(text, content='fault', content_rowid='id');
INSERT INTO fault_fts(fault_fts) VALUES('rebuild');
SELECT text, round(semantic_rank(fault_fts, 'overheating'), 3) AS distance
FROM fault_fts WHERE fault_fts MATCH 'pump' ORDER BY semantic_rank(fault_fts, 'overheating');

-- What must hold
SELECT 'a code is found by its letters, other words by their meaning',
       (SELECT text FROM fault_search('E0815', 1)) LIKE 'E0815%'
       AND (SELECT text FROM fault_search('leak', 1)) LIKE 'Water%';
SELECT 'the score is that of reciprocal rank fusion',
       count(*) = 5 AND max(abs(score - 0.5 / (60 + semantic_rank)
                                - coalesce(2.0 / (60 + bm25_rank), 0))) < 1e-12
FROM fault_search WHERE fault_search MATCH 'pump';
SELECT 'semantic_rank puts the nearest of the hits first',
       (SELECT text FROM fault_fts WHERE fault_fts MATCH 'pump'
        ORDER BY semantic_rank(fault_fts, 'overheating') LIMIT 1) LIKE 'E4712%';
