#include "cache/cell.h"

#define MAX_COUNT_BYTES 10

static bool take_long_count(struct aps_str *rest, uint64_t *n)
{
	uint64_t value = 0;
	for (size_t i = 0; i < rest->n && i < MAX_COUNT_BYTES; i++) {
		uint64_t bits = (unsigned char)rest->p[i] & 0x7f;
		if (i == MAX_COUNT_BYTES - 1 && bits > 1) return false;
		value |= bits << (7 * i);
		if (((unsigned char)rest->p[i] & 0x80) != 0) continue;
		rest->p += i + 1;
		rest->n -= i + 1;
		*n = value;
		return true;
	}
	return false;
}

static inline bool take_count(struct aps_str *rest, uint64_t *n)
{
	if (rest->n == 0 || ((unsigned char)rest->p[0] & 0x80) != 0) return take_long_count(rest, n);
	*n = (unsigned char)*rest->p++;
	rest->n--;
	return true;
}

bool aps_cell_take_count(struct aps_str *rest, uint64_t *n)
{
	return take_count(rest, n);
}

static inline bool take_bytes(struct aps_str *rest, struct aps_str *bytes)
{
	uint64_t n;
	if (!take_count(rest, &n) || n > rest->n) return false;
	*bytes = (struct aps_str){rest->p, (size_t)n};
	rest->p += n;
	rest->n -= (size_t)n;
	return true;
}

static bool take_double(struct aps_str *rest, double *number)
{
	if (rest->n < 8) return false;
	uint64_t bits = 0;
	for (int i = 0; i < 8; i++) bits |= (uint64_t)(unsigned char)rest->p[i] << (8 * i);
	memcpy(number, &bits, sizeof *number);
	rest->p += 8;
	rest->n -= 8;
	return true;
}

static bool take_int(struct aps_str *rest, int64_t *integer)
{
	uint64_t bits;
	if (!take_count(rest, &bits)) return false;
	*integer = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
	return true;
}

static bool take_list(struct aps_str *rest, struct aps_cell *value)
{
	if (!take_bytes(rest, &value->text)) return false;
	/* an item has a byte at least: no count is larger */
	return take_count(&value->text, &value->n_items) && value->n_items <= value->text.n;
}

static bool take_content(struct aps_str *rest, struct aps_cell *value)
{
	switch (value->tag) {
	case APS_CELL_NULL:
	case APS_CELL_FALSE:
	case APS_CELL_TRUE:
	case APS_CELL_GONE: return true;
	case APS_CELL_INT: return take_int(rest, &value->as.integer);
	case APS_CELL_DOUBLE: return take_double(rest, &value->as.number);
	case APS_CELL_NUMBER:
	case APS_CELL_STRING:
	case APS_CELL_JSON:
	case APS_CELL_OBJECT:
	case APS_CELL_PATCH:
	case APS_CELL_EDIT: return take_bytes(rest, &value->text);
	case APS_CELL_REF: return take_count(rest, &value->as.entry);
	case APS_CELL_LIST: return take_list(rest, value);
	case APS_CELL_LONG_LIST: return take_count(rest, &value->as.entry) && take_count(rest, &value->n_items);
	case APS_CELL_COUNT: break;
	}
	return false;
}

bool aps_cell_take(struct aps_str *rest, struct aps_cell *value)
{
	if (rest->n == 0 || (unsigned char)rest->p[0] >= APS_CELL_COUNT) return false;
	struct aps_str at = {rest->p + 1, rest->n - 1};
	value->tag = (enum aps_cell_tag)rest->p[0];
	if (!take_content(&at, value)) return false;
	value->whole = (struct aps_str){rest->p, rest->n - at.n};
	*rest = at;
	return true;
}

bool aps_cell_take_field(struct aps_str *rest, struct aps_cell_field *field)
{
	struct aps_str at = *rest;
	uint64_t name;
	if (!take_count(&at, &name) || name > UINT32_MAX) return false;
	field->name = (uint32_t)name;
	field->text = APS_STR("");
	if (name == 0 && !take_bytes(&at, &field->text)) return false;
	if (!aps_cell_take(&at, &field->value)) return false;
	field->whole = (struct aps_str){rest->p, rest->n - at.n};
	*rest = at;
	return true;
}

bool aps_cell_find_field(struct aps_str fields, uint32_t name, struct aps_cell *value)
{
	struct aps_cell_field field;
	while (fields.n != 0 && aps_cell_take_field(&fields, &field)) {
		if (field.name > name) return false;
		if (field.name != name) continue;
		*value = field.value;
		return true;
	}
	return false;
}

bool aps_cell_find_text_field(struct aps_str fields, struct aps_str text, struct aps_cell *value)
{
	struct aps_cell_field field;
	while (fields.n != 0 && aps_cell_take_field(&fields, &field) && field.name == 0) {
		if (!aps_str_eq(field.text, text)) continue;
		*value = field.value;
		return true;
	}
	return false;
}

int aps_cell_compare_names(uint32_t a, struct aps_str a_text, uint32_t b, struct aps_str b_text)
{
	if (a != b) return a < b ? -1 : 1;
	return a != 0 ? 0 : aps_str_cmp(a_text, b_text);
}

static size_t write_count(char *p, uint64_t n)
{
	size_t i = 0;
	for (; n >= 0x80; n >>= 7) p[i++] = (char)(n | 0x80);
	p[i++] = (char)n;
	return i;
}

void aps_cell_put_count(struct aps_buf *out, uint64_t n)
{
	char *p = aps_buf_reserve(out, MAX_COUNT_BYTES);
	if (p != NULL) out->n += write_count(p, n);
}

void aps_cell_put_tag(struct aps_buf *out, enum aps_cell_tag tag)
{
	aps_buf_add_byte(out, (char)tag);
}

static void put_tagged(struct aps_buf *out, enum aps_cell_tag tag, uint64_t n)
{
	char *p = aps_buf_reserve(out, MAX_COUNT_BYTES + 1);
	if (p == NULL) return;
	p[0] = (char)tag;
	out->n += 1 + write_count(p + 1, n);
}

void aps_cell_put_int(struct aps_buf *out, int64_t integer)
{
	put_tagged(out, APS_CELL_INT, (uint64_t)integer << 1 ^ (uint64_t)(integer >> 63));
}

void aps_cell_put_double(struct aps_buf *out, double number)
{
	char *p = aps_buf_reserve(out, 9);
	if (p == NULL) return;
	uint64_t bits;
	memcpy(&bits, &number, sizeof bits);
	*p++ = APS_CELL_DOUBLE;
	for (int i = 0; i < 8; i++) p[i] = (char)(bits >> (8 * i));
	out->n += 9;
}

void aps_cell_put_text(struct aps_buf *out, enum aps_cell_tag tag, struct aps_str text)
{
	char *p = aps_buf_reserve(out, text.n + MAX_COUNT_BYTES + 1);
	if (p == NULL) return;
	p[0] = (char)tag;
	size_t n = 1 + write_count(p + 1, text.n);
	if (text.n != 0) memcpy(p + n, text.p, text.n);
	out->n += n + text.n;
}

void aps_cell_put_ref(struct aps_buf *out, uint64_t entry)
{
	put_tagged(out, APS_CELL_REF, entry);
}

void aps_cell_put_long_list(struct aps_buf *out, uint64_t entry, uint64_t n_items)
{
	put_tagged(out, APS_CELL_LONG_LIST, entry);
	aps_cell_put_count(out, n_items);
}

/* Puts a head before what was appended since `at`. */
static void insert(struct aps_buf *out, size_t at, const char *head, size_t n_head)
{
	if (aps_buf_reserve(out, n_head) == NULL) return;
	memmove(out->p + at + n_head, out->p + at, out->n - at);
	memcpy(out->p + at, head, n_head);
	out->n += n_head;
}

void aps_cell_close_list(struct aps_buf *out, size_t at, uint64_t n_items)
{
	char count[MAX_COUNT_BYTES], head[2 * MAX_COUNT_BYTES + 1];
	if (out->rc != APS_OK) return;
	size_t n_count = write_count(count, n_items);
	head[0] = APS_CELL_LIST;
	size_t n_head = 1 + write_count(head + 1, n_count + (out->n - at));
	memcpy(head + n_head, count, n_count);
	insert(out, at, head, n_head + n_count);
}

void aps_cell_close(struct aps_buf *out, enum aps_cell_tag tag, size_t at)
{
	char head[MAX_COUNT_BYTES + 1];
	if (out->rc != APS_OK) return;
	head[0] = (char)tag;
	insert(out, at, head, 1 + write_count(head + 1, out->n - at));
}

void aps_cell_close_object(struct aps_buf *out, size_t at)
{
	aps_cell_close(out, APS_CELL_OBJECT, at);
}

void aps_cell_put_name(struct aps_buf *out, uint32_t name, struct aps_str text)
{
	aps_cell_put_count(out, name);
	if (name != 0) return;
	aps_cell_put_count(out, text.n);
	aps_buf_add_str(out, text);
}
