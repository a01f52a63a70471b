#include "sync/page.h"

#include "codec/json_reader.h"
#include "codec/timefmt.h"

#define FIRST_MS   INT64_C(100000000000)    /* a number below it counts seconds */
#define LAST_MS    INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define MAX_DIGITS 15                       /* LAST_MS has as many */

/* What a key stands for: bits, because one key may stand for several. */
enum meaning { VERSION = 1, CHANGED_AT = 2, AWS_DS = 4, DELETED = 8, NEXT_TOKEN = 16, STARTED_AT = 32 };

#define N_KEYS      6
#define N_OF_RECORD 4 /* the first ones */

struct reading {
	struct aps_page *page;
	const struct aps_page_names *names;
	struct aps_json_reader r;
	struct aps_str keys[N_KEYS]; /* in the order of `enum meaning` */
	uint64_t lengths;            /* of keys of a record: one bit each, the last one for all longer ones */
	bool has_token;              /* the page's is known */
	struct aps_err *err;
	enum aps_rc rc; /* of what isn't the reader's */
};

/* What the members of one object say. */
struct members {
	struct aps_page_record record;
	bool is_deleted, is_aws_deleted;
	bool has_token;
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

static void set_keys(struct reading *in)
{
	const struct aps_page_names *names = in->names;
	const struct aps_str keys[N_KEYS] = {names->version, names->changed_at, names->aws_ds,
	                                     names->deleted, names->next_token, names->started_at};
	memcpy(in->keys, keys, sizeof keys);
	for (size_t i = 0; i < N_OF_RECORD; i++)
		if (keys[i].n != 0) in->lengths |= UINT64_C(1) << length_bit(keys[i].n);
}

/* The names were copied with a zero behind them. */
static bool is_key(const struct reading *in, struct aps_str name)
{
	if (name.n == 0) return false;
	return in->r.has_escapes ? aps_json_text_is(&in->r, name.p) : aps_str_eq(in->r.text, name);
}

static unsigned meaning_of(const struct reading *in, size_t n_keys)
{
	unsigned meaning = 0;
	for (size_t i = 0; i < n_keys; i++)
		if (is_key(in, in->keys[i])) meaning |= 1u << i;
	return meaning;
}

/* What the KEY or STRING just read stands for. */
static bool take_text(struct reading *in, struct aps_str *text)
{
	*text = aps_json_unescape(&in->r, &in->page->arena);
	return text->p != NULL || fail_nomem(in);
}

static int64_t within(int64_t ms)
{
	return ms > 0 && ms <= LAST_MS ? ms : 0;
}

static int64_t scale(int64_t time)
{
	return within(time < FIRST_MS ? time * (time > 0 ? 1000 : 0) : time);
}

static int64_t time_of_text(struct aps_str text)
{
	int64_t time = 0, unix_s;
	struct aps_str fraction;
	if (aps_time_parse_rfc3339(text, &unix_s, &fraction)) {
		for (size_t i = 0; i < 3; i++) time = time * 10 + (i < fraction.n ? fraction.p[i] - '0' : 0);
		return within(unix_s * 1000 + time);
	}
	if (text.n > MAX_DIGITS) return 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') return 0;
		time = time * 10 + (text.p[i] - '0');
	}
	return scale(time);
}

/* AppSync's own is an AWSTimestamp that counts milliseconds; a resolver of the application may give another one. */
static bool take_time(struct reading *in, enum aps_json_token token, int64_t *ms)
{
	struct aps_str text;
	*ms = 0;
	if (token == APS_JSON_INT) {
		*ms = scale(in->r.integer);
	} else if (token == APS_JSON_DOUBLE) {
		double time = in->r.number;
		if (time > 0 && time < (double)FIRST_MS) time *= 1000;
		if (time > 0 && time <= (double)LAST_MS) *ms = (int64_t)time;
	} else if (token == APS_JSON_STRING) {
		if (!take_text(in, &text)) return false;
		*ms = time_of_text(text);
	}
	return true;
}

/* A number is a token, too: a resolver of the application may count. */
static bool take_token(struct reading *in, enum aps_json_token token, struct members *members)
{
	bool is_number = token == APS_JSON_INT || token == APS_JSON_BIGINT || token == APS_JSON_DOUBLE;
	members->has_token = true;
	members->token = is_number ? in->r.text : (struct aps_str){NULL, 0};
	return token != APS_JSON_STRING || take_text(in, &members->token);
}

/* JSON text of a scalar; empty: it is null, or none. */
static struct aps_str scalar_text(const struct reading *in, enum aps_json_token token)
{
	struct aps_str text = in->r.text;
	switch (token) {
	case APS_JSON_STRING: return (struct aps_str){text.p - 1, text.n + 2};
	case APS_JSON_NULL:
	case APS_JSON_OBJECT:
	case APS_JSON_ARRAY: return (struct aps_str){NULL, 0};
	default: return text;
	}
}

/* The value of a key that stands for something. */
static bool take_value(struct reading *in, unsigned meaning, struct members *members)
{
	enum aps_json_token token = aps_json_next(&in->r);
	struct aps_str text = scalar_text(in, token);
	bool is_ok = token != APS_JSON_ERROR;
	if (meaning & VERSION) members->record.version = text;
	if (meaning & CHANGED_AT) members->record.changed_at = text;
	if (meaning & AWS_DS) members->is_aws_deleted = token == APS_JSON_STRING && aps_json_text_is(&in->r, "DELETE");
	if (meaning & DELETED) members->is_deleted = token == APS_JSON_TRUE;
	if (is_ok && meaning & NEXT_TOKEN) is_ok = take_token(in, token, members);
	if (is_ok && meaning & STARTED_AT) is_ok = take_time(in, token, &members->started_ms);
	if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY) is_ok = is_ok && aps_json_skip_rest(&in->r) == APS_OK;
	return is_ok;
}

static bool add_record(struct reading *in, struct members *members, const char *from)
{
	struct aps_buf *records = &in->page->records;
	char *room = aps_buf_reserve(records, sizeof members->record);
	if (room == NULL && records->rc == APS_E_TOO_BIG) {
		in->rc = aps_fail(in->err, APS_E_TOO_BIG, "A page has more than %zu records", APS_PAGE_MAX_RECORDS);
		return false;
	}
	if (room == NULL) return fail_nomem(in);
	if (from != NULL) members->record.text = (struct aps_str){from, (size_t)(in->r.at - from)};
	members->record.is_deleted = members->is_deleted || members->is_aws_deleted;
	members->record.index = records->n / sizeof members->record;
	memcpy(room, &members->record, sizeof members->record);
	records->n += sizeof members->record;
	return true;
}

/* A record that holds no list: after its OBJECT. This is where the time goes. */
static bool read_record(struct reading *in)
{
	struct aps_json_reader *r = &in->r;
	struct members members = {.record = {.index = 0}};
	const char *from = r->text.p;
	unsigned depth = r->depth;
	while (r->depth >= depth) {
		enum aps_json_token token = aps_json_next(r);
		if (token == APS_JSON_ERROR) return false;
		if (token != APS_JSON_KEY || r->depth != depth) continue;
		if ((in->lengths >> length_bit(r->text.n) & 1) == 0 && !r->has_escapes) continue;
		unsigned meaning = meaning_of(in, N_OF_RECORD);
		if (meaning != 0 && !take_value(in, meaning, &members)) return false;
	}
	return add_record(in, &members, from);
}

/* After its ARRAY. */
static bool read_list(struct reading *in)
{
	struct aps_json_reader *r = &in->r;
	in->page->is_list = true;
	for (;;) {
		struct members none = {.record = {.index = 0}};
		enum aps_json_token token = aps_json_next(r);
		if (token == APS_JSON_ARRAY_END) return true;
		if (token == APS_JSON_ERROR) return false;
		if (token == APS_JSON_ARRAY && aps_json_skip_rest(r) != APS_OK) return false;
		if (!(token == APS_JSON_OBJECT ? read_record(in) : add_record(in, &none, NULL))) return false;
	}
}

/* Whether the list may stand under the KEY just read, which is part of the path then. */
static bool enters(struct reading *in, bool *is_ok)
{
	struct aps_page *page = in->page;
	struct aps_str key;
	*is_ok = true;
	if (page->is_list || page->n_path == APS_PAGE_MAX_PATH) return false;
	if (page->n_path == 1 && in->names->items.n != 0 && !is_key(in, in->names->items)) return false;
	*is_ok = take_text(in, &key);
	if (!*is_ok || aps_map_get(&in->names->holders, key) == NULL) return false;
	page->path[page->n_path++] = key;
	return true;
}

static bool read_holder(struct reading *in, struct members *members);

/* What stands under a key of the path, which is shorter again if it is no list. */
static bool read_inner(struct reading *in)
{
	struct members members = {.record = {.index = 0}};
	enum aps_json_token token = aps_json_next(&in->r);
	bool is_ok = token == APS_JSON_ARRAY    ? read_list(in)
	             : token == APS_JSON_OBJECT ? read_holder(in, &members)
	                                        : token != APS_JSON_ERROR;
	if (!in->page->is_list) in->page->n_path--;
	return is_ok;
}

/* Of the objects around a list the nearest one tells. */
static void keep_page_fields(struct reading *in, const struct members *members)
{
	struct aps_page *page = in->page;
	if (members->has_token && !in->has_token) {
		in->has_token = true;
		page->token = members->token;
	}
	if (page->started_ms == 0) page->started_ms = members->started_ms;
}

/* An object that may hold the list, after its OBJECT. Recursion ends with the longest path. */
static bool read_holder(struct reading *in, struct members *members)
{
	bool is_ok = true;
	while (is_ok && aps_json_next(&in->r) == APS_JSON_KEY) {
		unsigned meaning = meaning_of(in, N_KEYS);
		if (meaning != 0)
			is_ok = take_value(in, meaning, members);
		else if (enters(in, &is_ok))
			is_ok = read_inner(in);
		else if (is_ok)
			is_ok = aps_json_skip_value(&in->r, NULL) == APS_OK;
	}
	if (in->page->is_list) keep_page_fields(in, members);
	return is_ok && in->r.err.code == APS_OK;
}

static bool read_root_object(struct reading *in)
{
	const char *from = in->r.text.p;
	struct members members = {.record = {.index = 0}};
	if (in->names->is_event) return read_record(in);
	if (!read_holder(in, &members)) return false;
	if (in->page->is_list) return true;
	bool is_record = !in->names->is_page && in->names->items.n == 0;
	if (is_record) return add_record(in, &members, from);
	keep_page_fields(in, &members);
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
	default: return true;
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
			bool is_root = in->page->n_path == 0 && is_key(in, in->names->root);
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
	set_keys(&in);
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
