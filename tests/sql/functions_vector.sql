-- Vectors as values: comparing, making, converting, aggregating. Every row is a sentence and
-- whether it holds.
-- model: none

-- ---- What a vector is ----
SELECT 'vector: JSON becomes little-endian float32',
       vector('[1, -2.5]') = x'0000803f000020c0';
SELECT 'vector: a BLOB of float32 passes through', vector(x'0000803f') = x'0000803f';
SELECT 'vector: white space around and inside the JSON is fine',
       vector(char(9) || ' [ 1 , 2 ] ' || char(10)) = vector('[1,2]');
SELECT 'vector: whole numbers beyond 64 bits are numbers too',
       vector('[100000000000000000000]') = vector('[1e20]');
SELECT 'vector: NULL in, NULL out', vector(NULL) IS NULL;
SELECT 'vector: the smallest and largest float32 are kept',
       vector_json(vector('[1e-45, 3.4028235e38]')) = '[1e-45,3.4028235e38]';
SELECT 'vector_int8: a BLOB is marked, its bytes stay', vector_int8(x'7f80ff') = x'7f80ff';
SELECT 'vector_int8: JSON of whole numbers from -128 to 127',
       vector_int8('[127, -128, -1, 5.0]') = x'7f80ff05';
SELECT 'vector_bit: a BLOB is marked, its bytes stay', vector_bit(x'0fa0') = x'0fa0';
SELECT 'vector_bit: element 0 is the lowest bit of the first byte',
       vector_bit('[1,0,0,0,0,0,0,0, 1,1,0,0,0,0,0,1]') = x'0183';
SELECT 'vector_int8, vector_bit: NULL in, NULL out',
       vector_int8(NULL) IS NULL AND vector_bit(NULL) IS NULL;
SELECT 'vector_length: elements of float32, int8 and bit vectors',
       vector_length('[1,2,3]') = 3 AND vector_length(x'0000803f') = 1
       AND vector_length(vector_int8(x'010203')) = 3
       AND vector_length(vector_bit(x'0f')) = 8;
SELECT 'vector_length: NULL in, NULL out', vector_length(NULL) IS NULL;

CREATE TABLE stored(v);
INSERT INTO stored VALUES (vector('[3,4]')), ('[3,4]'), (vector_int8('[3,4]'));
SELECT 'a stored float32 BLOB and JSON text are read alike',
       (SELECT min(l2_distance(v, '[0,0]') = 5) FROM stored WHERE rowid <= 2);
SELECT 'a stored int8 BLOB has lost its mark and gets it back from vector_int8',
       l2_distance(vector_int8(v), vector_int8('[0,0]')) = 5 FROM stored WHERE rowid = 3;
-- error: cosine: argument 1 is 2 bytes, not a multiple of 4 (float32 vector)
SELECT cosine(v, '[3,4]') FROM stored WHERE rowid = 3;

-- ---- vector_json ----
SELECT 'vector_json: the fewest digits that read back to the same float32',
       vector_json('[0.1, 0.33333334, 16777217, 1e-40, 3e38, 0.00012, 100, 1e9]')
       = '[0.1,0.33333334,16777216,1e-40,3e38,0.00012,100,1e9]';
SELECT 'vector_json: negative zero keeps its sign', vector_json(x'00000080') = '[-0]';
SELECT 'vector_json: int8 and bit vectors are whole numbers',
       vector_json(vector_int8(x'7f80')) = '[127,-128]'
       AND vector_json(vector_bit(x'05')) = '[1,0,1,0,0,0,0,0]';
SELECT 'vector_json: SQLite''s JSON functions see an array, not a string',
       json_array(vector_json('[1,2]')) = '[[1,2]]';
SELECT 'vector_json: json_each reads what it wrote',
       (SELECT sum(value) FROM json_each(vector_json('[1.5, 2, -0.25]'))) = 3.25;
SELECT 'vector_json: NULL in, NULL out', vector_json(NULL) IS NULL;
WITH RECURSIVE
  seed(i, x) AS (VALUES (0, 12345)
                 UNION ALL SELECT i + 1, (x * 1103515245 + 12345) & 0x7fffffff
                 FROM seed WHERE i < 2000),
  random(v) AS (SELECT vector('[' || group_concat((x - 1073741824) * 1e-9) || ']') FROM seed)
SELECT 'vector_json: 2001 numbers read back to the same bytes',
       vector(vector_json(v)) = v AND vector_length(v) = 2001 FROM random;

WITH RECURSIVE
  power(i, x) AS (VALUES (0, 1.401298464324817e-45)
                  UNION ALL SELECT i + 1, x * 2 FROM power WHERE i < 276),
  powers(v) AS (SELECT vector('[' || group_concat(x) || ']') FROM power)
SELECT 'vector_json: every power of two, 2^-149 to 2^127, reads back to the same bytes',
       vector(vector_json(v)) = v AND vector_length(v) = 277 FROM powers;

-- ---- Comparing ----
SELECT 'cosine: 1 for the same direction, whatever the length',
       cosine('[1,2,3]', '[2,4,6]') = 1;
SELECT 'cosine: 0 at a right angle, -1 for opposites',
       cosine('[1,0]', '[0,5]') = 0 AND cosine('[1,2]', '[-1,-2]') = -1;
SELECT 'cosine: 45 degrees', abs(cosine('[1,0]', '[1,1]') - sqrt(0.5)) < 1e-15;
SELECT 'cosine: stays in [-1, 1] and right for huge and tiny elements',
       cosine('[1e38,1e38]', '[3e38,3e38]') = 1 AND cosine('[1e-40,0]', '[1e-45,0]') = 1
       AND abs(cosine('[1e38,0]', '[1e-40,1e-40]') - sqrt(0.5)) < 1e-15;
SELECT 'cosine: NULL for a zero vector',
       cosine('[0,0]', '[1,2]') IS NULL AND cosine('[1,2]', '[0,0]') IS NULL
       AND cosine(vector_int8('[0]'), vector_int8('[1]')) IS NULL;
SELECT 'cosine: NULL in, NULL out',
       cosine(NULL, '[1]') IS NULL AND cosine('[1]', NULL) IS NULL
       AND cosine(NULL, NULL) IS NULL;
SELECT 'cosine: of int8 vectors',
       abs(cosine(vector_int8('[100,0]'), vector_int8('[-100,100]')) + sqrt(0.5)) < 1e-15
       AND cosine(vector_int8('[-128]'), vector_int8('[-128]')) = 1;
SELECT 'cosine: of bit vectors, as +1 and -1',
       cosine(vector_bit(x'0f'), vector_bit(x'0f')) = 1
       AND cosine(vector_bit(x'0f'), vector_bit(x'ff')) = 0
       AND cosine(vector_bit(x'0f'), vector_bit(x'f0')) = -1;
SELECT 'cosine_distance: 1 - cosine; NULL for a zero vector',
       cosine_distance('[1,2]', '[2,4]') = 0 AND cosine_distance('[1,0]', '[0,1]') = 1
       AND cosine_distance('[1,0]', '[-1,0]') = 2
       AND cosine_distance('[0]', '[1]') IS NULL;
SELECT 'dot: the sum of products, negative ones too',
       dot('[1,2,3]', '[4,-5,6]') = 12 AND dot('[0,0]', '[1,2]') = 0
       AND dot(vector_int8('[-128,127]'), vector_int8('[-128,127]')) = 16384 + 16129;
SELECT 'dot: sums are carried in double',
       dot('[16777216,1]', '[1,1]') = 16777217 AND dot('[3e38,1]', '[3e38,1]') > 8.9e76;
SELECT 'l2_distance: Euclid''s',
       l2_distance('[1,2]', '[4,6]') = 5 AND l2_distance('[1]', '[1]') = 0
       AND l2_distance(vector_int8('[-128]'), vector_int8('[127]')) = 255;
SELECT 'l1_distance: the sum of differences',
       l1_distance('[1,2]', '[4,-6]') = 11
       AND l1_distance(vector_int8('[-128,5]'), vector_int8('[127,4]')) = 256;
SELECT 'hamming_distance: bits that differ',
       hamming_distance(vector_bit(x'0ff0'), vector_bit(x'ff00')) = 8
       AND hamming_distance(vector_bit(x'ff'), vector_bit(x'ff')) = 0;
SELECT 'every distance: NULL in, NULL out',
       cosine_distance(NULL, '[1]') IS NULL AND dot('[1]', NULL) IS NULL
       AND l2_distance(NULL, '[1]') IS NULL AND l1_distance('[1]', NULL) IS NULL
       AND hamming_distance(NULL, NULL) IS NULL;
SELECT 'a JSON argument that changes from row to row is read anew in each',
       group_concat(dot(v, '[1,10]'), ' ') = '21.0 43.0 65.0'
       FROM (SELECT '[1,2]' AS v UNION ALL SELECT '[3,4]' UNION ALL SELECT '[5,6]');
WITH RECURSIVE lengths(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM lengths WHERE n < 130),
  pairs(n, a, b) AS (
    SELECT n, vector('[' || (SELECT group_concat(l.n % 7 - 3) FROM lengths AS l
                             WHERE l.n <= k.n) || ']'),
              vector('[' || (SELECT group_concat(l.n % 5 - 2) FROM lengths AS l
                             WHERE l.n <= k.n) || ']')
    FROM lengths AS k)
SELECT 'dot, l1_distance: right for every length from 1 to 130',
       min(dot(a, b) = (SELECT sum((l.n % 7 - 3) * (l.n % 5 - 2)) FROM lengths AS l
                        WHERE l.n <= p.n)
           AND l1_distance(a, b) = (SELECT sum(abs((l.n % 7 - 3) - (l.n % 5 - 2)))
                                    FROM lengths AS l WHERE l.n <= p.n))
       FROM pairs AS p;

-- ---- Computing ----
SELECT 'vector_add, vector_sub: element by element',
       vector_json(vector_add('[1,2]', '[3,-4]')) = '[4,-2]'
       AND vector_json(vector_sub('[1,2]', '[3,-4]')) = '[-2,6]';
SELECT 'vector_add, vector_sub: int8 stays int8 and saturates',
       vector_json(vector_add(vector_int8('[100,-100,1]'), vector_int8('[100,-100,1]')))
       = '[127,-128,2]'
       AND vector_json(vector_sub(vector_int8('[-128,0]'), vector_int8('[127,-128]')))
       = '[-128,127]';
SELECT 'vector_scale: by a number, or text that is one',
       vector_json(vector_scale('[1,-2]', 2.5)) = '[2.5,-5]'
       AND vector_json(vector_scale('[1,-2]', '2')) = '[2,-4]';
SELECT 'vector_normalize: to length 1', vector_json(vector_normalize('[3,4]')) = '[0.6,0.8]';
SELECT 'vector_normalize: huge and tiny vectors too',
       vector_json(vector_normalize('[3e38,0]')) = '[1,0]'
       AND vector_json(vector_normalize('[0,-1e-45]')) = '[0,-1]';
SELECT 'vector_normalize: a zero vector has no direction: NULL',
       vector_normalize('[0,0]') IS NULL;
SELECT 'vector_slice: elements start to end - 1, counted from 0',
       vector_json(vector_slice('[10,20,30,40]', 1, 3)) = '[20,30]'
       AND vector_slice(vector_int8(x'010203'), 0, 1) = x'01'
       AND vector_slice(vector_bit(x'0ff0'), 8, 16) = x'f0';
SELECT 'vector_slice, vector_normalize: Matryoshka by hand',
       vector_json(vector_normalize(vector_slice('[3,4,12]', 0, 2))) = '[0.6,0.8]';
SELECT 'vector_quantize: int8 by steps of 2/255, values outside [-1, 1] clamped',
       vector_json(vector_quantize('[-1,0,0.5,2,-2]', 'int8')) = '[-128,0,63,127,-128]';
SELECT 'vector_quantize: a bit is 1 where the element is above 0',
       vector_quantize('[1,-1,0,0.5,-0,1e-45,2,-3]', 'bit') = x'69'
       AND vector_quantize(vector_int8('[1,-1,0,5,0,1,2,-3]'), 'bit') = x'69';
SELECT 'vector_quantize: to the type it has is a copy',
       vector_quantize('[1,2]', 'float32') = vector('[1,2]')
       AND vector_quantize(vector_int8(x'01'), 'int8') = x'01'
       AND vector_quantize(vector_bit(x'01'), 'bit') = x'01';
SELECT 'vector_quantize: results are marked with their type',
       vector_length(vector_quantize('[1,1,1,1,1,1,1,1]', 'bit')) = 8
       AND vector_length(vector_quantize('[1,1,1]', 'int8')) = 3;
SELECT 'computing: NULL in, NULL out',
       vector_add(NULL, '[1]') IS NULL AND vector_sub('[1]', NULL) IS NULL
       AND vector_scale('[1]', NULL) IS NULL AND vector_normalize(NULL) IS NULL
       AND vector_slice('[1]', NULL, 1) IS NULL AND vector_slice('[1]', 0, NULL) IS NULL
       AND vector_quantize('[1]', NULL) IS NULL;

-- ---- Aggregates ----
SELECT 'vector_sum with weights is attention''s weighted sum of values',
       vector_json(vector_sum(column1, column2)) = '[0.845,0.155]'
       FROM (VALUES ('[1,0]', 0.51), ('[0.5,0.5]', 0.19), ('[0.8,0.2]', 0.30));
SELECT 'vector_sum without weights',
       vector_json(vector_sum(column1)) = '[4,6]' FROM (VALUES ('[1,2]'), (vector('[3,4]')));
SELECT 'vector_avg is the mean',
       vector_json(vector_avg(column1)) = '[2,3]' FROM (VALUES ('[1,2]'), ('[3,4]'));
SELECT 'aggregates: rows with a NULL are passed over',
       vector_json(vector_avg(v)) = '[2]' AND vector_json(vector_sum(v, w)) = '[1]'
       FROM (SELECT '[1]' AS v, 1 AS w UNION ALL SELECT NULL, 1 UNION ALL SELECT '[3]', NULL);
SELECT 'aggregates: no row gives NULL, as SQLite''s sum does',
       vector_sum(column1) IS NULL AND vector_avg(column1) IS NULL
       FROM (VALUES (NULL)) WHERE 0;
SELECT 'aggregates: nothing but NULL gives NULL',
       vector_sum(column1) IS NULL AND vector_avg(column1) IS NULL
       FROM (VALUES (NULL), (NULL));
SELECT 'aggregates: groups may differ in length',
       group_concat(s, ' ') = '[3] [2,2]'
       FROM (SELECT vector_json(vector_sum(column2)) AS s
             FROM (VALUES (1, '[1]'), (2, '[2,2]'), (1, '[2]')) GROUP BY column1);
SELECT 'vector_sum: what is large and goes again leaves no trace',
       vector_json(vector_sum(column1)) = '[1]'
       FROM (VALUES ('[1e30]'), ('[1]'), ('[-1e30]'));
SELECT 'vector_sum: a hundred thousand rows',
       vector_json(vector_sum(column1)) = '[100000]'
       FROM (WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
             SELECT '[1]' AS column1 FROM n);
SELECT 'vector_sum as a window function: rows come and go',
       group_concat(s, ' ') = '[1] [1e30] [1e30] [5] [3]'
       FROM (SELECT vector_json(vector_sum(column2)
                    OVER (ORDER BY column1 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)) AS s
             FROM (VALUES (1, '[1]'), (2, '[1e30]'), (3, '[2]'), (4, '[3]'), (5, NULL)));
SELECT 'vector_avg as a window function: an empty frame gives NULL',
       group_concat(coalesce(s, 'NULL'), ' ') = 'NULL [1,2] [3,4]'
       FROM (SELECT vector_json(vector_avg(column2)
                    OVER (ORDER BY column1 ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)) AS s
             FROM (VALUES (1, '[1,2]'), (2, '[3,4]'), (3, '[5,6]')));
SELECT 'vector_sum with weights as a window function',
       group_concat(s, ' ') = '[2] [8] [11]'
       FROM (SELECT vector_json(vector_sum(column2, column3)
                    OVER (ORDER BY column1 ROWS 1 PRECEDING)) AS s
             FROM (VALUES (1, '[1]', 2), (2, '[2]', 3), (3, '[5]', 1)));

-- ---- In a schema ----
CREATE TABLE documents(v BLOB, unit BLOB AS (vector_normalize(v)) STORED,
                       CHECK (vector_length(v) = 2));
INSERT INTO documents(v) VALUES (vector('[3,4]')), (vector('[0,2]'));
SELECT 'a stored generated column computes a vector',
       group_concat(vector_json(unit), ' ') = '[0.6,0.8] [0,1]' FROM documents;
CREATE INDEX nearness ON documents(cosine(v, '[1,0]'));
SELECT 'an index on cosine with a constant is allowed',
       (SELECT count(*) FROM documents WHERE cosine(v, '[1,0]') > 0.5) = 1;
CREATE VIEW lengths AS SELECT l2_distance(v, '[0,0]') AS length FROM documents;
PRAGMA trusted_schema = OFF;
SELECT 'a view may use them with trusted_schema off',
       (SELECT sum(length) FROM lengths) = 7;

-- ---- What is refused ----
-- error: cosine: argument 1 is 3 bytes, not a multiple of 4 (float32 vector)
SELECT cosine(x'000000', '[1]');
-- error: cosine: vectors differ in length: 384 and 768
SELECT cosine(zeroblob(1536), zeroblob(3072));
-- error: cosine: vectors differ in type: int8 and float32
SELECT cosine(vector_int8(x'0102'), '[1,2]');
-- error: cosine: argument 2 is not finite at index 3
SELECT cosine('[1,1,1,1]', x'0000803f0000803f0000803f0000c07f');
-- error: cosine: argument 1 is not finite at index 0
SELECT cosine(x'0000807f', x'00000000');
-- error: dot: argument 1 is not finite at index 1
SELECT dot(x'0000803f0000807f', '[1,0]');
-- error: l2_distance: argument 1 is not finite at index 0
SELECT l2_distance(x'0000807f', x'0000807f');
-- error: l1_distance: argument 2 is not finite at index 0
SELECT l1_distance('[1]', x'000080ff');
-- error: cosine: argument 1 is an empty vector
SELECT cosine(x'', x'');
-- error: cosine: argument 2 is an empty vector
SELECT cosine('[1]', ' [ ] ');
-- error: cosine: argument 1 must be a BLOB of float32 or a JSON array: got TEXT 'abc'
SELECT cosine('abc', '[1]');
-- error: cosine: argument 2 must be a BLOB of float32 or a JSON array: got INTEGER 42
SELECT cosine('[1]', 42);
-- error: cosine: argument 2 must be a BLOB of float32 or a JSON array: got REAL 4.5
SELECT cosine('[1]', 4.5);
-- error: cosine: argument 1 must be a BLOB of float32 or a JSON array: got TEXT 'a text that goes on and on and...'
SELECT cosine('a text that goes on and on and on', '[1]');
-- error: cosine: argument 1 is not a JSON array of numbers: ']' expected at byte 4
SELECT cosine('[1,2', '[1]');
-- error: cosine: argument 1 is not a JSON array of numbers: end of file expected at byte 7
SELECT cosine('[1,2] x', '[1]');
-- error: cosine: argument 1 is not a number at index 1
SELECT cosine('[1,"2"]', '[1]');
-- error: cosine: argument 1 is not a number at index 1
SELECT cosine('[1,null]', '[1]');
-- error: cosine: argument 1 is beyond float32 at index 1
SELECT cosine('[1,1e39]', '[1]');
-- error: cosine: argument 1 is not a JSON array of numbers: real number overflow at byte 8
SELECT cosine('[1,1e400]', '[1]');
-- error: hamming_distance: takes bit vectors, not float32
SELECT hamming_distance('[1]', '[2]');
-- error: l2_distance: takes float32 or int8 vectors, not bit
SELECT l2_distance(vector_bit(x'01'), vector_bit(x'03'));
-- error: vector: argument 1 is a vector of int8, not float32: vector_quantize converts
SELECT vector(vector_int8(x'01'));
-- error: vector_int8: argument 1 is a vector of float32, not int8: vector_quantize converts
SELECT vector_int8(vector('[1]'));
-- error: vector_int8: argument 1 is not a whole number from -128 to 127 at index 1
SELECT vector_int8('[1,128]');
-- error: vector_int8: argument 1 is not a whole number from -128 to 127 at index 0
SELECT vector_int8('[1.5]');
-- error: vector_int8: argument 1 must be a BLOB of int8 or a JSON array: got INTEGER 5
SELECT vector_int8(5);
-- error: vector_bit: argument 1 is neither 0 nor 1 at index 7
SELECT vector_bit('[1,0,0,0,0,0,0,2]');
-- error: vector_bit: argument 1 has 2 elements, not a multiple of 8 (bit vector)
SELECT vector_bit('[1,0]');
-- error: vector_json: argument 1 is not finite at index 0
SELECT vector_json(x'0000c07f');
-- error: vector_add: the result is beyond float32 at index 1
SELECT vector_add('[1,3e38]', '[1,3e38]');
-- error: vector_add: vectors differ in length: 1 and 2
SELECT vector_add('[1]', '[1,2]');
-- error: vector_add: takes float32 or int8 vectors, not bit
SELECT vector_add(vector_bit(x'01'), vector_bit(x'01'));
-- error: vector_scale: argument 2 (factor) must be a number: got TEXT 'x'
SELECT vector_scale('[1]', 'x');
-- error: vector_scale: argument 2 (factor) must be finite: got REAL Inf
SELECT vector_scale('[1]', 9e999);
-- error: vector_scale: the result is beyond float32 at index 0
SELECT vector_scale('[3e38]', 2);
-- error: vector_scale: takes float32 vectors, not int8
SELECT vector_scale(vector_int8(x'01'), 2);
-- error: vector_slice: start is 3, it must be from 0 to 2
SELECT vector_slice('[1,2,3]', 3, 4);
-- error: vector_slice: start is -1, it must be from 0 to 2
SELECT vector_slice('[1,2,3]', -1, 2);
-- error: vector_slice: end is 1, it must be from 2 to 3
SELECT vector_slice('[1,2,3]', 1, 1);
-- error: vector_slice: end is 9223372036854775807, it must be from 2 to 3
SELECT vector_slice('[1,2,3]', 1, 9223372036854775807);
-- error: vector_slice: argument 2 (start) must be a whole number: got REAL 1.5
SELECT vector_slice('[1,2,3]', 1.5, 3);
-- error: vector_slice: start and end of a bit vector must be multiples of 8: got 4 and 16
SELECT vector_slice(vector_bit(x'0ff0'), 4, 16);
-- error: vector_quantize: argument 2 (type) must be 'float32', 'int8' or 'bit': got TEXT 'int4'
SELECT vector_quantize('[1]', 'int4');
-- error: vector_quantize: a bit vector needs a multiple of 8 elements: argument 1 has 3
SELECT vector_quantize('[1,2,3]', 'bit');
-- error: vector_quantize: a vector of int8 can't become float32 again
SELECT vector_quantize(vector_int8(x'01'), 'float32');
-- error: vector_avg: vectors differ in length: 1 and 2
SELECT vector_avg(column1) FROM (VALUES ('[1]'), ('[1,2]'));
-- error: vector_avg: takes float32 vectors, not int8
SELECT vector_avg(vector_int8(x'01'));
-- error: vector_avg: argument 1 is not finite at index 0
SELECT vector_avg(x'0000c07f');
-- error: vector_sum: argument 2 (weight) must be a number: got TEXT 'heavy'
SELECT vector_sum('[1]', 'heavy');
-- error: vector_sum: the result is beyond float32 at index 0
SELECT vector_sum(column1) FROM (VALUES ('[3e38]'), ('[3e38]'));
-- error: vector_sum: argument 1 must be a BLOB of float32 or a JSON array: got TEXT 'x'
SELECT vector_sum(column1) OVER (ORDER BY column1 DESC) FROM (VALUES ('[1]'), ('x'));
SELECT 'after all these errors the connection goes on', cosine('[1]', '[1]') = 1;
