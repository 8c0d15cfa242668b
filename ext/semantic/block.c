/*
** block.c - see block.h.
*/
#include "block.h"

#include <string.h>

_Static_assert(sizeof(ctx_block_header) == CTX_HEADER_SIZE, "the header has no padding");
_Static_assert(sizeof(float) == 4, "vectors are float32");

/* ---- Geometry ---- */

enum {
    BLOCK_BYTES = 256 << 10, /* of codes */
    PART_BYTES = 16 << 10,
    MIN_ROWS = 64,
    MAX_ROWS = 4096,
    LIST_ROWS = 128,         /* a list's last block is half empty, as a rule */
    STEP = 16,               /* 4-byte arrays of so many slots keep to 64 bytes */
    PAGE = 4096              /* SQLite's default */
};

/* Bytes of the last page that a row of `size` bytes leaves unused: SQLite keeps the rest that
** fills no overflow page in the leaf, where it shares the page with as many as fit. */
static size_t wasted(size_t size)
{
    size_t most = PAGE - 35, least = (PAGE - 12) * 32 / 255 - 23, overflow = PAGE - 4;
    size_t local = size;
    if (size > most) {
        local = least + (size - least) % overflow;
        if (local > most)
            return overflow - (size - least) % overflow + (PAGE - 8) % (least + 12);
    }
    size_t cell = local + 12;
    size_t each = (PAGE - 8) / cell;
    return (PAGE - 8) / each - cell;
}

/* The divisor of `rows` whose parts are of a fitting size and waste least. */
static int choose_part_rows(int rows, size_t vector)
{
    int best = 1;
    double least = 1e300;
    for (int part = 1; part <= rows; part++) {
        size_t size = CTX_HEADER_SIZE + (size_t)part * (8 + vector);
        if (rows % part || (part > 1 && size > PART_BYTES * 3 / 2))
            continue;
        if (size < PART_BYTES * 2 / 3 && part < rows) { /* small parts are a last resort */
            best = least >= 1e300 ? part : best;
            continue;
        }
        double waste = (double)(wasted(size) + CTX_HEADER_SIZE) / part;
        if (waste < least) {
            least = waste;
            best = part;
        }
    }
    return best;
}

void ctx_storage_geometry(enum enc_vector_type codes, int dimensions, bool lists,
                          int *block_rows, int *part_rows)
{
    size_t length = dimensions > 0 ? (size_t)dimensions : 1;
    size_t rows = BLOCK_BYTES / enc_code_size(codes, length) / STEP * STEP;
    size_t most = lists ? LIST_ROWS : MAX_ROWS;
    *block_rows = rows < MIN_ROWS ? MIN_ROWS : rows > most ? (int)most : (int)rows;
    *part_rows = choose_part_rows(*block_rows, length * sizeof(float));
}

bool ctx_layout_make(const ctx_config *config, ctx_layout *out)
{
    ctx_layout l = {.type = ctx_config_codes(config),
                    .vectors = config->quantize == ENC_FLOAT32,
                    .dimensions = config->dimensions,
                    .rows = config->block_rows,
                    .part_rows = config->part_rows};
    if (l.dimensions < 1 || l.rows < MIN_ROWS || l.rows > MAX_ROWS || l.rows % STEP ||
        l.part_rows < 1 || l.rows % l.part_rows || l.dimensions > CTX_MOST_DIMENSIONS)
        return false;
    size_t rows = (size_t)l.rows, part_rows = (size_t)l.part_rows;
    l.code_size = enc_code_size(l.type, (size_t)l.dimensions);
    if (l.rows > MIN_ROWS && rows * l.code_size > BLOCK_BYTES) /* memory is taken by it */
        return false;
    l.head_size = enc_code_head(l.type, (size_t)l.dimensions);
    l.rest_size = l.code_size - l.head_size;
    l.vector_size = (size_t)l.dimensions * sizeof(float);
    l.sums = CTX_HEADER_SIZE;
    l.body = l.sums + rows * sizeof(uint64_t);
    l.chunks = rows * sizeof(int64_t);
    l.scales = l.chunks + rows * sizeof(uint32_t);
    l.errors = l.scales + rows * sizeof(float);
    l.coarse = l.errors + (l.vectors ? rows * sizeof(float) : 0);
    l.offsets = l.coarse + (l.rest_size ? rows * sizeof(float) : 0);
    l.heads = l.offsets + rows * sizeof(float);
    l.rests = l.heads + rows * l.head_size;
    l.size = l.body + l.rests + rows * l.rest_size;
    l.part_vectors = l.sums + part_rows * sizeof(uint64_t);
    l.part_size = l.part_vectors + part_rows * l.vector_size;
    *out = l;
    return true;
}

/* ---- Headers ---- */

static uint64_t header_checksum(const ctx_block_header *header)
{
    return enc_checksum(header, offsetof(ctx_block_header, checksum));
}

static uint64_t sums_checksum(const ctx_layout *layout, bool part, const uint64_t *sums)
{
    return enc_checksum(sums, (size_t)(part ? layout->part_rows : layout->rows) *
                                  sizeof *sums);
}

void ctx_block_seal(const ctx_layout *layout, bool part, int64_t number, int generation,
                    uint64_t stamp, const uint64_t *sums, ctx_block_header *out)
{
    ctx_block_header h = {.version = CTX_BLOCK_VERSION,
                          .length = part ? layout->part_size : layout->size,
                          .stamp = stamp,
                          .number = number,
                          .generation = (uint32_t)generation,
                          .rows = (uint32_t)(part ? layout->part_rows : layout->rows),
                          .dimensions = (uint32_t)layout->dimensions,
                          .type = part ? ENC_FLOAT32 : layout->type,
                          .sums = sums_checksum(layout, part, sums)};
    memcpy(h.magic, part ? "CtxV" : "CtxB", sizeof h.magic);
    h.checksum = header_checksum(&h);
    *out = h;
}

const char *ctx_block_kind_flaw(bool part, const ctx_block_header *header)
{
    if (memcmp(header->magic, part ? "CtxV" : "CtxB", sizeof header->magic) != 0)
        return "its data does not begin as it must";
    if (header->version != CTX_BLOCK_VERSION)
        return "it is of a version that this extension does not know";
    return NULL;
}

const char *ctx_block_flaw(const ctx_layout *layout, bool part, int64_t number,
                           int generation, const ctx_block_header *header,
                           const uint64_t *sums, size_t size)
{
    const char *flaw = ctx_block_kind_flaw(part, header);
    if (flaw)
        return flaw;
    if (size != (part ? layout->part_size : layout->size))
        return "its data has the wrong length";
    if (header->checksum != header_checksum(header))
        return "the checksum of its header does not fit";
    if (header->length != size || header->number != number ||
        header->generation != (uint32_t)generation ||
        header->rows != (uint32_t)(part ? layout->part_rows : layout->rows) ||
        header->dimensions != (uint32_t)layout->dimensions ||
        header->type != (uint32_t)(part ? ENC_FLOAT32 : layout->type))
        return "its header belongs to another row";
    if (header->sums != sums_checksum(layout, part, sums))
        return "the checksum of its slots does not fit";
    return NULL;
}

/* ---- Slots ---- */

uint64_t ctx_slot_sum(const ctx_layout *layout, int index, const ctx_slot *slot)
{
    struct {
        uint64_t head, rest;
        int64_t id;
        uint32_t index, chunk;
        enc_code_numbers numbers;
        uint64_t type;
    } all = {.head = enc_checksum(slot->head, layout->head_size),
             .rest = layout->rest_size ? enc_checksum(slot->rest, layout->rest_size) : 0,
             .id = slot->id,
             .index = (uint32_t)index,
             .chunk = slot->chunk,
             .numbers = slot->numbers,
             .type = layout->type};
    _Static_assert(sizeof all == 56, "no padding, whose bytes would be anything");
    if (!layout->vectors)
        all.numbers.error = 0;
    uint64_t sum = enc_checksum(&all, sizeof all);
    return sum ? sum : 1;
}

uint64_t ctx_checksum_sum(uint64_t checksum, int index)
{
    uint64_t all[2] = {checksum, (uint64_t)index};
    uint64_t sum = enc_checksum(all, sizeof all);
    return sum ? sum : 1;
}

uint64_t ctx_vector_sum(const ctx_layout *layout, int index, const float *vector)
{
    return ctx_checksum_sum(enc_checksum(vector, layout->vector_size), index);
}

size_t ctx_slot_pieces(const ctx_layout *l, int index, ctx_slot *slot,
                       ctx_piece piece[CTX_PIECES])
{
    const size_t i = (size_t)index, f = sizeof(float);
    const ctx_piece all[CTX_PIECES] = {
        {i * sizeof slot->id, sizeof slot->id, &slot->id},
        {l->chunks + i * sizeof slot->chunk, sizeof slot->chunk, &slot->chunk},
        {l->scales + i * f, f, &slot->numbers.scale},
        {l->errors + i * f, l->vectors ? f : 0, &slot->numbers.error},
        {l->coarse + i * f, l->rest_size ? f : 0, &slot->numbers.coarse},
        {l->offsets + i * f, f, &slot->numbers.offset},
        {l->heads + i * l->head_size, l->head_size, (void *)(uintptr_t)slot->head},
        {l->rests + i * l->rest_size, l->rest_size, (void *)(uintptr_t)slot->rest}};
    size_t count = 0;
    for (size_t k = 0; k < CTX_PIECES; k++)
        if (all[k].size)
            piece[count++] = all[k];
    return count;
}

void ctx_slot_read(const ctx_layout *layout, const uint8_t *body, int index, ctx_slot *out)
{
    ctx_piece piece[CTX_PIECES];
    *out = (ctx_slot){0};
    const size_t count = ctx_slot_pieces(layout, index, out, piece);
    for (size_t k = 0; k < count; k++)
        if (piece[k].data)
            memcpy(piece[k].data, body + piece[k].at, piece[k].size);
    out->head = body + layout->heads + (size_t)index * layout->head_size;
    out->rest = body + layout->rests + (size_t)index * layout->rest_size;
}

void ctx_slot_write(const ctx_layout *layout, uint8_t *body, int index,
                    const ctx_slot *slot)
{
    ctx_piece piece[CTX_PIECES];
    ctx_slot from = *slot;
    const size_t count = ctx_slot_pieces(layout, index, &from, piece);
    for (size_t k = 0; k < count; k++)
        memcpy(body + piece[k].at, piece[k].data, piece[k].size);
}

void ctx_slot_vector(const ctx_layout *layout, const ctx_slot *slot, float *out)
{
    enc_code_read(layout->type, slot->head, slot->rest, slot->numbers.scale,
                  (size_t)layout->dimensions, out);
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static bool slot_is_zero(const ctx_layout *layout, const uint8_t *body, int index)
{
    ctx_piece piece[CTX_PIECES];
    const size_t count = ctx_slot_pieces(layout, index, &(ctx_slot){0}, piece);
    for (size_t k = 0; k < count; k++)
        if (!all_zero(body + piece[k].at, piece[k].size))
            return false;
    return true;
}

int ctx_block_verify(const ctx_layout *layout, const uint64_t *sums, const uint8_t *body)
{
    for (int i = 0; i < layout->rows; i++) {
        ctx_slot slot;
        ctx_slot_read(layout, body, i, &slot);
        if (sums[i] ? ctx_slot_sum(layout, i, &slot) != sums[i]
                    : !slot_is_zero(layout, body, i))
            return i;
    }
    return -1;
}

bool ctx_vector_verify(const ctx_layout *layout, int index, uint64_t sum,
                       const float *vector)
{
    return sum ? ctx_vector_sum(layout, index, vector) == sum
               : all_zero((const uint8_t *)vector, layout->vector_size);
}
