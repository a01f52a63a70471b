#include "binding/fields.h"

#include "base/mem.h"

#define LONGEST_MS ((int64_t)1 << 52)
#define LARGEST    ((size_t)1 << 30) /* of counts and sizes, so that sums of them never overflow */

bool apl_field_str(lua_State *L, int table, const char *name, struct aps_str *out)
{
	lua_getfield(L, table, name);
	int type = lua_type(L, -1);
	if (type == LUA_TSTRING) out->p = lua_tolstring(L, -1, &out->n);
	lua_pop(L, 1);
	if (type == LUA_TNIL) return false;
	if (type != LUA_TSTRING) luaL_error(L, "option '%s' must be a string, got %s", name, lua_typename(L, type));
	return true;
}

void apl_field_copy(lua_State *L, int table, const char *name, char **slot)
{
	struct aps_str text;
	if (!apl_field_str(L, table, name, &text)) return;
	if (memchr(text.p, '\0', text.n) != NULL) luaL_error(L, "option '%s' must not hold a zero byte", name);
	aps_free(*slot);
	*slot = aps_strndup(text.p, text.n);
	if (*slot == NULL) luaL_error(L, "out of memory");
}

double apl_field_number(lua_State *L, int table, const char *name, double otherwise)
{
	lua_getfield(L, table, name);
	int type = lua_type(L, -1);
	double value = type == LUA_TNUMBER ? (double)lua_tonumber(L, -1) : otherwise;
	lua_pop(L, 1);
	if (type != LUA_TNIL && type != LUA_TNUMBER)
		luaL_error(L, "option '%s' must be a number, got %s", name, lua_typename(L, type));
	return value;
}

uint64_t apl_field_id(lua_State *L, int table, const char *name)
{
	double id = apl_field_number(L, table, name, 0);
	return id >= 1 && id < 9007199254740992.0 ? (uint64_t)id : 0;
}

size_t apl_size_of(double number)
{
	if (!(number >= 1)) return 0;
	return number < (double)LARGEST ? (size_t)number : LARGEST;
}

size_t apl_field_size(lua_State *L, int table, const char *name, size_t otherwise)
{
	double number = apl_field_number(L, table, name, -1);
	return number < 0 ? otherwise : apl_size_of(number);
}

int64_t apl_field_ms(lua_State *L, int table, const char *name, int64_t otherwise)
{
	double seconds = apl_field_number(L, table, name, -1);
	if (!(seconds >= 0)) return otherwise;
	if (seconds > 0 && seconds < 0.001) return 1; /* 0 would mean something else, as a delay: a busy loop */
	return seconds * 1000.0 < (double)LONGEST_MS ? (int64_t)(seconds * 1000.0) : LONGEST_MS;
}

bool apl_field_bool(lua_State *L, int table, const char *name, bool otherwise)
{
	lua_getfield(L, table, name);
	bool value = lua_isnil(L, -1) ? otherwise : lua_toboolean(L, -1) != 0;
	lua_pop(L, 1);
	return value;
}

/* Name and value are at the top of the stack. */
static enum aps_rc add_header(lua_State *L, struct aps_header_list *list, struct aps_err *err)
{
	struct aps_str name;
	struct aps_str value;
	if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "a header's name must be a string");
	if (!lua_isstring(L, -1)) luaL_error(L, "the value of header '%s' must be a string", lua_tostring(L, -2));
	name.p = lua_tolstring(L, -2, &name.n);
	value.p = lua_tolstring(L, -1, &value.n);
	return aps_header_list_add(list, name, value, err);
}

static enum aps_rc add_pairs(lua_State *L, int table, struct aps_header_list *list, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	size_t n_pairs = lua_rawlen(L, table);
	for (size_t i = 1; rc == APS_OK && i <= n_pairs; i++) {
		lua_rawgeti(L, table, (int)i);
		if (!lua_istable(L, -1)) luaL_error(L, "a list of headers holds {name, value} pairs");
		lua_rawgeti(L, -1, 1);
		lua_rawgeti(L, -2, 2);
		rc = add_header(L, list, err);
		lua_pop(L, 3);
	}
	return rc;
}

static enum aps_rc add_map(lua_State *L, int table, struct aps_header_list *list, struct aps_err *err)
{
	for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 3)) {
		lua_pushvalue(L, -1); /* lua_tolstring() would change a number in place */
		lua_pushvalue(L, -3);
		lua_insert(L, -2);
		enum aps_rc rc = add_header(L, list, err);
		if (rc != APS_OK) return rc;
	}
	return APS_OK;
}

enum aps_rc apl_take_headers(lua_State *L, struct aps_header_list *list, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	int table = lua_gettop(L);
	if (!lua_isnil(L, table)) {
		if (!lua_istable(L, table)) luaL_error(L, "headers must be a table, got %s", luaL_typename(L, table));
		bool is_list = lua_rawlen(L, table) != 0;
		rc = is_list ? add_pairs(L, table, list, err) : add_map(L, table, list, err);
	}
	lua_settop(L, table - 1);
	return rc;
}

void apl_push_id(lua_State *L, uint64_t id)
{
#if APL_HAS_INTEGERS
	lua_pushinteger(L, (lua_Integer)id);
#else
	lua_pushnumber(L, (lua_Number)id);
#endif
}

uint64_t apl_check_id(lua_State *L, int index)
{
	lua_Number id = luaL_checknumber(L, index);
	return id >= 1 && id < 9007199254740992.0 ? (uint64_t)id : 0;
}

#define PENDING "appsync.core.pending"

static int Apl_pending_gc(lua_State *L)
{
	struct aps_mail **slot = luaL_checkudata(L, 1, PENDING);
	if (*slot != NULL) (*slot)->kind->free_mail(*slot);
	*slot = NULL;
	return 0;
}

void apl_push_pending(lua_State *L, struct aps_mail *mail)
{
	if (mail == NULL) luaL_error(L, "out of memory");
	/* The caller made `mail` just now and holds it here: a throw below would lose it, which only memory's end can
	 * cause. */
	struct aps_mail **slot = apl_newuserdata(L, sizeof *slot);
	*slot = NULL;
	if (luaL_newmetatable(L, PENDING)) {
		lua_pushcfunction(L, Apl_pending_gc);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
	*slot = mail;
}

struct aps_mail *apl_pending_take(lua_State *L, int index)
{
	struct aps_mail **slot = luaL_checkudata(L, index, PENDING);
	struct aps_mail *mail = *slot;
	*slot = NULL;
	return mail;
}
