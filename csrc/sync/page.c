#include "sync/page.h"

#include "codec/json_reader.h"
#include "sync/page_time.h"

#define USUAL_BYTES 512 /* of a record: room for that many is made at once */

/* What a key stands for: bits, because one key may stand for several. */
enum meaning { VERSION = 1, CHANGED_AT = 2, AWS_DS = 4, DELETED = 8, NEXT_TOKEN = 16, STARTED_AT = 32 };

struct key {
	struct aps_str text; /* a zero is behind it */
	unsigned meaning;
};

struct keys {
	struct key all[6]; /* different ones */
	size_t n;
	size_t next;      /* the one that is expected: records of a page have their members in one order */
	uint64_t lengths; /* one bit each, the last one for all that are longer */
};

struct reading {
	struct aps_page *page;
	const struct aps_page_names *names;
	struct aps_json_reader r;
	struct keys of_record, of_holder;
	bool has_token; /* the page's is known */
	struct aps_err *err;
	enum aps_rc rc; /* of what isn't the reader's */
};

/* What the members of one object say. */
struct members {
	struct aps_page_record *record;
	bool is_deleted, is_aws_deleted;
	bool has_token, has_odd_token;
	struct aps_str token;
	int64_t started_ms;
};

static bool fail_nomem(struct reading *in)
{
	in->rc = aps_fail(in->err, APS_E_NOMEM, "Out of memory while reading a page");
	return false;
}

static unsigned length_bit(size_t n)
{
	return n < 63 ? (unsigned)n : 63;
}

static void add_key(struct keys *keys, struct aps_str text, unsigned meaning)
{
	size_t i = 0;
	if (text.n == 0) return;
	while (i < keys->n && !aps_str_eq(keys->all[i].text, text)) i++;
	if (i == keys->n) keys->all[keys->n++] = (struct key){text, 0};
	keys->all[i].meaning |= meaning;
	keys->lengths |= UINT64_C(1) << length_bit(text.n);
}

static void add_keys(struct keys *keys, const struct aps_page_names *names)
{
	add_key(keys, names->version, VERSION);
	add_key(keys, names->changed_at, CHANGED_AT);
	add_key(keys, names->aws_ds, AWS_DS);
	add_key(keys, names->deleted, DELETED);
}

/* Without a call: keys are short, and this is done a few times for each record. */
static inline bool is_same(const char *a, const char *b, size_t n)
{
	uint64_t x, y;
	size_t i = 0;
	if (n < sizeof x) {
		while (i < n && a[i] == b[i]) i++;
		return i == n;
	}
	for (i = n - sizeof x;; i = i < sizeof x ? 0 : i - sizeof x) {
		memcpy(&x, a + i, sizeof x);
		memcpy(&y, b + i, sizeof y);
		if (x != y || i == 0) return x == y;
	}
}

/* The KEY or STRING just read. */
static bool is_text(const struct reading *in, struct aps_str text)
{
	const struct aps_json_reader *r = &in->r;
	if (r->has_escapes) return aps_json_text_is(r, text.p);
	return r->text.n == text.n && is_same(r->text.p, text.p, text.n);
}

/* Of the KEY just read. */
static unsigned meaning_of(const struct reading *in, struct keys *keys)
{
	size_t i = keys->next;
	for (size_t n = keys->n; n != 0; n--) {
		const struct key *key = &keys->all[i];
		i = i + 1 < keys->n ? i + 1 : 0;
		if (!is_text(in, key->text)) continue;
		keys->next = i;
		return key->meaning;
	}
	return 0;
}

/* What the KEY or STRING just read stands for. */
static bool take_text(struct reading *in, struct aps_str *text)
{
	*text = aps_json_unescape(&in->r, &in->page->arena);
	return text->p != NULL || fail_nomem(in);
}

/* A number is a token, too: a resolver of the application may count. */
static bool take_token(struct reading *in, enum aps_json_token token, struct members *members)
{
	bool is_number = token == APS_JSON_INT || token == APS_JSON_BIGINT || token == APS_JSON_DOUBLE;
	members->has_token = true;
	members->token = is_number ? in->r.text : (struct aps_str){NULL, 0};
	members->has_odd_token = !is_number && token != APS_JSON_STRING && token != APS_JSON_NULL;
	return token != APS_JSON_STRING || take_text(in, &members->token);
}

/* JSON text of a scalar; empty: it is null, or none. */
static struct aps_str scalar_text(const struct reading *in, enum aps_json_token token)
{
	size_t n_quote = token == APS_JSON_STRING;
	if (token == APS_JSON_NULL || token == APS_JSON_OBJECT || token == APS_JSON_ARRAY)
		return (struct aps_str){NULL, 0};
	return (struct aps_str){in->r.text.p - n_quote, in->r.text.n + 2 * n_quote};
}

/* The value of which `token` was read, whole. */
static bool take_value(struct reading *in, enum aps_json_token token, unsigned meaning, struct members *members)
{
	struct aps_str text = scalar_text(in, token);
	bool is_ok = token != APS_JSON_ERROR;
	if (meaning & VERSION) members->record->version = text;
	if (meaning & CHANGED_AT) members->record->changed_at = text;
	if (meaning & AWS_DS) members->is_aws_deleted = token == APS_JSON_STRING && is_text(in, APS_STR("DELETE"));
	if (meaning & DELETED) members->is_deleted = token == APS_JSON_TRUE;
	if (is_ok && meaning & NEXT_TOKEN) is_ok = take_token(in, token, members);
	if (meaning & STARTED_AT) members->started_ms = aps_page_time_at(&in->r, token);
	if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY) is_ok = is_ok && aps_json_skip_rest(&in->r) == APS_OK;
	return is_ok;
}

/* The next one of the page, empty. NULL on failure. */
static struct aps_page_record *add_record(struct reading *in)
{
	struct aps_buf *records = &in->page->records;
	struct aps_page_record *record = (void *)aps_buf_reserve(records, sizeof *record);
	if (record == NULL && records->rc == APS_E_TOO_BIG)
		in->rc = aps_fail(in->err, APS_E_TOO_BIG, "A page has more than %zu records", APS_PAGE_MAX_RECORDS);
	else if (record == NULL)
		fail_nomem(in);
	if (record == NULL) return NULL;
	*record = (struct aps_page_record){.index = records->n / sizeof *record};
	records->n += sizeof *record;
	return record;
}

static void finish_record(const struct reading *in, const struct members *members, const char *from)
{
	members->record->text = (struct aps_str){from, (size_t)(in->r.at - from)};
	members->record->is_deleted = members->is_deleted || members->is_aws_deleted;
}

/* One that holds no list: after its OBJECT. This is where the time goes. */
static bool read_record(struct reading *in)
{
	struct aps_json_reader *r = &in->r;
	struct members members = {.record = add_record(in)};
	const char *from = r->text.p;
	unsigned depth = r->depth;
	uint64_t lengths = in->of_record.lengths;
	if (members.record == NULL) return false;
	while (r->depth >= depth) {
		enum aps_json_token token = aps_json_next(r);
		if (token == APS_JSON_ERROR) return false;
		if (token != APS_JSON_KEY || r->depth != depth) continue;
		if ((lengths >> length_bit(r->text.n) & 1) == 0 && !r->has_escapes) continue;
		unsigned meaning = meaning_of(in, &in->of_record);
		if (meaning != 0 && !take_value(in, aps_json_next(r), meaning, &members)) return false;
	}
	finish_record(in, &members, from);
	return true;
}

/* After its ARRAY. */
static bool read_list(struct reading *in)
{
	struct aps_json_reader *r = &in->r;
	size_t n_likely = (size_t)(r->end - r->at) / USUAL_BYTES;
	in->page->is_list = true;
	if (n_likely > 1 && n_likely <= APS_PAGE_MAX_RECORDS)
		(void)aps_buf_reserve(&in->page->records, n_likely * sizeof(struct aps_page_record));
	for (;;) {
		enum aps_json_token token = aps_json_next(r);
		if (token == APS_JSON_ARRAY_END) return true;
		if (token == APS_JSON_ERROR) return false;
		if (token != APS_JSON_OBJECT && token != APS_JSON_NULL) in->page->has_scalars = true;
		if (token == APS_JSON_ARRAY && aps_json_skip_rest(r) != APS_OK) return false;
		if (!(token == APS_JSON_OBJECT ? read_record(in) : add_record(in) != NULL)) return false;
	}
}

/* Whether the list may stand under the KEY just read, which is part of the path then. */
static bool enters(struct reading *in, bool *is_ok)
{
	struct aps_page *page = in->page;
	struct aps_str key;
	*is_ok = true;
	if (page->is_list || page->n_path == APS_PAGE_MAX_PATH) return false;
	if (page->n_path == 1 && in->names->items.n != 0 && !is_text(in, in->names->items)) return false;
	*is_ok = take_text(in, &key);
	if (!*is_ok || aps_map_get(&in->names->holders, key) == NULL) return false;
	page->path[page->n_path++] = key;
	return true;
}

/* Of the objects around a list the nearest one tells. */
static void keep_page_fields(struct reading *in, const struct members *members)
{
	struct aps_page *page = in->page;
	if (members->has_token && !in->has_token) {
		in->has_token = true;
		page->token = members->token;
		page->has_odd_token = members->has_odd_token;
	}
	if (page->started_ms == 0) page->started_ms = members->started_ms;
}

static bool read_holder(struct reading *in, struct members *members);

/* The value of the KEY just read. Where the list is in it, its key stays in the path. */
static bool read_member(struct reading *in, struct members *members)
{
	struct aps_page *page = in->page;
	struct aps_page_record unused;
	struct members inner = {.record = &unused};
	unsigned meaning = meaning_of(in, &in->of_holder);
	bool is_ok, is_inner = enters(in, &is_ok);
	if (!is_ok) return false;
	if (meaning == 0 && !is_inner) return aps_json_skip_value(&in->r, NULL) == APS_OK;
	enum aps_json_token token = aps_json_next(&in->r);
	if (is_inner && token == APS_JSON_ARRAY) return read_list(in);
	if (is_inner && token == APS_JSON_NULL) page->is_null = true;
	is_ok = is_inner && token == APS_JSON_OBJECT ? read_holder(in, &inner)
	                                             : take_value(in, token, meaning, members);
	if (is_inner && !page->is_list) page->n_path--;
	return is_ok;
}

/* An object that may hold the list, after its OBJECT. Recursion ends with the longest path. */
static bool read_holder(struct reading *in, struct members *members)
{
	bool is_ok = true;
	while (is_ok && aps_json_next(&in->r) == APS_JSON_KEY) is_ok = read_member(in, members);
	if (in->page->is_list) keep_page_fields(in, members);
	return is_ok && in->r.err.code == APS_OK;
}

static bool read_root_object(struct reading *in)
{
	const char *from = in->r.text.p;
	struct aps_page_record whole = {.index = 0};
	struct members members = {.record = &whole};
	if (in->names->is_event) return read_record(in);
	if (!read_holder(in, &members)) return false;
	if (in->page->is_list) return true;
	if (in->names->is_page || in->names->items.n != 0) {
		keep_page_fields(in, &members);
		return true;
	}
	struct aps_page_record *record = add_record(in);
	if (record == NULL) return false;
	finish_record(in, &members, from);
	*record = whole;
	return true;
}

static bool read_root(struct reading *in)
{
	struct aps_page *page = in->page;
	if (!take_text(in, &page->path[0])) return false;
	page->n_path = 1;
	switch (aps_json_next(&in->r)) {
	case APS_JSON_ERROR: return false;
	case APS_JSON_OBJECT: return read_root_object(in);
	case APS_JSON_ARRAY: return read_list(in);
	case APS_JSON_NULL: page->is_null = true; return true;
	default: page->is_scalar = true; return true;
	}
}

/* The whole text. */
static bool read_data(struct reading *in)
{
	struct aps_json_reader *r = &in->r;
	enum aps_json_token token = aps_json_next(r);
	bool is_ok = token != APS_JSON_ERROR;
	if (token == APS_JSON_ARRAY) is_ok = aps_json_skip_rest(r) == APS_OK;
	if (token == APS_JSON_OBJECT) {
		while (is_ok && aps_json_next(r) == APS_JSON_KEY) {
			bool is_root = in->page->n_path == 0 && is_text(in, in->names->root);
			is_ok = is_root ? read_root(in) : aps_json_skip_value(r, NULL) == APS_OK;
		}
	}
	return is_ok && aps_json_next(r) == APS_JSON_END;
}

enum aps_rc aps_page_read(struct aps_page *page, const struct aps_page_names *names, struct aps_str data,
                          struct aps_err *err)
{
	struct reading in = {.page = page, .names = names, .err = err};
	*page = (struct aps_page){.is_list = false};
	aps_buf_init(&page->records, APS_PAGE_MAX_RECORDS * sizeof(struct aps_page_record));
	aps_arena_init(&page->arena, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&in.r, data, 0);
	add_keys(&in.of_record, names);
	add_keys(&in.of_holder, names);
	add_key(&in.of_holder, names->next_token, NEXT_TOKEN);
	add_key(&in.of_holder, names->started_at, STARTED_AT);
	if (read_data(&in)) return APS_OK;
	aps_page_clear(page);
	if (in.rc != APS_OK) return in.rc;
	if (err != NULL) *err = in.r.err;
	return in.r.err.code;
}

void aps_page_clear(struct aps_page *page)
{
	aps_buf_clear(&page->records);
	aps_arena_clear(&page->arena);
	*page = (struct aps_page){.records = page->records, .arena = page->arena};
}

size_t aps_page_count(const struct aps_page *page)
{
	return page->records.n / sizeof(struct aps_page_record);
}

const struct aps_page_record *aps_page_at(const struct aps_page *page, size_t index)
{
	APS_ASSERT(index < aps_page_count(page));
	return (const struct aps_page_record *)(const void *)page->records.p + index;
}
