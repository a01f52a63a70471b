/* JSON and packed values to Lua. Reads without recursion; within a step the stack holds the open tables and, below each
 * that is a field's value, the field's key. */
#include "binding/value_build.h"
#include "binding/value_parts.h"
#include "codec/decimal.h"

#include <limits.h>

#define SEEN_KEY_BYTES 40
#define MIN_TEXT_BYTES 512
/* Bounded, because a hostile text may change its shape all the time. */
#define FIRST_OBJECT_HINT 4
#define FIRST_ARRAY_HINT  4
#define MAX_OBJECT_HINT   64
#define MAX_ARRAY_HINT    256

#define MAX_DOUBLE_INTEGER (INT64_C(1) << 53)

static enum aps_rc push_string(lua_State *L, struct apl_value_build *in, struct aps_str text, bool is_key)
{
	enum aps_rc rc = apl_strings_admit(L, &in->strings, text, is_key, in->err);
	if (rc == APS_OK) lua_pushlstring(L, text.p, text.n);
	return rc;
}

/* The KEY or STRING just read. */
static enum aps_rc push_text(lua_State *L, struct apl_value_build *in, bool is_key)
{
	if (!in->r.has_escapes) return push_string(L, in, in->r.text, is_key);
	if (in->scratch == NULL) {
		in->scratch = apl_push_buffer(L, APS_BUF_ANY_SIZE);
		lua_replace(L, in->slots);
	}
	aps_buf_reset(in->scratch);
	char *out = aps_buf_reserve(in->scratch, aps_json_unescape_room(&in->r));
	if (out == NULL) return aps_fail(in->err, APS_E_NOMEM, "out of memory");
	struct aps_str text = {out, aps_json_unescape_to(&in->r, out)};
	return push_string(L, in, text, is_key);
}

static enum aps_rc push_key(lua_State *L, struct apl_value_build *in)
{
	struct aps_str key = in->r.text;
	if (!in->sees_keys || in->r.has_escapes || key.n == 0 || key.n > SEEN_KEY_BYTES) return push_text(L, in, true);
	const unsigned char *p = (const unsigned char *)key.p;
	size_t slot = (key.n * 5 + p[0] + p[key.n - 1] * 3u + p[key.n / 2] * 7u) % APL_VALUE_SEEN_KEYS;
	int index = in->slots + 1 + (int)slot;
	struct apl_value_seen_key *seen = &in->seen[slot];
	if (seen->n == key.n && memcmp(seen->p, key.p, key.n) == 0) {
		lua_pushvalue(L, index);
		return APS_OK;
	}
	enum aps_rc rc = push_string(L, in, key, true);
	if (rc != APS_OK) return rc;
	lua_pushvalue(L, -1);
	lua_replace(L, index);
	*seen = (struct apl_value_seen_key){key.p, key.n};
	return APS_OK;
}

static bool is_exact_integer(const struct apl_value_build *in, int64_t integer)
{
	int64_t limit = in->big == APL_BIG_SAFE ? MAX_DOUBLE_INTEGER - 1 : MAX_DOUBLE_INTEGER;
	return APL_HAS_INTEGERS || (integer <= limit && integer >= -limit);
}

static bool is_exact(const struct apl_value_build *in, enum aps_json_token token)
{
	return token == APS_JSON_INT && is_exact_integer(in, in->r.integer);
}

static enum aps_rc push_integer(lua_State *L, struct apl_value_build *in, enum aps_json_token token)
{
	const struct aps_json_reader *r = &in->r;
	if (in->big != APL_BIG_ROUNDED && !is_exact(in, token)) return push_string(L, in, r->text, false);
	if (token == APS_JSON_INT && APL_HAS_INTEGERS)
		lua_pushinteger(L, (lua_Integer)r->integer);
	else
		lua_pushnumber(L, r->number);
	return APS_OK;
}

static enum aps_rc push_fraction(lua_State *L, struct apl_value_build *in)
{
	const struct aps_json_reader *r = &in->r;
	if (in->big == APL_BIG_SAFE && !aps_decimal_is_distinct(r->text, r->number))
		return push_string(L, in, r->text, false);
	lua_pushnumber(L, r->number);
	return APS_OK;
}

/* With room for n items. */
static void open_sized(lua_State *L, struct apl_value_build *in, bool is_object, uint32_t n)
{
	luaL_checkstack(L, 8, "JSON");
	in->levels[++in->depth] = (struct apl_value_level){0, n, is_object};
	int room = n < INT_MAX ? (int)n : INT_MAX;
	if (is_object) {
		lua_createtable(L, 0, room);
		return;
	}
	lua_createtable(L, room, 0);
	lua_pushvalue(L, APL_UPVALUE_ARRAY_MT);
	lua_setmetatable(L, -2);
}

static void open_table(lua_State *L, struct apl_value_build *in, bool is_object)
{
	const struct aps_json_reader *r = &in->r;
	unsigned depth = in->depth + 1;
	struct apl_value_hint *hint = &in->hints[depth];
	for (; in->deepest < depth; in->deepest++)
		in->hints[in->deepest + 1] = (struct apl_value_hint){FIRST_OBJECT_HINT, FIRST_ARRAY_HINT};
	bool is_empty = r->at < r->end && *r->at == (is_object ? '}' : ']');
	open_sized(L, in, is_object, is_empty ? 0 : (uint32_t)(is_object ? hint->n_fields : hint->n_items));
}

static void close_table(struct apl_value_build *in)
{
	struct apl_value_hint *hint = &in->hints[in->depth];
	const struct apl_value_level *level = &in->levels[in->depth--];
	if (level->is_object)
		hint->n_fields = level->n_items < MAX_OBJECT_HINT ? level->n_items : MAX_OBJECT_HINT;
	else
		hint->n_items = level->n_items < MAX_ARRAY_HINT ? level->n_items : MAX_ARRAY_HINT;
}

/* Puts the complete value on top of the stack where it belongs. */
static void attach(lua_State *L, struct apl_value_build *in)
{
	struct apl_value_level *level = &in->levels[in->depth];
	level->n_items++;
	if (level->is_object)
		lua_rawset(L, -3);
	else
		lua_rawseti(L, -2, level->n_items);
}

/* A value that this token completes; a table is on the stack already. */
static enum aps_rc push_value(lua_State *L, struct apl_value_build *in, enum aps_json_token token)
{
	switch (token) {
	case APS_JSON_OBJECT_END:
	case APS_JSON_ARRAY_END:
		if (in->parts != NULL) apl_value_parts_close(L, in->parts, in->depth);
		close_table(in);
		return APS_OK;
	case APS_JSON_STRING: return push_text(L, in, false);
	case APS_JSON_INT:
	case APS_JSON_BIGINT: return push_integer(L, in, token);
	case APS_JSON_DOUBLE: return push_fraction(L, in);
	case APS_JSON_TRUE: lua_pushboolean(L, 1); return APS_OK;
	case APS_JSON_FALSE: lua_pushboolean(L, 0); return APS_OK;
	default: lua_pushlightuserdata(L, NULL); return APS_OK; /* null: all others don't come here */
	}
}

static enum aps_rc fail_as_read(const struct apl_value_build *in)
{
	if (in->err != NULL) *in->err = in->r.err;
	return in->r.err.code;
}

/* A table was opened; `part`: what it is of a view. */
static void note_open(lua_State *L, struct apl_value_build *in, const struct aps_view_part *part)
{
	const struct apl_value_level *outer = &in->levels[in->depth - 1];
	bool is_item = in->depth > 1 && !outer->is_object;
	if (in->parts != NULL) apl_value_parts_open(L, in->parts, part, in->depth, is_item ? outer->n_items + 1 : 0);
}

/* Goes on until the value is complete, and not attached, or so many within it are: no key waits then for the innermost
 * table. */
static enum aps_rc read_values(lua_State *L, struct apl_value_build *in, size_t *max_values)
{
	for (;;) {
		enum aps_json_token token = aps_json_next(&in->r);
		enum aps_rc rc;
		switch (token) {
		case APS_JSON_ERROR: return fail_as_read(in);
		case APS_JSON_OBJECT:
		case APS_JSON_ARRAY:
			open_table(L, in, token == APS_JSON_OBJECT);
			note_open(L, in, NULL);
			continue;
		case APS_JSON_KEY:
			rc = push_key(L, in);
			if (rc != APS_OK) return rc;
			continue;
		default: break;
		}
		rc = push_value(L, in, token);
		if (rc != APS_OK || in->depth == in->json_depth) return rc;
		attach(L, in);
		if (--*max_values == 0) return APS_OK;
	}
}

static enum aps_rc read_end(struct apl_value_build *in)
{
	return aps_json_next(&in->r) == APS_JSON_END ? APS_OK : fail_as_read(in);
}

static enum aps_rc fail_packed(const struct apl_value_build *in)
{
	return aps_fail_word(in->err, APS_E_STORAGE, "corrupt", 0, "a record of the cache is damaged");
}

static enum aps_rc push_label(lua_State *L, struct apl_value_build *in)
{
	uint32_t label;
	if (!aps_packed_take_label(&in->rest, &label) || label >= in->from->n_labels) return fail_packed(in);
	lua_rawgeti(L, in->labels, (int)label + 1);
	if (!lua_isnil(L, -1)) return APS_OK;
	lua_pop(L, 1);
	lua_pushlstring(L, in->from->labels[label].p, in->from->labels[label].n);
	lua_pushvalue(L, -1);
	lua_rawseti(L, in->labels, (int)label + 1);
	return APS_OK;
}

static enum aps_rc push_packed_integer(lua_State *L, struct apl_value_build *in, int64_t integer)
{
	char text[20];
	if (in->big != APL_BIG_ROUNDED && !is_exact_integer(in, integer))
		return push_string(L, in, (struct aps_str){text, aps_decimal_print_int(integer, text)}, false);
#if APL_HAS_INTEGERS
	lua_pushinteger(L, (lua_Integer)integer);
#else
	lua_pushnumber(L, (lua_Number)integer);
#endif
	return APS_OK;
}

/* Its values come next; those around it count for its depth. */
static enum aps_rc open_json(struct apl_value_build *in, const struct aps_cell *value)
{
	if (value->tag == APS_CELL_JSON && in->depth == APL_VALUE_MAX_DEPTH)
		return aps_fail(in->err, APS_E_DEPTH, "nested deeper than %d levels", APL_VALUE_MAX_DEPTH);
	aps_json_reader_init(&in->r, value->text, APL_VALUE_MAX_DEPTH - in->depth);
	in->r.strictness = APS_JSON_LENIENT;
	in->is_in_json = true;
	in->json_depth = in->depth;
	return APS_OK;
}

static enum aps_rc push_packed_scalar(lua_State *L, struct apl_value_build *in)
{
	struct aps_cell value;
	struct aps_str text;
	if (aps_packed_take_short_string(&in->rest, &text)) return push_string(L, in, text, false);
	if (!aps_cell_take(&in->rest, &value)) return fail_packed(in);
	switch (value.tag) {
	case APS_CELL_NULL: lua_pushlightuserdata(L, NULL); return APS_OK;
	case APS_CELL_FALSE: lua_pushboolean(L, 0); return APS_OK;
	case APS_CELL_TRUE: lua_pushboolean(L, 1); return APS_OK;
	case APS_CELL_INT: return push_packed_integer(L, in, value.as.integer);
	case APS_CELL_DOUBLE: lua_pushnumber(L, value.as.number); return APS_OK;
	case APS_CELL_STRING: return push_string(L, in, value.text, false);
	case APS_CELL_NUMBER:
	case APS_CELL_JSON: return open_json(in, &value);
	default: return fail_packed(in);
	}
}

/* *is_open: its items come next. A table that is there already, from a view before, is complete. */
static enum aps_rc push_packed_table(lua_State *L, struct apl_value_build *in, bool is_object, bool *is_open)
{
	uint32_t n;
	const char *start = in->from->bytes.p;
	size_t at = (size_t)(in->rest.p - start);
	struct apl_value_parts *parts = in->parts;
	const struct aps_view_part *part = parts != NULL && is_object ? apl_value_parts_at(parts, at) : NULL;
	if (part != NULL && apl_value_parts_take(L, parts, part)) {
		in->rest = (struct aps_str){start + part->end, in->from->bytes.n - part->end};
		return APS_OK;
	}
	bool is_head = aps_packed_take_head(&in->rest, is_object ? APS_CELL_OBJECT : APS_CELL_LIST, &n);
	if (!is_head || in->depth == APL_VALUE_MAX_DEPTH) return fail_packed(in);
	open_sized(L, in, is_object, n);
	note_open(L, in, part);
	*is_open = true;
	return APS_OK;
}

/* What stands next, with its key. *is_open: it isn't complete yet. */
static enum aps_rc push_packed(lua_State *L, struct apl_value_build *in, bool *is_open)
{
	struct apl_value_level *level = &in->levels[in->depth];
	enum aps_rc rc = in->depth != 0 && level->is_object ? push_label(L, in) : APS_OK;
	if (rc != APS_OK) return rc;
	if (in->depth != 0) level->n_left--;
	char tag = in->rest.n != 0 ? in->rest.p[0] : APS_CELL_COUNT;
	if (tag == APS_CELL_OBJECT || tag == APS_CELL_LIST)
		return push_packed_table(L, in, tag == APS_CELL_OBJECT, is_open);
	rc = push_packed_scalar(L, in);
	*is_open = in->is_in_json;
	return rc;
}

static enum aps_rc go_on_in_json(lua_State *L, struct apl_value_build *in, size_t *max_values, bool *is_open)
{
	enum aps_rc rc = read_values(L, in, max_values);
	*is_open = in->depth != in->json_depth;
	if (rc != APS_OK || *is_open) return rc;
	in->is_in_json = false;
	in->json_depth = 0;
	return read_end(in);
}

/* As read_values(). */
static enum aps_rc read_packed(lua_State *L, struct apl_value_build *in, size_t *max_values)
{
	for (;;) {
		bool is_open = false;
		enum aps_rc rc = APS_OK;
		if (in->is_in_json) {
			rc = go_on_in_json(L, in, max_values, &is_open);
			if (is_open) return rc;
		} else if (in->depth != 0 && in->levels[in->depth].n_left == 0) {
			if (in->parts != NULL) apl_value_parts_close(L, in->parts, in->depth);
			in->depth--;
		} else {
			rc = push_packed(L, in, &is_open);
			if (rc == APS_OK && is_open) continue;
		}
		if (rc != APS_OK || in->depth == 0) return rc;
		attach(L, in);
		if (--*max_values == 0) return APS_OK;
	}
}

/* The whole value, or a part of it; complete, it is checked to be all there is. */
static enum aps_rc read_some(lua_State *L, struct apl_value_build *in, size_t max_values)
{
	enum aps_rc rc = in->from != NULL ? read_packed(L, in, &max_values) : read_values(L, in, &max_values);
	if (rc != APS_OK || in->depth != 0) return rc;
	if (in->from != NULL) return in->rest.n == 0 ? APS_OK : fail_packed(in);
	return read_end(in);
}

static void begin_step(lua_State *L, struct apl_value_build *in, size_t max_values, struct aps_err *err)
{
	in->sees_keys = (size_t)(in->r.end - in->r.start) >= MIN_TEXT_BYTES && max_values > APL_VALUE_SEEN_KEYS;
	in->scratch = NULL;
	in->err = err;
	apl_strings_begin(L, &in->strings);
	in->slots = lua_gettop(L) + 1;
	luaL_checkstack(L, APL_VALUE_SEEN_KEYS + 16, "JSON");
	lua_settop(L, in->slots + (in->sees_keys ? APL_VALUE_SEEN_KEYS : 0));
	if (in->sees_keys) memset(in->seen, 0, sizeof in->seen);
}

/* Of what is packed; `labels` 0: they are made for this step. */
static void begin_packed_step(lua_State *L, struct apl_value_build *in, int labels, struct aps_err *err)
{
	in->sees_keys = false;
	in->scratch = NULL;
	in->err = err;
	in->labels = labels;
	apl_strings_begin(L, &in->strings);
	in->slots = lua_gettop(L) + 1;
	luaL_checkstack(L, 16, "JSON");
	lua_pushnil(L);
	if (labels != 0) return;
	lua_createtable(L, (int)(in->from->n_labels < INT_MAX ? in->from->n_labels : INT_MAX), 0);
	in->labels = lua_gettop(L);
}

/* Leaves the value alone on the stack, or nothing. */
static void end_step(lua_State *L, struct apl_value_build *in, bool has_value)
{
	if (in->scratch != NULL) apl_release_buffer(L, in->slots);
	if (has_value) lua_replace(L, in->slots);
	lua_settop(L, has_value ? in->slots : in->slots - 1);
}

void apl_value_build_init(struct apl_value_build *build, struct aps_str json, enum apl_big_integers big,
                          enum aps_json_strictness strictness)
{
	aps_json_reader_init(&build->r, json, APL_VALUE_MAX_DEPTH);
	build->r.strictness = strictness;
	build->big = big;
	build->is_over = false;
	build->depth = 0;
	build->deepest = 0;
	build->n_held = 0;
	build->strings = (struct apl_document_strings){.strings = NULL};
	build->parts = NULL;
	build->from = NULL;
	build->json_depth = 0;
	build->is_in_json = false;
}

void apl_value_build_init_packed(struct apl_value_build *build, const struct aps_packed *packed,
                                 enum apl_big_integers big)
{
	build->from = packed;
	build->rest = packed->bytes;
	build->big = big;
	build->is_in_json = build->is_over = false;
	build->depth = build->deepest = build->json_depth = build->n_held = 0;
	build->strings = (struct apl_document_strings){.strings = NULL};
	build->parts = NULL;
}

/* Pushes the value at `at` of the table, which must be of that type for the writing that follows. */
static void push_held(lua_State *L, int held, unsigned at, int type)
{
	lua_rawgeti(L, held, (int)at);
	if (lua_type(L, -1) != type) luaL_error(L, "another table than that of the step before");
}

/* Puts the open tables and the keys between them on the stack. */
static void push_all_held(lua_State *L, const struct apl_value_build *in, int held)
{
	luaL_checkstack(L, (int)in->n_held + 8, "JSON");
	unsigned at = 0;
	for (unsigned depth = 1; depth <= in->depth; depth++) {
		push_held(L, held, ++at, LUA_TTABLE);
		if (depth != in->depth && in->levels[depth].is_object) push_held(L, held, ++at, LUA_TSTRING);
	}
}

/* Leaves in the table what stands on the stack above `base`, and nothing else. */
static void hold(lua_State *L, struct apl_value_build *in, int held, int base)
{
	unsigned n_before = in->n_held;
	in->n_held = (unsigned)(lua_gettop(L) - base);
	for (unsigned at = 1; at <= in->n_held; at++) {
		lua_pushvalue(L, base + (int)at);
		lua_rawseti(L, held, (int)at);
	}
	for (unsigned at = in->n_held + 1; at <= n_before; at++) {
		lua_pushnil(L);
		lua_rawseti(L, held, (int)at);
	}
}

enum apl_step apl_value_build_step(lua_State *L, struct apl_value_build *build, int held, size_t max_values,
                                   struct aps_err *err)
{
	if (build->is_over) luaL_error(L, "the value was built, or failed to be");
	build->is_over = true;
	held = lua_absindex(L, held);
	if (max_values == 0) max_values = 1;
	if (build->from != NULL)
		begin_packed_step(L, build, 0, err);
	else
		begin_step(L, build, max_values, err);
	int base = lua_gettop(L);
	push_all_held(L, build, held);
	enum aps_rc rc = read_some(L, build, max_values);
	bool is_complete = build->depth == 0;
	bool is_over = is_complete || rc != APS_OK;
	hold(L, build, held, is_over ? lua_gettop(L) : base);
	build->is_over = is_over;
	end_step(L, build, is_complete && rc == APS_OK);
	if (rc != APS_OK) return APL_STEP_FAILED;
	return is_complete ? APL_STEP_DONE : APL_STEP_MORE;
}

enum aps_rc apl_value_push(lua_State *L, struct aps_str json, enum apl_big_integers big,
                           enum aps_json_strictness strictness, struct aps_err *err)
{
	struct apl_value_build in;
	apl_value_build_init(&in, json, big, strictness);
	begin_step(L, &in, SIZE_MAX, err);
	enum aps_rc rc = read_some(L, &in, SIZE_MAX);
	end_step(L, &in, rc == APS_OK);
	return rc;
}

enum aps_rc apl_value_push_packed(lua_State *L, const struct aps_packed *packed, int labels, enum apl_big_integers big,
                                  struct aps_err *err)
{
	struct apl_value_build in;
	apl_value_build_init_packed(&in, packed, big);
	begin_packed_step(L, &in, lua_absindex(L, labels), err);
	enum aps_rc rc = read_some(L, &in, SIZE_MAX);
	end_step(L, &in, rc == APS_OK);
	return rc;
}

bool apl_value_push_sole_member(lua_State *L, struct aps_str json, const char *name, enum apl_big_integers big)
{
	struct apl_value_build in;
	size_t any = SIZE_MAX;
	apl_value_build_init(&in, json, big, APS_JSON_LENIENT);
	begin_step(L, &in, SIZE_MAX, NULL);
	bool is_sole = aps_json_next(&in.r) == APS_JSON_OBJECT && aps_json_next(&in.r) == APS_JSON_KEY &&
	               aps_json_text_is(&in.r, name) && read_values(L, &in, &any) == APS_OK &&
	               aps_json_next(&in.r) == APS_JSON_OBJECT_END && aps_json_next(&in.r) == APS_JSON_END;
	end_step(L, &in, is_sole);
	return is_sole;
}
