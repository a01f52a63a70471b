#include "cache/edit_value.h"

#include "cache/list_edit.h"
#include "cache/long_list.h"
#include "cache/scalar.h"

#include <stdlib.h>

struct making {
	struct aps_cache_write *write;
	struct aps_arena names;   /* of fields, decoded */
	struct aps_arena scratch; /* aps_scalar_put() */
	struct aps_err err;
};

/* One field of an object: its value stands in a buffer beside. */
struct member {
	uint32_t name;
	struct aps_str text;
	size_t at, n;
};

struct members {
	struct aps_buf values;
	struct aps_buf items; /* struct member */
};

static void make_value(struct making *in, struct aps_buf *out, struct aps_json_reader *r, enum aps_json_token token,
                       const struct aps_cell *old);
static void make_plain(struct making *in, struct aps_buf *out, struct aps_json_reader *r, enum aps_json_token token,
                       const struct aps_cell *old);

/* How the values in an object or list are made. */
typedef void make(struct making *in, struct aps_buf *out, struct aps_json_reader *r, enum aps_json_token token,
                  const struct aps_cell *old);

static bool has_failed(const struct making *in)
{
	return in->err.code != APS_OK || in->write->err.code != APS_OK;
}

static void fail_memory(struct making *in)
{
	if (in->err.code == APS_OK) aps_fail(&in->err, APS_E_NOMEM, "no memory for an edit of the cache");
}

static void fail_name(struct making *in, struct aps_str name)
{
	int n_shown = name.n > 60 ? 60 : (int)name.n;
	if (in->err.code != APS_OK) return;
	aps_fail(
	        &in->err, APS_E_USAGE,
	        "an embedded object has a field \"%.*s\": names that begin with two underscores are GraphQL's own, and "
	        "of these only __typename is accepted",
	        n_shown, name.p);
}

static void fail_text(struct making *in)
{
	if (in->err.code == APS_OK) aps_fail(&in->err, APS_E_USAGE, "an edit of the cache that can't be read");
}

static bool is_list(const struct aps_cell *value)
{
	return value != NULL && (value->tag == APS_CELL_LIST || value->tag == APS_CELL_LONG_LIST);
}

static bool is_object(const struct aps_cell *value)
{
	return value != NULL && value->tag == APS_CELL_OBJECT;
}

static void members_init(struct members *members)
{
	aps_buf_init(&members->values, APS_BUF_ANY_SIZE);
	aps_buf_init(&members->items, APS_BUF_ANY_SIZE);
}

static void members_clear(struct members *members)
{
	aps_buf_clear(&members->values);
	aps_buf_clear(&members->items);
}

static size_t count(const struct members *members)
{
	return members->items.n / sizeof(struct member);
}

static struct member *member_at(const struct members *members, size_t index)
{
	return (struct member *)(void *)members->items.p + index;
}

/* How a field of this name is kept in an object that was `old`. */
static bool name_member(struct making *in, struct member *member, const struct aps_cell *old)
{
	struct aps_cell value;
	bool has_arguments = memchr(member->text.p, '(', member->text.n) != NULL ||
	                     memchr(member->text.p, '@', member->text.n) != NULL;
	if (has_arguments || (is_object(old) && aps_cell_find_text_field(old->text, member->text, &value))) return true;
	member->name = aps_names_intern(&in->write->cache->names, member->text);
	return member->name != 0;
}

static bool find_old(const struct aps_cell *old, const struct member *member, struct aps_cell *value)
{
	if (!is_object(old)) return false;
	return member->name != 0 ? aps_cell_find_field(old->text, member->name, value)
	                         : aps_cell_find_text_field(old->text, member->text, value);
}

static void read_member(struct making *in, struct members *members, struct aps_json_reader *r,
                        const struct aps_cell *old, make *make_member)
{
	struct aps_cell known;
	struct member member = {.text = aps_json_unescape(r, &in->names), .at = members->values.n};
	if (member.text.p != NULL && aps_str_starts(member.text, "__") && !aps_str_is(member.text, "__typename")) {
		fail_name(in, member.text);
		return;
	}
	if (member.text.p == NULL || !name_member(in, &member, old)) {
		fail_memory(in);
		return;
	}
	bool is_known = find_old(old, &member, &known);
	make_member(in, &members->values, r, aps_json_next(r), is_known ? &known : NULL);
	member.n = members->values.n - member.at;
	aps_buf_add(&members->items, &member, sizeof member);
	if (members->items.rc != APS_OK || members->values.rc != APS_OK) fail_memory(in);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	int order = aps_cell_compare_names(left->name, left->text, right->name, right->text);
	return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

/* After the opening of an object. */
static void read_members(struct making *in, struct members *members, struct aps_json_reader *r,
                         const struct aps_cell *old, make *make_member)
{
	while (!has_failed(in) && aps_json_next(r) == APS_JSON_KEY) read_member(in, members, r, old, make_member);
	if (count(members) > 1) qsort(members->items.p, count(members), sizeof(struct member), compare_members);
}

static void put_member(const struct members *members, const struct member *member, struct aps_buf *out)
{
	aps_cell_put_name(out, member->name, member->text);
	aps_buf_add(out, members->values.p + member->at, member->n);
}

/* Of one name the last one counts. */
static bool is_repeated(const struct members *members, size_t index)
{
	if (index + 1 >= count(members)) return false;
	const struct member *member = member_at(members, index), *next = member_at(members, index + 1);
	return aps_cell_compare_names(member->name, member->text, next->name, next->text) == 0;
}

/* The fields of `old`, and over them those that are given. */
static void put_fields(const struct members *members, struct aps_str old, struct aps_buf *out)
{
	struct aps_cell_field known;
	bool has_known = aps_cell_take_field(&old, &known);
	size_t at = out->n;
	for (size_t i = 0; i < count(members) || has_known;) {
		const struct member *given = i < count(members) ? member_at(members, i) : NULL;
		int order = given == NULL ? -1
		            : !has_known  ? 1
		                          : aps_cell_compare_names(known.name, known.text, given->name, given->text);
		if (order < 0) aps_buf_add_str(out, known.whole);
		if (order >= 0 && !is_repeated(members, i)) put_member(members, given, out);
		if (order <= 0 && !(order == 0 && is_repeated(members, i)))
			has_known = aps_cell_take_field(&old, &known);
		if (order >= 0) i++;
	}
	aps_cell_close_object(out, at);
}

static void make_object(struct making *in, struct aps_buf *out, struct aps_json_reader *r, const struct aps_cell *old,
                        make *make_member)
{
	struct members members;
	members_init(&members);
	read_members(in, &members, r, old, make_member);
	if (!has_failed(in)) put_fields(&members, APS_STR(""), out);
	members_clear(&members);
}

/* {"__fields":{…}}, after its key. */
static void change_fields(struct making *in, struct aps_buf *out, struct aps_json_reader *r, const struct aps_cell *old)
{
	struct members members;
	if (aps_json_next(r) != APS_JSON_OBJECT) {
		fail_text(in);
		return;
	}
	members_init(&members);
	read_members(in, &members, r, old, make_value);
	if (!has_failed(in) && (old == NULL || is_object(old)))
		put_fields(&members, old != NULL ? old->text : APS_STR(""), out);
	else if (!has_failed(in))
		aps_buf_add_str(out, old->whole); /* something else has taken its place */
	members_clear(&members);
}

/* After the opening of a list. What an item was before is at its place, or like the last one that is. */
static void make_list(struct making *in, struct aps_buf *out, struct aps_json_reader *r, const struct aps_cell *old,
                      make *make_item)
{
	struct aps_str rest = old != NULL && old->tag == APS_CELL_LIST ? old->text : APS_STR("");
	struct aps_cell item;
	enum aps_json_token token;
	size_t at = out->n, n = 0;
	bool is_known = false;
	while (!has_failed(in) && (token = aps_json_next(r)) != APS_JSON_ARRAY_END && token != APS_JSON_ERROR) {
		is_known = aps_cell_take(&rest, &item) || is_known;
		make_item(in, out, r, token, is_known ? &item : NULL);
		n++;
	}
	aps_cell_close_list(out, at, n);
}

static bool has_typename(struct aps_json_reader ahead)
{
	while (aps_json_next(&ahead) == APS_JSON_KEY) {
		if (aps_json_text_is(&ahead, "__typename")) return true;
		if (aps_json_skip_value(&ahead, NULL) != APS_OK) return false;
	}
	return false;
}

/* An application's data may have a __typename, too, or get one: it isn't the service's then. */
static bool is_data(const struct aps_cell *old)
{
	return old != NULL && old->tag == APS_CELL_JSON;
}

static void make_plain(struct making *in, struct aps_buf *out, struct aps_json_reader *r, enum aps_json_token token,
                       const struct aps_cell *old)
{
	bool is_structure = token == APS_JSON_OBJECT  ? is_object(old) || (has_typename(*r) && !is_data(old))
	                    : token == APS_JSON_ARRAY ? is_list(old)
	                                              : false;
	if (is_structure && token == APS_JSON_OBJECT)
		make_object(in, out, r, old, make_plain);
	else if (is_structure)
		make_list(in, out, r, old, make_plain);
	else if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY)
		aps_scalar_put_json(out, r);
	else if (!aps_scalar_put(out, r, token, &in->scratch))
		fail_memory(in);
}

/* The key of a record, "R" and the text that was read last, in `key`. */
static bool read_key(struct making *in, const struct aps_json_reader *r, struct aps_buf *key)
{
	aps_buf_reset(key);
	aps_buf_add_byte(key, 'R');
	char *p = aps_buf_reserve(key, aps_json_unescape_room(r));
	if (p == NULL) {
		fail_memory(in);
		return false;
	}
	key->n += aps_json_unescape_to(r, p);
	return true;
}

static void put_ref(struct making *in, struct aps_buf *out, const struct aps_json_reader *r)
{
	struct aps_buf key;
	aps_buf_init(&key, APS_BUF_ANY_SIZE);
	const struct aps_entry *entry = read_key(in, r, &key) ? aps_write_entry(in->write, aps_buf_str(&key)) : NULL;
	if (entry != NULL) aps_cell_put_ref(out, entry->number);
	aps_buf_clear(&key);
}

/* A record that may be nowhere: then nothing is put. */
static bool put_known_ref(struct making *in, struct aps_buf *out, const struct aps_json_reader *r)
{
	struct aps_buf key;
	struct aps_entry *entry = NULL;
	aps_buf_init(&key, APS_BUF_ANY_SIZE);
	if (read_key(in, r, &key))
		aps_entries_find_below(&in->write->cache->entries, aps_buf_str(&key), &entry, &in->err);
	if (entry != NULL) aps_cell_put_ref(out, entry->number);
	aps_buf_clear(&key);
	return entry != NULL;
}

/* What was appended since `at`, once more. */
static void double_item(struct aps_buf *edits, size_t at)
{
	size_t n = edits->n - at;
	char *p = aps_buf_reserve(edits, n);
	if (p == NULL) return;
	memcpy(p, edits->p + at, n);
	edits->n += n;
}

/* One edit as list_edit has it. An item without a neighbour that is there comes last. */
static void read_edit(struct making *in, struct aps_buf *edits, struct aps_json_reader *r)
{
	bool has_kind = aps_json_next(r) == APS_JSON_STRING && r->text.n == 1;
	char kind = has_kind ? r->text.p[0] : '\0';
	if ((kind != '-' && kind != '^' && kind != '+') || aps_json_next(r) != APS_JSON_STRING) {
		fail_text(in);
		return;
	}
	size_t at = edits->n;
	bool is_known = true;
	aps_buf_add_byte(edits, kind);
	if (kind == '-')
		is_known = put_known_ref(in, edits, r);
	else
		put_ref(in, edits, r);
	enum aps_json_token token = aps_json_next(r);
	bool has_neighbour = kind != '+' || (token == APS_JSON_STRING && put_known_ref(in, edits, r));
	if (!has_neighbour && edits->rc == APS_OK && !has_failed(in)) double_item(edits, at + 1);
	if (!is_known && edits->rc == APS_OK) edits->n = at;
	if (token != APS_JSON_ARRAY_END && aps_json_next(r) != APS_JSON_ARRAY_END) fail_text(in);
	if (edits->rc != APS_OK) fail_memory(in);
}

static void apply_edits(struct making *in, struct aps_buf *out, const struct aps_cell *old, struct aps_str edits)
{
	struct aps_buf loaded;
	uint64_t n_items;
	struct aps_str items = old != NULL && old->tag == APS_CELL_LIST ? old->text : APS_STR("");
	size_t at = out->n;
	aps_buf_init(&loaded, APS_BUF_ANY_SIZE);
	if (old != NULL && old->tag == APS_CELL_LONG_LIST) {
		aps_long_list_items(&in->write->cache->entries, old->as.entry, &loaded, &in->err);
		items = aps_buf_str(&loaded);
	}
	if (!has_failed(in) && aps_list_edit_apply(out, items, edits, &n_items, &in->err) == APS_OK)
		aps_cell_close_list(out, at, n_items);
	aps_buf_clear(&loaded);
}

static void read_edits(struct making *in, struct aps_buf *edits, struct aps_json_reader *r)
{
	enum aps_json_token token;
	if (aps_json_next(r) != APS_JSON_ARRAY) fail_text(in);
	while (!has_failed(in) && (token = aps_json_next(r)) != APS_JSON_ARRAY_END) {
		if (token == APS_JSON_ARRAY)
			read_edit(in, edits, r);
		else
			fail_text(in);
	}
}

/* {"__edits":[…]}, after its key. */
static void edit_list(struct making *in, struct aps_buf *out, struct aps_json_reader *r, const struct aps_cell *old)
{
	struct aps_buf edits;
	aps_buf_init(&edits, APS_BUF_ANY_SIZE);
	read_edits(in, &edits, r);
	if (!has_failed(in)) apply_edits(in, out, old, aps_buf_str(&edits));
	aps_buf_clear(&edits);
}

enum mark { NO_MARK, REF, LIST, JSON, EDITS, FIELDS };

/* Which one the object begins with that was just opened; the reader stays. */
static enum mark look_for_mark(struct aps_json_reader ahead)
{
	static const char *const MARKS[] = {
	        [REF] = "__ref", [LIST] = "__list", [JSON] = "__json", [EDITS] = "__edits", [FIELDS] = "__fields"};
	if (aps_json_next(&ahead) != APS_JSON_KEY) return NO_MARK;
	for (size_t i = REF; i < APS_COUNTOF(MARKS); i++)
		if (aps_json_text_is(&ahead, MARKS[i])) return (enum mark)i;
	return NO_MARK;
}

static void make_marked(struct making *in, struct aps_buf *out, struct aps_json_reader *r, enum mark mark,
                        const struct aps_cell *old)
{
	aps_json_next(r);
	if (mark == EDITS)
		edit_list(in, out, r, old);
	else if (mark == FIELDS)
		change_fields(in, out, r, old);
	else {
		enum aps_json_token token = aps_json_next(r);
		if (mark == REF && token == APS_JSON_STRING)
			put_ref(in, out, r);
		else if (mark == LIST && token == APS_JSON_ARRAY)
			make_list(in, out, r, old, make_value);
		else if (mark == JSON)
			make_plain(in, out, r, token, old);
		else
			fail_text(in);
	}
	if (!has_failed(in) && aps_json_next(r) != APS_JSON_OBJECT_END) fail_text(in);
}

static void make_value(struct making *in, struct aps_buf *out, struct aps_json_reader *r, enum aps_json_token token,
                       const struct aps_cell *old)
{
	enum mark mark = token == APS_JSON_OBJECT ? look_for_mark(*r) : NO_MARK;
	if (mark != NO_MARK)
		make_marked(in, out, r, mark, old);
	else if (token == APS_JSON_OBJECT)
		make_object(in, out, r, old, make_value);
	else if (token == APS_JSON_ARRAY || token == APS_JSON_ERROR || token == APS_JSON_END)
		fail_text(in);
	else if (!aps_scalar_put(out, r, token, &in->scratch))
		fail_memory(in);
}

enum aps_rc aps_edit_value_make(struct aps_buf *out, struct aps_cache_write *write, const struct aps_cell *old,
                                struct aps_str json, struct aps_err *err)
{
	struct making in = {.write = write};
	struct aps_json_reader r;
	aps_arena_init(&in.names, APS_BUF_ANY_SIZE);
	aps_arena_init(&in.scratch, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&r, json, 0);
	make_value(&in, out, &r, aps_json_next(&r), old);
	if (!has_failed(&in) && aps_json_next(&r) != APS_JSON_END) fail_text(&in);
	if (!has_failed(&in) && out->rc != APS_OK) fail_memory(&in);
	if (in.err.code == APS_OK) in.err = write->err;
	aps_arena_clear(&in.names);
	aps_arena_clear(&in.scratch);
	if (in.err.code != APS_OK && err != NULL) *err = in.err;
	return in.err.code;
}

enum aps_rc aps_edit_value_edits(struct aps_buf *edits, struct aps_cache_write *write, struct aps_json_reader *r,
                                 struct aps_err *err)
{
	struct making in = {.write = write};
	read_edits(&in, edits, r);
	if (in.err.code == APS_OK) in.err = write->err;
	if (in.err.code != APS_OK && err != NULL) *err = in.err;
	return in.err.code;
}
