/*
** scenarios.c - see scenarios.h.
**
** Each act finds what those before it left. A statement of `shown` whose table is not there is
** passed over; 'integrity-check' is one of them, so it has to pass in every state.
*/
#include "scenarios.h"

#include <stddef.h>

#define LONG_TEXT                                                                          \
    "a river. The other river, which is longer, has more words in it than fit a chunk of " \
    "sixteen tokens. And so has this one."
/* Rows of an index or a table by number, with a vector that differs from row to row. */
#define VECTORS(first, last)                                                               \
    "WITH RECURSIVE n(i) AS (SELECT " #first " UNION ALL SELECT i + 1 FROM n WHERE i < "   \
    #last ") SELECT i, 'row ' || i, vector('[' || (i % 3 * 4) || ',' || (i % 5) || ',' "   \
    "|| (i % 7 / 8.0) || ',' || (i % 11 / 16.0) || ']') FROM n"

/* ---- An index of its own content ------------------------------------------------------- */

static const char *const own_acts[] = {
    "CREATE VIRTUAL TABLE own USING semantic(body, note UNINDEXED, model='tiny')",
    "INSERT INTO own(body, note) VALUES('the bank', 1), ('a river', 'x'), ('bread', NULL), "
    "('the tide', 2.5), (NULL, 'no text')",
    "INSERT INTO own(rowid, body, vector) SELECT 60, 'given', embed('the sea', 'tiny')",
    "SELECT rowid, distance, score, rank, body, note, vector FROM own "
    "WHERE own MATCH 'money' AND k = 2",
    "SELECT rowid, distance FROM own WHERE own MATCH 'money' ORDER BY rank LIMIT 3 OFFSET 1",
    "SELECT rowid, distance FROM own WHERE own MATCH 'money' AND distance BETWEEN 0.01 AND 0.9",
    "SELECT rowid FROM own WHERE own MATCH 'money' AND k = 2 AND "
    "rowid IN (SELECT value FROM json_each('[2, 3, 60]'))",
    "SELECT rowid FROM own WHERE own MATCH 'money' AND among = '[1, 3, 4]'",
    "SELECT rowid FROM own WHERE own MATCH 'money' AND k = 2 AND "
    "(distance, rowid) > (0.1, 2)",
    "SELECT rowid, distance FROM own(vector('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,"
    "20,21,22,23,24,25,26,27,28,29,30,31,32]'), 2)",
    "SELECT o.rowid, s.rowid, s.snippet FROM own o, own(o.body, 2) s ORDER BY 1, s.rank",
    "SELECT o.rowid, s.distance FROM own o LEFT JOIN own s ON s.rowid = o.rowid AND "
    "s.own MATCH 'money'",
    "SELECT rowid, body, vector FROM own WHERE rowid > 1 ORDER BY rowid DESC",
    "SELECT vector FROM own WHERE rowid = 3",
    "UPDATE own SET body = 'the bank of the river' WHERE rowid = 2",
    "UPDATE own SET note = 'new' WHERE rowid = 1",
    "UPDATE own SET rowid = 20 WHERE rowid = 3",
    "UPDATE own SET vector = NULL WHERE rowid = 60",
    "UPDATE own SET body = t.body || '!' FROM (SELECT 4 AS id, 'flour' AS body) AS t "
    "WHERE own.rowid = t.id",
    "INSERT OR REPLACE INTO own(rowid, body) VALUES(20, 'flour')",
    "INSERT OR IGNORE INTO own(rowid, body) VALUES(20, 'not this'), (21, 'but this')",
    "PRAGMA secure_delete = 1; DELETE FROM own WHERE rowid = 1",
    "BEGIN; SAVEPOINT s; INSERT INTO own(body) VALUES('gone'); ROLLBACK TO s; "
    "INSERT INTO own(body) VALUES('here'); RELEASE s; COMMIT",
    "BEGIN; INSERT INTO own(body) VALUES('a loan'); SELECT rowid FROM own WHERE own MATCH "
    "'lend' AND k = 1; DELETE FROM own WHERE rowid = 21; SELECT count(*) FROM own; COMMIT",
    "INSERT INTO own(own) VALUES('optimize')",
    "INSERT INTO own(own, rank) VALUES('rebuild', 2)",
    "UPDATE own SET body = 'changed meanwhile' WHERE rowid = 2",
    "INSERT INTO own(own, rank) VALUES('rebuild', 100)",
    "INSERT INTO own(own) VALUES('rebuild')",
    "INSERT INTO own(own) VALUES('integrity-check')",
    "SELECT \"index\", rows, chunks, pending, stale, model, fingerprint, dimensions, progress "
    "FROM semantic_status",
    "ALTER TABLE own RENAME TO mine",
    "VACUUM",
    "INSERT INTO mine(mine) VALUES('delete-all')",
    "DROP TABLE mine",
    NULL,
};
static const char *const own_shown[] = {
    "INSERT INTO own(own) VALUES('integrity-check')",
    "SELECT rowid, body, note, vector FROM own",
    "SELECT rowid, distance, snippet FROM own WHERE own MATCH 'the bank' AND k = 3",
    "INSERT INTO mine(mine) VALUES('integrity-check')",
    "SELECT rowid, body, note, vector FROM mine",
    "SELECT rowid, distance FROM mine WHERE mine MATCH 'the bank' LIMIT 3",
    NULL,
};

/* ---- External content, chunks, triggers ------------------------------------------------ */

static const char *const external_acts[] = {
    "CREATE VIRTUAL TABLE search USING semantic(title, body, model='tiny', content='article', "
    "content_rowid='id', chunk=16, overlap=4)",
    "INSERT INTO search(search) VALUES('triggers')",
    "INSERT INTO article VALUES(1, 'one', 'the bank', 1), (2, NULL, NULL, 2), "
    "(3, 'three', '" LONG_TEXT "', 3)",
    "BEGIN; INSERT INTO article VALUES(4, 'four', 'the sea', 4); UPDATE article SET body = "
    "'the shore' WHERE id = 4; SELECT rowid FROM search('beach', 2); COMMIT",
    "SELECT rowid, snippet, chunk_start, chunk_length, distance, title FROM search "
    "WHERE search MATCH 'words' ORDER BY rank LIMIT 2",
    "SELECT rowid FROM search('money', 2) WHERE rowid IN (SELECT id FROM article)",
    "SELECT a.id, s.rowid, s.snippet FROM article a, search(a.body, 2) s",
    "SELECT rowid, title, vector FROM search",
    "UPDATE article SET id = 7 WHERE id = 3",
    "UPDATE article SET title = 'other' WHERE id = 1",
    "INSERT OR REPLACE INTO article VALUES(8, 'eight', 'a loan', 4)",
    "INSERT INTO article VALUES(1, 'x', 'y', 9) ON CONFLICT(id) DO UPDATE SET body = 'upserted'",
    "DELETE FROM article WHERE id = 2",
    "INSERT INTO search(search) VALUES('drop-triggers')",
    "BEGIN; UPDATE article SET body = 'unnoticed ' || id; INSERT INTO search(search, rank) "
    "VALUES('sync', 1); INSERT INTO search(search) VALUES('sync'); COMMIT",
    "INSERT INTO search(search) VALUES('triggers')",
    "INSERT INTO search(search, rank) VALUES('rebuild', 2)",
    "UPDATE article SET body = 'the tide' WHERE id = 7",
    "INSERT INTO search(search) VALUES('rebuild')",
    "ALTER TABLE article RENAME COLUMN body TO text",
    "SELECT rowid, body FROM search",
    "UPDATE article SET text = 'the shore' WHERE id = 1",
    "ALTER TABLE article RENAME COLUMN text TO body",
    "BEGIN; CREATE TABLE other(id INTEGER PRIMARY KEY, title, body); "
    "INSERT INTO search(search, rank) VALUES('content', 'other'); "
    "INSERT INTO search(search, rank) VALUES('content', 'article'); DROP TABLE other; COMMIT",
    "ALTER TABLE article RENAME TO essay",
    "INSERT INTO essay(id, body) VALUES(30, 'renamed')",
    "ALTER TABLE essay RENAME TO article",
    "ALTER TABLE article RENAME COLUMN id TO number",
    "DELETE FROM article WHERE number = 30",
    "ALTER TABLE article RENAME COLUMN number TO id",
    "BEGIN; SAVEPOINT s; DELETE FROM article; SELECT rowid FROM search('beach', 2); "
    "ROLLBACK TO s; INSERT INTO article(id, body) VALUES(31, 'after all'); RELEASE s; COMMIT",
    "SELECT a.id, s.distance FROM article a LEFT JOIN search s ON s.rowid = a.id AND "
    "s.search MATCH 'money'",
    "VACUUM",
    "ALTER TABLE search RENAME TO found",
    "DROP TABLE found",
    NULL,
};
static const char *const external_shown[] = {
    "SELECT * FROM article",
    "INSERT INTO search(search) VALUES('integrity-check')",
    "SELECT rowid, title, body, vector FROM search",
    "SELECT rowid, distance, snippet FROM search WHERE search MATCH 'the bank' AND k = 3",
    "INSERT INTO found(found) VALUES('integrity-check')",
    "SELECT rowid, distance, snippet FROM found WHERE found MATCH 'the bank' AND k = 3",
    NULL,
};

/* ---- Vectors only ---------------------------------------------------------------------- */

static const char *const bare_acts[] = {
    "CREATE VIRTUAL TABLE bare USING semantic(body, model='', content='', metric='l2')",
    "INSERT INTO bare(rowid, body, vector) " VECTORS(1, 9),
    "INSERT INTO bare(body, vector) VALUES('last', '[1, 2, 3, 4]')",
    "SELECT rowid, distance FROM bare WHERE bare MATCH vector('[1, 1, 0, 0]') AND "
    "among = '[4, 5]'",
    "SELECT rowid, vector FROM bare",
    "SELECT b.rowid, s.rowid FROM bare b, bare(b.vector, 3) s WHERE b.rowid < 4",
    "UPDATE bare SET vector = '[4, 3, 2, 1]' WHERE rowid = 3",
    "UPDATE bare SET rowid = rowid + 100 WHERE rowid > 7",
    "DELETE FROM bare WHERE rowid IN (1, 2)",
    "INSERT INTO bare(bare) VALUES('optimize')",
    "INSERT INTO bare(bare, rank) VALUES('rebuild', 3)",
    "INSERT INTO bare(rowid, vector) VALUES(200, '[0, 1, 0, 1]')",
    "INSERT INTO bare(bare, rank) VALUES('rebuild', 100)",
    "INSERT INTO bare(bare) VALUES('rebuild')",
    "DELETE FROM bare WHERE rowid IN (SELECT rowid FROM bare(vector('[4, 3, 2, 1]'), 2))",
    "VACUUM",
    "INSERT INTO bare(bare) VALUES('delete-all')",
    "DROP TABLE bare",
    NULL,
};
static const char *const bare_shown[] = {
    "INSERT INTO bare(bare) VALUES('integrity-check')",
    "SELECT rowid, vector FROM bare",
    "SELECT rowid, distance FROM bare WHERE bare MATCH vector('[1, 1, 0, 0]') LIMIT 5",
    NULL,
};

/* ---- Words ----------------------------------------------------------------------------- */

static const char *const words_acts[] = {
    "CREATE VIRTUAL TABLE words USING semantic(title, body, model='tiny', fts=1)",
    "INSERT INTO words(title, body) VALUES('one', 'the bank'), ('two', 'a river'), "
    "(NULL, 'bread')",
    "SELECT rowid, bm25_rank, semantic_rank, score, distance, snippet FROM words "
    "WHERE words MATCH 'the river' AND k = 2",
    "SELECT rowid, rank FROM words WHERE words MATCH 'bank' ORDER BY rank LIMIT 2",
    "UPDATE words SET body = 'the bank of the river' WHERE rowid = 2",
    "UPDATE words SET rowid = 9 WHERE rowid = 1",
    "DELETE FROM words WHERE rowid = 3",
    "INSERT OR REPLACE INTO words(rowid, body) VALUES(9, 'flour')",
    "INSERT INTO words(words, rank) VALUES('weights', '1,0.5')",
    "INSERT INTO words(words) VALUES('rebuild')",
    "INSERT INTO words(words, rank) VALUES('rebuild', 1)",
    "UPDATE words SET body = 'changed meanwhile' WHERE rowid = 2",
    "INSERT INTO words(words, rank) VALUES('rebuild', 100)",
    "INSERT OR IGNORE INTO words(rowid, body) VALUES(9, 'not this'), (10, 'but this')",
    "BEGIN; SAVEPOINT s; INSERT INTO words(body) VALUES('gone'); SELECT rowid FROM words "
    "WHERE words MATCH 'gone' AND k = 1; ROLLBACK TO s; INSERT INTO words(body) "
    "VALUES('here'); RELEASE s; COMMIT",
    "VACUUM",
    "ALTER TABLE words RENAME TO texts",
    "INSERT INTO texts(texts) VALUES('delete-all')",
    "DROP TABLE texts",
    NULL,
};
static const char *const words_shown[] = {
    "INSERT INTO words(words) VALUES('integrity-check')",
    "SELECT rowid, title, body, vector FROM words",
    "SELECT rowid, bm25_rank, semantic_rank, score FROM words WHERE words MATCH 'the river'",
    "SELECT rowid FROM words_fts WHERE words_fts MATCH 'bank OR river'",
    "INSERT INTO texts(texts) VALUES('integrity-check')",
    "SELECT rowid, bm25_rank, semantic_rank FROM texts WHERE texts MATCH 'the river'",
    NULL,
};

static const char *const hybrid_acts[] = {
    "BEGIN; CREATE VIRTUAL TABLE both USING semantic(body, model='tiny', content='article', "
    "content_rowid='id', hybrid='article_fts', weights='1,2'); INSERT INTO both(both) "
    "VALUES('rebuild'); COMMIT",
    "SELECT rowid, bm25_rank, semantic_rank, score, body FROM both WHERE both MATCH 'the bank' "
    "AND k = 2",
    "SELECT rowid FROM both WHERE both MATCH 'bank' LIMIT 3",
    "SELECT q.value, s.rowid FROM json_each('[\"bank\", \"sea\"]') q, both(q.value, 2) s",
    "INSERT INTO both(both) VALUES('triggers')",
    "CREATE TRIGGER article_fts_au AFTER UPDATE ON article BEGIN INSERT INTO "
    "article_fts(article_fts, rowid, body) VALUES('delete', old.id, old.body); INSERT INTO "
    "article_fts(rowid, body) VALUES(new.id, new.body); END",
    "UPDATE article SET body = 'the shore' WHERE id = 2",
    "INSERT INTO both(both) VALUES('sync')",
    "INSERT INTO both(both) VALUES('rebuild')",
    "DROP TABLE both",
    NULL,
};
static const char *const hybrid_shown[] = {
    "INSERT INTO both(both) VALUES('integrity-check')",
    "SELECT rowid, bm25_rank, semantic_rank, score FROM both WHERE both MATCH 'the bank'",
    NULL,
};

/* ---- Lists ----------------------------------------------------------------------------- */

static const char *const list_acts[] = {
    "CREATE VIRTUAL TABLE lists USING semantic(body, model='', index='ivf', cache=100000)",
    "INSERT INTO lists(rowid, body, vector) " VECTORS(1, 400),
    "INSERT INTO lists(lists) VALUES('optimize')",
    "SELECT rowid, distance FROM lists WHERE lists MATCH vector('[1, 1, 0, 0]') AND k = 5",
    "SELECT rowid FROM lists WHERE lists MATCH vector('[1, 1, 0, 0]') AND k = 30 AND "
    "rowid > 390",
    "DELETE FROM lists WHERE rowid BETWEEN 10 AND 40",
    "INSERT INTO lists(rowid, body, vector) " VECTORS(500, 520),
    "INSERT INTO lists(lists, rank) VALUES('optimize', 5)",
    "SELECT rowid, distance FROM lists WHERE lists MATCH vector('[1, 1, 0, 0]')",
    "INSERT INTO lists(lists, rank) VALUES('optimize', 100000)",
    "INSERT INTO lists(lists, rank) VALUES('probes', 1)",
    "INSERT INTO lists(lists, rank) VALUES('probes', 0)",
    "INSERT INTO lists(lists, rank) VALUES('rebuild', 300)",
    "INSERT INTO lists(lists, rank) VALUES('rebuild', 300)",
    "INSERT INTO lists(lists) VALUES('delete-all')",
    "DROP TABLE lists",
    NULL,
};
static const char *const list_shown[] = {
    "INSERT INTO lists(lists) VALUES('integrity-check')",
    "SELECT rowid, vector FROM lists",
    "SELECT rowid, distance FROM lists WHERE lists MATCH vector('[1, 1, 0, 0]') AND k = 3",
    NULL,
};

/* ---- By hand, int8; bits --------------------------------------------------------------- */

static const char *const hand_acts[] = {
    "CREATE VIRTUAL TABLE hand USING semantic(body, model='tiny', embed='manual', "
    "quantize='int8')",
    "CREATE VIRTUAL TABLE bits USING semantic(body, model='tiny', quantize='bit')",
    "INSERT INTO hand(body) VALUES('the bank'), ('a river'), ('bread')",
    "INSERT INTO bits(body) SELECT body FROM hand",
    "INSERT INTO hand(hand, rank) VALUES('sync', 2)",
    "INSERT INTO hand(hand) VALUES('sync')",
    "SELECT rowid, distance, vector FROM hand WHERE hand MATCH 'money' AND k = 2",
    "SELECT rowid, distance, vector FROM bits WHERE bits MATCH 'money' AND k = 2",
    "UPDATE bits SET body = 'flour' WHERE rowid = 3",
    "DELETE FROM hand WHERE rowid = 1",
    "UPDATE hand SET body = 'a loan' WHERE rowid = 2",
    "SELECT rowid, body, vector FROM hand",
    "INSERT INTO hand(hand, rank) VALUES('rebuild', 1)",
    "INSERT INTO hand(hand) VALUES('sync')",
    "INSERT INTO hand(hand) VALUES('rebuild')",
    "INSERT INTO bits(bits, rank) VALUES('rebuild', 2)",
    "INSERT INTO bits(bits, rank) VALUES('rebuild', 100)",
    "INSERT INTO bits(bits) VALUES('optimize')",
    "INSERT INTO bits(bits) VALUES('delete-all')",
    "ALTER TABLE hand RENAME TO arm",
    "DROP TABLE arm",
    "DROP TABLE bits",
    NULL,
};
static const char *const hand_shown[] = {
    "INSERT INTO hand(hand) VALUES('integrity-check')",
    "SELECT rowid, body, vector FROM hand",
    "SELECT rowid, distance FROM hand WHERE hand MATCH 'the bank' AND k = 3",
    "INSERT INTO bits(bits) VALUES('integrity-check')",
    "SELECT rowid, distance, vector FROM bits WHERE bits MATCH 'the bank'",
    NULL,
};

/* ---- Late interaction, and what needs no index ----------------------------------------- */

static const char *const late_acts[] = {
    "CREATE VIRTUAL TABLE late USING semantic(body, model='tiny', chunk=16, overlap=4, late=1)",
    "INSERT INTO late(body) VALUES('the bank'), ('" LONG_TEXT "')",
    "SELECT rowid, snippet, distance, chunk_start FROM late WHERE late MATCH 'words' AND k = 2",
    "SELECT semantic_highlight(snippet, 'money', '[', ']', 'tiny') FROM late('money', 2)",
    "SELECT maxsim('the bank', 'money of the bank', 'tiny')",
    "SELECT token_a, token_b, cosine FROM align('the bank', 'money of the bank', 'tiny')",
    "SELECT rowid, semantic_rank(article_fts, 'money') FROM article_fts "
    "WHERE article_fts MATCH 'bank OR sea' ORDER BY 2",
    "SELECT rowid, semantic_rank(article_fts, 'money', 'body') FROM article_fts "
    "WHERE article_fts MATCH 'bank'",
    "SELECT rowid, semantic_rank(article_fts, 'money', 'late') FROM article_fts "
    "WHERE article_fts MATCH 'bank OR sea'",
    "UPDATE late SET body = 'the shore. ' || body WHERE rowid = 2",
    "INSERT INTO late(late, rank) VALUES('rebuild', 1)",
    "INSERT INTO late(late, rank) VALUES('rebuild', 9)",
    "DELETE FROM late WHERE rowid = 1",
    "INSERT INTO late(late) VALUES('optimize')",
    "DROP TABLE late",
    NULL,
};
static const char *const late_shown[] = {
    "INSERT INTO late(late) VALUES('integrity-check')",
    "SELECT rowid, body, vector FROM late",
    "SELECT rowid, distance, snippet FROM late WHERE late MATCH 'the bank'",
    NULL,
};

/* ---- A database in UTF-16: texts are converted as they are read ------------------------ */

static const char *const wide_acts[] = {
    "CREATE VIRTUAL TABLE words USING semantic(title, body, model='tiny', fts=1, chunk=16)",
    "CREATE VIRTUAL TABLE bare USING semantic(body, model='tiny', content='')",
    "INSERT INTO words(title, body) VALUES('one', 'the bank'), ('two', '" LONG_TEXT "')",
    "INSERT INTO bare(rowid, body) VALUES(1, 'the bank'), (2, 'a river')",
    "SELECT rowid, snippet, score, bm25_rank FROM words WHERE words MATCH 'the river' AND k = 2",
    "SELECT rowid FROM words WHERE words MATCH 'bank' AND among = '[1, 2]'",
    "UPDATE words SET body = 'flour' WHERE rowid = 1",
    "INSERT INTO words(words) VALUES('rebuild')",
    "SELECT semantic_highlight('a loan of the bank', 'money', '[', ']', 'tiny')",
    "SELECT rowid, semantic_rank(words_fts, 'money') FROM words_fts WHERE words_fts MATCH 'flour'",
    "BEGIN; CREATE VIRTUAL TABLE both USING semantic(body, model='tiny', content='article', "
    "content_rowid='id', hybrid='article_fts'); INSERT INTO both(both) VALUES('rebuild'); COMMIT",
    "INSERT INTO both(both) VALUES('triggers')",
    "SELECT rowid, bm25_rank, semantic_rank, snippet FROM both WHERE both MATCH 'the bank'",
    "INSERT INTO bare(bare, rank) VALUES('rebuild', 1)",
    "INSERT INTO bare(rowid, body) VALUES(3, 'meanwhile')",
    "INSERT INTO bare(bare, rank) VALUES('rebuild', 9)",
    "ALTER TABLE both RENAME TO two",
    "DROP TABLE words",
    NULL,
};

static const char *const wide_shown[] = {
    "INSERT INTO words(words) VALUES('integrity-check')",
    "SELECT rowid, title, body, vector FROM words",
    "SELECT rowid, bm25_rank, semantic_rank, score, snippet FROM words "
    "WHERE words MATCH 'the river'",
    "INSERT INTO bare(bare) VALUES('integrity-check')",
    "SELECT rowid, distance, vector FROM bare WHERE bare MATCH 'the river'",
    "INSERT INTO both(both) VALUES('integrity-check')",
    "SELECT rowid, bm25_rank, semantic_rank, body FROM both WHERE both MATCH 'the river'",
    NULL,
};

/* ---- Other databases, models, triggers -------------------------------------------------- */

static const char *const other_acts[] = {
    "CREATE VIRTUAL TABLE own USING semantic(body, model='tiny')",
    "INSERT INTO own(body) VALUES('the bank'), ('a river'), ('bread'), ('the tide')",
    "ATTACH ':memory:' AS far; CREATE VIRTUAL TABLE far.away USING semantic(body, model='tiny', "
    "fts=1); INSERT INTO far.away(body) SELECT body FROM own; INSERT INTO far.away(away) "
    "VALUES('rebuild'); SELECT rowid, distance FROM far.away WHERE away MATCH 'money' AND k = 2; "
    "BEGIN; INSERT INTO far.away(body) VALUES('the sea'); INSERT INTO own(body) SELECT body FROM "
    "far.away; SELECT rowid FROM own('money', 2); ROLLBACK; ALTER TABLE far.away RENAME TO gone; "
    "DROP TABLE far.gone; DETACH far",
    "CREATE VIRTUAL TABLE temp.passing USING semantic(body, model='tiny'); INSERT INTO "
    "passing(body) SELECT body FROM own; SELECT rowid, distance FROM passing('money', 2); "
    "DROP TABLE passing",
    "SELECT embed_model_save('tiny', place('saved')); SELECT embed_model('again', "
    "place('saved')); SELECT embed('the bank', 'again'); SELECT embed_model_drop('again')",
    "SELECT embed_model('other', place('golden/modernbert')); SELECT embed('the bank', "
    "'other'); SELECT embed_model_drop('other')",
    "BEGIN; SELECT embed_model_drop('tiny'), embed_model('tiny', place('golden/modernbert')); "
    "INSERT INTO own(own) VALUES('rebuild'); SELECT rowid, distance FROM own('money', 2); "
    "SELECT embed_model_drop('tiny'), embed_model('tiny', place('golden/bert')); "
    "INSERT INTO own(own) VALUES('rebuild'); COMMIT",
    "CREATE TABLE log(id, distance)",
    "CREATE TRIGGER answer AFTER INSERT ON log BEGIN UPDATE own SET body = 'seen ' || new.id "
    "WHERE rowid = new.id; DELETE FROM own WHERE rowid = 4 AND new.id = 2; END",
    "INSERT INTO log SELECT rowid, distance FROM own WHERE own MATCH 'money'",
    "INSERT INTO own(body) SELECT s.body || '!' FROM log l, own(l.id, 1) s",
    "UPDATE own SET body = 'nearest' WHERE rowid IN (SELECT rowid FROM own('seen', 1))",
    "SELECT \"index\", rows, bytes FROM semantic_status",
    "DROP TABLE own",
    NULL,
};
static const char *const other_shown[] = {
    "INSERT INTO own(own) VALUES('integrity-check')",
    "SELECT rowid, body, vector FROM own",
    "SELECT rowid, distance FROM own WHERE own MATCH 'the bank' AND k = 3",
    "SELECT * FROM log",
    NULL,
};

/* ---- A view of a table without row ids --------------------------------------------------- */

static const char *const view_acts[] = {
    "BEGIN; CREATE VIRTUAL TABLE search USING semantic(text, model='tiny', content='seen', "
    "content_rowid='number', fts=1); INSERT INTO search(search) VALUES('rebuild'); COMMIT",
    "BEGIN; UPDATE base SET text = 'the tide' WHERE number = 2; DELETE FROM base WHERE number = "
    "1; INSERT INTO base VALUES(5, 'flour'), (6, 'a loan'); INSERT INTO search(search, rank) "
    "VALUES('sync', 1); SELECT rowid FROM search('money', 2); INSERT INTO search(search) "
    "VALUES('sync'); COMMIT",
    "SELECT rowid, text, distance, bm25_rank FROM search WHERE search MATCH 'the tide' AND k = 2",
    "SELECT rowid FROM search WHERE search MATCH 'money' AND rowid IN (SELECT number FROM base)",
    "INSERT INTO search(search, rank) VALUES('rebuild', 2)",
    "INSERT INTO search(search, rank) VALUES('rebuild', 2)",
    "DROP TABLE search",
    NULL,
};
static const char *const view_shown[] = {
    "INSERT INTO search(search) VALUES('integrity-check')",
    "SELECT rowid, text, vector FROM search",
    "SELECT rowid, distance, bm25_rank FROM search WHERE search MATCH 'the tide' AND k = 3",
    "SELECT * FROM base",
    NULL,
};

/* ---- More rows than wait or are made anew at a time --------------------------------------- */

#define TEXTS(first, last)                                                                 \
    "WITH RECURSIVE n(i) AS (SELECT " #first " UNION ALL SELECT i + 1 FROM n WHERE i < "   \
    #last ") SELECT i, 'text ' || (i % 9) FROM n"

static const char *const many_acts[] = {
    "CREATE VIRTUAL TABLE many USING semantic(body, model='tiny')",
    "INSERT INTO many(rowid, body) " TEXTS(1, 1100),
    "INSERT INTO many(many) VALUES('rebuild')",
    "DELETE FROM many WHERE rowid % 4 <> 0",
    "INSERT INTO many(many) VALUES('optimize')",
    NULL,
};
static const char *const many_shown[] = {
    "INSERT INTO many(many) VALUES('integrity-check')",
    "SELECT count(*), sum(rowid), max(body) FROM many",
    "SELECT rowid, distance FROM many WHERE many MATCH 'text' AND k = 20",
    NULL,
};

#define ARTICLE                                                                            \
    "CREATE TABLE article(id INTEGER PRIMARY KEY, title, body, note UNIQUE);"
#define ARTICLE_FTS                                                                        \
    ARTICLE "CREATE VIRTUAL TABLE article_fts USING fts5(body, content='article', "        \
    "content_rowid='id'); INSERT INTO article VALUES(1, 'one', 'the bank', 1), "           \
    "(2, 'two', 'the sea', 2), (3, 'three', 'the bank of the river', 3); "                 \
    "INSERT INTO article_fts(article_fts) VALUES('rebuild');"

const scenario scenarios[] = {
    {"its own content", "", own_acts, own_shown,
     "INSERT INTO own(rowid, body) VALUES(90, 'waits'); "
     "UPDATE own SET body = 'waits, too' WHERE rowid = 2", false, 0},
    {"external content", ARTICLE, external_acts, external_shown,
     "INSERT INTO article(id, body) SELECT 90, 'waits' FROM sqlite_master WHERE "
     "name = 'search_ai'; UPDATE article SET body = 'waits, too' WHERE id = 90", false, 0},
    {"vectors only", "", bare_acts, bare_shown,
     "INSERT INTO bare(rowid, vector) VALUES(90, '[1, 1, 1, 1]'); "
     "DELETE FROM bare WHERE rowid = 5", false, 0},
    {"words", "", words_acts, words_shown,
     "INSERT INTO words(rowid, body) VALUES(90, 'the river waits'); "
     "UPDATE words SET body = 'waits, too' WHERE rowid = 2", true, 0},
    {"words kept elsewhere", ARTICLE_FTS, hybrid_acts, hybrid_shown, NULL, true, 0},
    {"lists", "", list_acts, list_shown,
     "INSERT INTO lists(rowid, vector) VALUES(990, '[1, 1, 1, 1]'); "
     "DELETE FROM lists WHERE rowid = 5", false, 0},
    {"codes", "", hand_acts, hand_shown,
     "INSERT INTO hand(rowid, body) VALUES(90, 'waits'); "
     "INSERT INTO bits(rowid, body) VALUES(90, 'waits')", false, 0},
    {"late interaction", ARTICLE_FTS, late_acts, late_shown,
     "INSERT INTO late(rowid, body) VALUES(90, 'waits')", false, 0},
    {"UTF-16", "PRAGMA encoding = 'UTF-16'; " ARTICLE_FTS, wide_acts, wide_shown,
     "INSERT INTO words(rowid, body) VALUES(90, 'the river waits'); "
     "INSERT INTO bare(rowid, body) VALUES(90, 'waits')", true, 0},
    {"others beside it", "", other_acts, other_shown,
     "INSERT INTO own(rowid, body) VALUES(90, 'waits')", false, 0},
    {"a view",
     "CREATE TABLE base(number INTEGER PRIMARY KEY NOT NULL, text) WITHOUT ROWID; INSERT INTO "
     "base VALUES(1, 'the bank'), (2, 'a river'), (3, 'bread'), (4, NULL); CREATE VIEW seen AS "
     "SELECT number, text FROM base WHERE text IS NOT NULL",
     view_acts, view_shown, NULL, true, 0},
    {"many rows", "", many_acts, many_shown, NULL, false, 40},
};
const int scenario_count = sizeof scenarios / sizeof *scenarios;
