/* JSON to Lua. Reads without recursion; within a step the stack holds the open tables and, below each that is a field's
 * value, the field's key. */
#include "binding/value_build.h"
#include "binding/value_parts.h"
#include "codec/decimal.h"

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

static bool is_exact(const struct apl_value_build *in, enum aps_json_token token)
{
	if (token != APS_JSON_INT || APL_HAS_INTEGERS) return token == APS_JSON_INT;
	int64_t limit = in->big == APL_BIG_SAFE ? MAX_DOUBLE_INTEGER - 1 : MAX_DOUBLE_INTEGER;
	return in->r.integer <= limit && in->r.integer >= -limit;
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

static void open_table(lua_State *L, struct apl_value_build *in, bool is_object)
{
	luaL_checkstack(L, 8, "JSON");
	const struct aps_json_reader *r = &in->r;
	struct apl_value_hint *hint = &in->hints[++in->depth];
	if (in->depth > in->deepest) {
		in->deepest = in->depth;
		*hint = (struct apl_value_hint){FIRST_OBJECT_HINT, FIRST_ARRAY_HINT};
	}
	in->levels[in->depth] = (struct apl_value_level){0, is_object};
	bool is_empty = r->at < r->end && *r->at == (is_object ? '}' : ']');
	if (is_object) {
		lua_createtable(L, 0, is_empty ? 0 : hint->n_fields);
		return;
	}
	lua_createtable(L, is_empty ? 0 : hint->n_items, 0);
	lua_pushvalue(L, APL_UPVALUE_ARRAY_MT);
	lua_setmetatable(L, -2);
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

/* False: it is there already, from a view before, and stands on the stack; its end comes next. */
static bool open_value(lua_State *L, struct apl_value_build *in, bool is_object)
{
	struct apl_value_parts *parts = in->parts;
	size_t at = (size_t)(in->r.text.p - in->r.start);
	const struct aps_view_part *part = parts != NULL && is_object ? apl_value_parts_at(parts, at) : NULL;
	bool is_known = part != NULL && apl_value_parts_take(L, parts, part);
	if (is_known) {
		aps_json_leave_object(&in->r, in->r.start + part->end);
		aps_json_next(&in->r);
		return false;
	}
	bool is_item = in->depth != 0 && !in->levels[in->depth].is_object;
	int n_before = in->levels[in->depth].n_items;
	open_table(L, in, is_object);
	if (parts != NULL) apl_value_parts_open(L, parts, part, in->depth, is_item ? n_before + 1 : 0);
	return true;
}

/* Goes on until the value is complete, or so many within it are: no key waits then for the innermost table. */
static enum aps_rc read_values(lua_State *L, struct apl_value_build *in, size_t max_values)
{
	for (;;) {
		enum aps_json_token token = aps_json_next(&in->r);
		enum aps_rc rc;
		switch (token) {
		case APS_JSON_ERROR: return fail_as_read(in);
		case APS_JSON_OBJECT:
		case APS_JSON_ARRAY:
			if (open_value(L, in, token == APS_JSON_OBJECT)) continue;
			attach(L, in);
			if (--max_values == 0) return APS_OK;
			continue;
		case APS_JSON_KEY:
			rc = push_key(L, in);
			if (rc != APS_OK) return rc;
			continue;
		default: break;
		}
		rc = push_value(L, in, token);
		if (rc != APS_OK || in->depth == 0) return rc;
		attach(L, in);
		if (--max_values == 0) return APS_OK;
	}
}

static enum aps_rc read_end(struct apl_value_build *in)
{
	return aps_json_next(&in->r) == APS_JSON_END ? APS_OK : fail_as_read(in);
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
	begin_step(L, build, max_values, err);
	int base = lua_gettop(L);
	push_all_held(L, build, held);
	enum aps_rc rc = read_values(L, build, max_values);
	bool is_complete = rc == APS_OK && build->depth == 0;
	if (is_complete) rc = read_end(build);
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
	enum aps_rc rc = read_values(L, &in, SIZE_MAX);
	if (rc == APS_OK) rc = read_end(&in);
	end_step(L, &in, rc == APS_OK);
	return rc;
}

bool apl_value_push_sole_member(lua_State *L, struct aps_str json, const char *name, enum apl_big_integers big)
{
	struct apl_value_build in;
	apl_value_build_init(&in, json, big, APS_JSON_LENIENT);
	begin_step(L, &in, SIZE_MAX, NULL);
	bool is_sole = aps_json_next(&in.r) == APS_JSON_OBJECT && aps_json_next(&in.r) == APS_JSON_KEY &&
	               aps_json_text_is(&in.r, name) && read_values(L, &in, SIZE_MAX) == APS_OK &&
	               aps_json_next(&in.r) == APS_JSON_OBJECT_END && aps_json_next(&in.r) == APS_JSON_END;
	end_step(L, &in, is_sole);
	return is_sole;
}
