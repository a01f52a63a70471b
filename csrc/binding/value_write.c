/* Lua to JSON. Nothing here makes a Lua object, so no finalizer runs while a table is walked. */
#include "binding/value.h"

#include <math.h>
#include <stdio.h>

#define MAX_DEPTH         128
#define MAX_PATH_CHARS    120
#define MAX_EXACT_INTEGER 9007199254740992.0 /* 2^53: from there on an integer shares its double with others */
#define MIXED_KEYS        "keys of a list and of an object in one table"

/* Where the walk stands: a chain over the C frames, read only when a message is made. */
struct place {
	const struct place *up;
	const char *key; /* NULL: a list's element */
	size_t n;        /* the key's length, or the element's number */
};

struct writing {
	lua_State *L;
	struct aps_json_writer *w;
	struct aps_err *err;
	const char *name;
	const void *array_mt;
	const void *cjson_array_mt;
	const void *cjson_empty;
	unsigned depth;
	bool keeps_floats;
};

static enum aps_rc write_value(struct writing *out, int index, const struct place *place);

static bool is_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool is_letter = (p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= 'a' && p[i] <= 'z') || p[i] == '_';
		if (!is_letter && !(i != 0 && p[i] >= '0' && p[i] <= '9')) return false;
	}
	return n != 0;
}

/* One step of the path; what is no printable ASCII becomes '?'. */
static size_t step_text(const struct place *place, char text[48])
{
	if (place->key == NULL) return (size_t)snprintf(text, 48, "[%zu]", place->n);
	char key[33];
	size_t n = place->n < 32 ? place->n : 32;
	for (size_t i = 0; i < n; i++)
		key[i] = (char)(place->key[i] < ' ' || place->key[i] > '~' ? '?' : place->key[i]);
	key[n] = '\0';
	const char *more = place->n > 32 ? "..." : "";
	if (is_name(place->key, place->n)) return (size_t)snprintf(text, 48, ".%s%s", key, more);
	return (size_t)snprintf(text, 48, "[\"%s%s\"]", key, more);
}

/* The steps from the root on, as far as there is room. */
static void path_text(const struct writing *out, const struct place *place, char path[MAX_PATH_CHARS + 8])
{
	const struct place *steps[MAX_DEPTH + 2];
	size_t n_steps = 0;
	for (; place != NULL && n_steps < APS_COUNTOF(steps); place = place->up) steps[n_steps++] = place;
	int named = snprintf(path, MAX_PATH_CHARS, "%s", out->name != NULL ? out->name : "value");
	size_t at = named < MAX_PATH_CHARS ? (size_t)named : MAX_PATH_CHARS - 1;
	while (n_steps != 0) {
		char text[48];
		size_t n = step_text(steps[--n_steps], text);
		if (at + n > MAX_PATH_CHARS) {
			memcpy(path + at, "...", 4);
			return;
		}
		memcpy(path + at, text, n + 1);
		at += n;
	}
}

static enum aps_rc refuse(const struct writing *out, const struct place *place, const char *what)
{
	char path[MAX_PATH_CHARS + 8];
	path_text(out, place, path);
	return aps_fail(out->err, APS_E_USAGE, "%s: %s", path, what);
}

/* After something was written: the buffer's failure, or a string's that is not UTF-8. */
static enum aps_rc check_written(const struct writing *out, const struct place *place)
{
	if (out->w->err.code == APS_E_UTF8) {
		char what[64];
		snprintf(what, sizeof what, "a string that is not UTF-8 (at its byte %ld)", out->w->err.native + 1);
		return refuse(out, place, what);
	}
	enum aps_rc rc = aps_json_writer_finish(out->w);
	if (rc != APS_OK && out->err != NULL) *out->err = out->w->err;
	return rc;
}

/* The key at `index` as a list's index; 0 when it is none. */
static size_t list_index(lua_State *L, int index)
{
	if (lua_type(L, index) != LUA_TNUMBER) return 0;
	lua_Number n = lua_tonumber(L, index);
	return n >= 1 && n <= MAX_EXACT_INTEGER && floor(n) == n ? (size_t)n : 0;
}

/* All keys must be 1..n. Looks at each key once and keeps nothing but their count and the highest. */
static enum aps_rc check_list_keys(const struct writing *out, int table, const struct place *place, size_t *n_items)
{
	lua_State *L = out->L;
	size_t n = 0;
	size_t highest = 0;
	for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
		size_t at = list_index(L, -2);
		if (at == 0 && lua_type(L, -2) == LUA_TNUMBER)
			return refuse(out, place, "a number as a key that is no place in a list");
		if (at == 0) return refuse(out, place, MIXED_KEYS);
		if (at > highest) highest = at;
		n++;
	}
	*n_items = n;
	if (highest == n) return APS_OK;
	size_t missing = 1;
	for (; missing < highest; missing++) {
		lua_rawgeti(L, table, (int)missing);
		bool is_hole = lua_isnil(L, -1);
		lua_pop(L, 1);
		if (is_hole) break;
	}
	char what[96];
	snprintf(what, sizeof what, "a list with holes; element %zu is missing, the last one is %zu", missing, highest);
	return refuse(out, place, what);
}

static enum aps_rc write_element(struct writing *out, const struct place *place, size_t at)
{
	struct place here = {place, NULL, at};
	return write_value(out, lua_gettop(out->L), &here);
}

/* Elements lie in order in next()'s eyes, save in tables that were filled in another order: from the first that is out
 * of order on they are got by number, after a look at all keys. */
static enum aps_rc write_list(struct writing *out, int table, const struct place *place)
{
	lua_State *L = out->L;
	size_t n = 0;
	enum aps_rc rc = APS_OK;
	aps_json_write_array(out->w);
	lua_pushnil(L);
	while (lua_next(L, table) != 0) {
		if (list_index(L, -2) != n + 1) {
			lua_pop(L, 2);
			size_t n_items = 0;
			rc = check_list_keys(out, table, place, &n_items);
			while (rc == APS_OK && n < n_items) {
				lua_rawgeti(L, table, (int)++n);
				rc = write_element(out, place, n);
				lua_pop(L, 1);
			}
			break;
		}
		rc = write_element(out, place, ++n);
		if (rc != APS_OK) break;
		lua_pop(L, 1);
	}
	aps_json_write_array_end(out->w);
	return rc;
}

/* The first pair is on the stack already. */
static enum aps_rc write_fields(struct writing *out, int table, const struct place *place)
{
	lua_State *L = out->L;
	do {
		if (lua_type(L, -2) != LUA_TSTRING) {
			bool is_number = lua_type(L, -2) == LUA_TNUMBER;
			return refuse(out, place, is_number ? MIXED_KEYS : "a key that is neither a name nor a number");
		}
		struct place here = {place, NULL, 0};
		here.key = lua_tolstring(L, -2, &here.n);
		aps_json_write_key(out->w, (struct aps_str){here.key, here.n});
		enum aps_rc rc = write_value(out, lua_gettop(L), &here);
		if (rc != APS_OK) return rc;
		lua_pop(L, 1);
	} while (lua_next(L, table) != 0);
	return APS_OK;
}

static bool is_marked_list(const struct writing *out, int table)
{
	if (!lua_getmetatable(out->L, table)) return false;
	const void *mt = lua_topointer(out->L, -1);
	lua_pop(out->L, 1);
	return mt == out->array_mt || mt == out->cjson_array_mt;
}

static enum aps_rc write_table(struct writing *out, int table, const struct place *place)
{
	lua_State *L = out->L;
	if (out->depth == MAX_DEPTH) return refuse(out, place, "nested deeper than 128 tables, or a cycle");
	luaL_checkstack(L, 6, "JSON");
	int top = lua_gettop(L);
	out->depth++;
	enum aps_rc rc = APS_OK;
	if (is_marked_list(out, table)) {
		rc = write_list(out, table, place);
	} else {
		lua_pushnil(L);
		bool is_empty = lua_next(L, table) == 0;
		if (!is_empty && lua_type(L, -2) == LUA_TNUMBER) {
			lua_settop(L, top);
			rc = write_list(out, table, place);
		} else {
			aps_json_write_object(out->w);
			if (!is_empty) rc = write_fields(out, table, place);
			aps_json_write_object_end(out->w);
		}
	}
	out->depth--;
	lua_settop(L, top);
	/* Of an empty table nothing else looks whether its key could be written. */
	return rc == APS_OK && out->w->err.code != APS_OK ? check_written(out, place) : rc;
}

static bool is_float(const struct writing *out, lua_Number number)
{
	return out->keeps_floats && (APL_HAS_INTEGERS || fabs(number) >= MAX_EXACT_INTEGER);
}

static enum aps_rc write_number(struct writing *out, int index, const struct place *place)
{
	if (lua_isinteger(out->L, index)) {
		aps_json_write_int(out->w, (int64_t)lua_tointeger(out->L, index));
		return check_written(out, place);
	}
	lua_Number number = lua_tonumber(out->L, index);
	if (isnan(number)) return refuse(out, place, "NaN can't be JSON");
	if (isinf(number)) return refuse(out, place, "infinity can't be JSON");
	if (is_float(out, number))
		aps_json_write_float(out->w, (double)number);
	else
		aps_json_write_double(out->w, (double)number);
	return check_written(out, place);
}

static enum aps_rc refuse_type(const struct writing *out, int index, const struct place *place)
{
	char what[48];
	snprintf(what, sizeof what, "a %s can't be JSON", luaL_typename(out->L, index));
	return refuse(out, place, what);
}

static enum aps_rc write_pointer(struct writing *out, int index, const struct place *place)
{
	const void *pointer = lua_touserdata(out->L, index);
	if (pointer == NULL) {
		aps_json_write_null(out->w);
	} else if (pointer == out->cjson_empty) {
		aps_json_write_array(out->w);
		aps_json_write_array_end(out->w);
	} else {
		return refuse_type(out, index, place);
	}
	return check_written(out, place);
}

static enum aps_rc write_value(struct writing *out, int index, const struct place *place)
{
	struct aps_str text;
	switch (lua_type(out->L, index)) {
	case LUA_TSTRING:
		text.p = lua_tolstring(out->L, index, &text.n);
		aps_json_write_string(out->w, text);
		return check_written(out, place);
	case LUA_TNUMBER: return write_number(out, index, place);
	case LUA_TBOOLEAN: aps_json_write_bool(out->w, lua_toboolean(out->L, index)); return check_written(out, place);
	case LUA_TTABLE: return write_table(out, index, place);
	case LUA_TLIGHTUSERDATA: return write_pointer(out, index, place);
	default: return refuse_type(out, index, place);
	}
}

/* The address of names[key], a table or a light userdata; where there is none, one that no value has. */
static const void *kept_pointer(lua_State *L, enum apl_names_key key)
{
	static const char NONE;
	lua_rawgeti(L, APL_UPVALUE_NAMES, key);
	const void *pointer = lua_topointer(L, -1);
	lua_pop(L, 1);
	return pointer != NULL ? pointer : &NONE;
}

static enum aps_rc write(lua_State *L, int index, const char *name, struct aps_json_writer *w, bool keeps_floats,
                         struct aps_err *err)
{
	luaL_checkstack(L, 4, "JSON");
	struct writing out = {.L = L, .w = w, .err = err, .name = name, .keeps_floats = keeps_floats};
	out.array_mt = lua_topointer(L, APL_UPVALUE_ARRAY_MT);
	out.cjson_array_mt = kept_pointer(L, APL_NAMES_CJSON_ARRAY);
	out.cjson_empty = kept_pointer(L, APL_NAMES_CJSON_EMPTY);
	int top = lua_gettop(L);
	enum aps_rc rc = write_value(&out, lua_absindex(L, index), NULL);
	if (rc == APS_OK) rc = check_written(&out, NULL);
	lua_settop(L, top);
	return rc;
}

enum aps_rc apl_value_write(lua_State *L, int index, const char *name, struct aps_json_writer *w, struct aps_err *err)
{
	return write(L, index, name, w, false, err);
}

enum aps_rc apl_value_write_kept(lua_State *L, int index, const char *name, struct aps_json_writer *w,
                                 struct aps_err *err)
{
	return write(L, index, name, w, true, err);
}
