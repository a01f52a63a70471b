/* JSON to Lua. Reads without recursion; the stack holds the open tables and, in an object, the key that waits. */
#include "binding/strings.h"
#include "binding/value.h"
#include "codec/decimal.h"
#include "codec/json_reader.h"

#define MAX_DEPTH 128
/* Texts repeat their keys: one that was seen lately is pushed by its stack index, without hashing and without a look
 * into Lua's string table. Not worth the slots for short texts. */
#define N_SEEN_KEYS    64
#define SEEN_KEY_BYTES 40
#define MIN_TEXT_BYTES 512
/* Tables are made with room for as many items as the last one at their depth had; bounded, because a hostile text may
 * change its shape all the time. */
#define FIRST_OBJECT_HINT 4
#define FIRST_ARRAY_HINT  4
#define MAX_OBJECT_HINT   64
#define MAX_ARRAY_HINT    256

#define MAX_DOUBLE_INTEGER (INT64_C(1) << 53)

struct level {
	int n_items;
	bool is_object;
};

struct hint {
	int n_fields;
	int n_items;
};

struct seen_key {
	const char *p; /* in the text */
	size_t n;
};

struct reading {
	struct aps_json_reader r;
	enum apl_big_integers big;
	int slots; /* stack index: the scratch buffer, above it the seen keys */
	bool sees_keys;
	struct aps_buf *scratch; /* NULL until the first escape */
	unsigned depth;
	unsigned deepest; /* hints are set up to here */
	struct level levels[MAX_DEPTH + 1];
	struct hint hints[MAX_DEPTH + 1];
	struct seen_key seen[N_SEEN_KEYS];
	struct apl_strings *strings;
	struct aps_err *err; /* may be NULL */
};

static enum aps_rc push_string(lua_State *L, struct reading *in, struct aps_str text, bool is_key)
{
	enum aps_rc rc = apl_strings_admit(L, in->strings, text, is_key, in->err);
	if (rc == APS_OK) lua_pushlstring(L, text.p, text.n);
	return rc;
}

/* The KEY or STRING just read. */
static enum aps_rc push_text(lua_State *L, struct reading *in, bool is_key)
{
	if (!in->r.has_escapes) return push_string(L, in, in->r.text, is_key);
	if (in->scratch == NULL) {
		in->scratch = apl_push_buffer(L, APS_BUF_ANY_SIZE);
		lua_replace(L, in->slots);
	}
	aps_buf_reset(in->scratch);
	char *out = aps_buf_reserve(in->scratch, in->r.text.n);
	if (out == NULL) return aps_fail(in->err, APS_E_NOMEM, "out of memory");
	struct aps_str text = {out, aps_json_unescape_to(&in->r, out)};
	return push_string(L, in, text, is_key);
}

static enum aps_rc push_key(lua_State *L, struct reading *in)
{
	struct aps_str key = in->r.text;
	if (!in->sees_keys || in->r.has_escapes || key.n == 0 || key.n > SEEN_KEY_BYTES) return push_text(L, in, true);
	const unsigned char *p = (const unsigned char *)key.p;
	size_t slot = (key.n * 5 + p[0] + p[key.n - 1] * 3u + p[key.n / 2] * 7u) % N_SEEN_KEYS;
	int index = in->slots + 1 + (int)slot;
	struct seen_key *seen = &in->seen[slot];
	if (seen->n == key.n && memcmp(seen->p, key.p, key.n) == 0) {
		lua_pushvalue(L, index);
		return APS_OK;
	}
	enum aps_rc rc = push_string(L, in, key, true);
	if (rc != APS_OK) return rc;
	lua_pushvalue(L, -1);
	lua_replace(L, index);
	*seen = (struct seen_key){key.p, key.n};
	return APS_OK;
}

static bool is_exact(const struct reading *in, enum aps_json_token token)
{
	if (token != APS_JSON_INT || APL_HAS_INTEGERS) return token == APS_JSON_INT;
	int64_t limit = in->big == APL_BIG_SAFE ? MAX_DOUBLE_INTEGER - 1 : MAX_DOUBLE_INTEGER;
	return in->r.integer <= limit && in->r.integer >= -limit;
}

static enum aps_rc push_integer(lua_State *L, struct reading *in, enum aps_json_token token)
{
	const struct aps_json_reader *r = &in->r;
	if (in->big != APL_BIG_ROUNDED && !is_exact(in, token)) return push_string(L, in, r->text, false);
	if (token == APS_JSON_INT && APL_HAS_INTEGERS)
		lua_pushinteger(L, (lua_Integer)r->integer);
	else
		lua_pushnumber(L, r->number);
	return APS_OK;
}

static enum aps_rc push_fraction(lua_State *L, struct reading *in)
{
	const struct aps_json_reader *r = &in->r;
	if (in->big == APL_BIG_SAFE && !aps_decimal_is_distinct(r->text, r->number))
		return push_string(L, in, r->text, false);
	lua_pushnumber(L, r->number);
	return APS_OK;
}

static void open_table(lua_State *L, struct reading *in, bool is_object)
{
	luaL_checkstack(L, 8, "JSON");
	const struct aps_json_reader *r = &in->r;
	struct hint *hint = &in->hints[++in->depth];
	if (in->depth > in->deepest) {
		in->deepest = in->depth;
		*hint = (struct hint){FIRST_OBJECT_HINT, FIRST_ARRAY_HINT};
	}
	in->levels[in->depth] = (struct level){0, is_object};
	bool is_empty = r->at < r->end && *r->at == (is_object ? '}' : ']');
	if (is_object) {
		lua_createtable(L, 0, is_empty ? 0 : hint->n_fields);
		return;
	}
	lua_createtable(L, is_empty ? 0 : hint->n_items, 0);
	lua_pushvalue(L, APL_UPVALUE_ARRAY_MT);
	lua_setmetatable(L, -2);
}

static void close_table(struct reading *in)
{
	struct hint *hint = &in->hints[in->depth];
	const struct level *level = &in->levels[in->depth--];
	if (level->is_object)
		hint->n_fields = level->n_items < MAX_OBJECT_HINT ? level->n_items : MAX_OBJECT_HINT;
	else
		hint->n_items = level->n_items < MAX_ARRAY_HINT ? level->n_items : MAX_ARRAY_HINT;
}

/* Puts the complete value on top of the stack where it belongs. */
static void attach(lua_State *L, struct reading *in)
{
	if (in->depth == 0) return;
	struct level *level = &in->levels[in->depth];
	level->n_items++;
	if (level->is_object)
		lua_rawset(L, -3);
	else
		lua_rawseti(L, -2, level->n_items);
}

/* One token, its effect on the stack. */
static enum aps_rc push_token(lua_State *L, struct reading *in, enum aps_json_token token)
{
	enum aps_rc rc = APS_OK;
	switch (token) {
	case APS_JSON_OBJECT: open_table(L, in, true); return APS_OK;
	case APS_JSON_ARRAY: open_table(L, in, false); return APS_OK;
	case APS_JSON_KEY: return push_key(L, in);
	case APS_JSON_OBJECT_END:
	case APS_JSON_ARRAY_END: close_table(in); break;
	case APS_JSON_STRING: rc = push_text(L, in, false); break;
	case APS_JSON_INT:
	case APS_JSON_BIGINT: rc = push_integer(L, in, token); break;
	case APS_JSON_DOUBLE: rc = push_fraction(L, in); break;
	case APS_JSON_TRUE: lua_pushboolean(L, 1); break;
	case APS_JSON_FALSE: lua_pushboolean(L, 0); break;
	case APS_JSON_NULL: lua_pushlightuserdata(L, NULL); break;
	case APS_JSON_ERROR:
	case APS_JSON_END: return APS_OK;
	}
	if (rc == APS_OK) attach(L, in);
	return rc;
}

static enum aps_rc read_whole_value(lua_State *L, struct reading *in)
{
	do {
		enum aps_json_token token = aps_json_next(&in->r);
		if (token == APS_JSON_ERROR) {
			if (in->err != NULL) *in->err = in->r.err;
			return in->r.err.code;
		}
		enum aps_rc rc = push_token(L, in, token);
		if (rc != APS_OK) return rc;
	} while (in->depth != 0);
	return APS_OK;
}

static void begin(lua_State *L, struct reading *in, struct aps_str json, enum apl_big_integers big)
{
	in->big = big;
	in->sees_keys = json.n >= MIN_TEXT_BYTES;
	in->scratch = NULL;
	in->depth = 0;
	in->err = NULL;
	in->strings = apl_strings_begin(L);
	aps_json_reader_init(&in->r, json, MAX_DEPTH);
	in->deepest = 0;
	in->slots = lua_gettop(L) + 1;
	luaL_checkstack(L, N_SEEN_KEYS + 16, "JSON");
	lua_settop(L, in->slots + (in->sees_keys ? N_SEEN_KEYS : 0));
	if (in->sees_keys) memset(in->seen, 0, sizeof in->seen);
}

/* Leaves the value alone on the stack, or nothing. */
static void finish(lua_State *L, struct reading *in, bool has_value)
{
	if (in->scratch != NULL) apl_release_buffer(L, in->slots);
	if (has_value) lua_replace(L, in->slots);
	lua_settop(L, has_value ? in->slots : in->slots - 1);
}

enum aps_rc apl_value_push(lua_State *L, struct aps_str json, enum apl_big_integers big, struct aps_err *err)
{
	struct reading in;
	begin(L, &in, json, big);
	in.err = err;
	enum aps_rc rc = read_whole_value(L, &in);
	if (rc == APS_OK && aps_json_next(&in.r) != APS_JSON_END) {
		rc = in.r.err.code;
		if (err != NULL) *err = in.r.err;
	}
	finish(L, &in, rc == APS_OK);
	return rc;
}

bool apl_value_push_sole_member(lua_State *L, struct aps_str json, const char *name, enum apl_big_integers big)
{
	struct reading in;
	begin(L, &in, json, big);
	bool is_sole = aps_json_next(&in.r) == APS_JSON_OBJECT && aps_json_next(&in.r) == APS_JSON_KEY &&
	               aps_json_text_is(&in.r, name) && read_whole_value(L, &in) == APS_OK &&
	               aps_json_next(&in.r) == APS_JSON_OBJECT_END && aps_json_next(&in.r) == APS_JSON_END;
	finish(L, &in, is_sole);
	return is_sole;
}
