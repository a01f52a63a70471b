#include "server/sqlite_lua.h"

#include "store/db.h"

#include <math.h>

#define CONNECTION_METATABLE "appsync.sqlite"
#define DEFAULT_BUSY_MS      5000

struct apl_connection {
	struct aps_db *db; /* NULL: closed */
};

static int push_error(lua_State *L, const struct aps_err *err)
{
	lua_pushnil(L);
	lua_pushstring(L, err->msg);
	if (err->word == NULL) return 2;
	lua_pushstring(L, err->word);
	return 3;
}

static struct aps_db *check_open(lua_State *L)
{
	struct apl_connection *connection = luaL_checkudata(L, 1, CONNECTION_METATABLE);
	if (connection->db == NULL) luaL_error(L, "the connection is closed");
	return connection->db;
}

static int Apl_sqlite_open(lua_State *L)
{
	const char *path = apl_check_cstring(L, 1);
	int busy_ms = (int)luaL_optinteger(L, 2, DEFAULT_BUSY_MS);
	struct aps_err err;
	struct apl_connection *connection = apl_newuserdata(L, sizeof(*connection));
	connection->db = NULL;
	luaL_getmetatable(L, CONNECTION_METATABLE);
	lua_setmetatable(L, -2);
	if (aps_db_open_within(path, busy_ms, &connection->db, &err) != APS_OK) return push_error(L, &err);
	return 1;
}

static int Apl_sqlite_close(lua_State *L)
{
	struct apl_connection *connection = luaL_checkudata(L, 1, CONNECTION_METATABLE);
	aps_db_close(connection->db);
	connection->db = NULL;
	return 0;
}

static int Apl_sqlite_exec(lua_State *L)
{
	struct aps_err err;
	struct aps_db *db = check_open(L);
	if (aps_db_exec(db, apl_check_cstring(L, 2), &err) != APS_OK) return push_error(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

/* Numbers without a fraction are stored as integers, so that a key means the same on every Lua. */
static enum aps_rc bind_number(lua_State *L, int index, struct aps_stmt *stmt, int param, struct aps_err *err)
{
	lua_Number value = lua_tonumber(L, index);
	if (lua_isinteger(L, index)) return aps_stmt_bind_int(stmt, param, (int64_t)lua_tointeger(L, index), err);
	if (floor(value) == value && fabs(value) < 9007199254740992.0)
		return aps_stmt_bind_int(stmt, param, (int64_t)value, err);
	return aps_stmt_bind_float(stmt, param, value, err);
}

static enum aps_rc bind_value(lua_State *L, int index, struct aps_stmt *stmt, int param, struct aps_err *err)
{
	struct aps_str text;
	switch (lua_type(L, index)) {
	case LUA_TNIL: return aps_stmt_bind_null(stmt, param, err);
	case LUA_TBOOLEAN: return aps_stmt_bind_int(stmt, param, lua_toboolean(L, index), err);
	case LUA_TNUMBER: return bind_number(L, index, stmt, param, err);
	case LUA_TSTRING: text.p = lua_tolstring(L, index, &text.n); return aps_stmt_bind_text(stmt, param, text, err);
	case LUA_TLIGHTUSERDATA:
		if (lua_touserdata(L, index) == NULL) return aps_stmt_bind_null(stmt, param, err);
		break;
	default: break;
	}
	return aps_fail(err, APS_E_USAGE, "parameter %d: a %s cannot be stored", param, luaL_typename(L, index));
}

/* The statement of argument 2 with the arguments from 3 on bound to it. */
static enum aps_rc prepare_call(lua_State *L, struct aps_db *db, struct aps_stmt **stmt, struct aps_err *err)
{
	struct aps_str sql;
	int n_given = lua_gettop(L) - 2;
	sql.p = luaL_checklstring(L, 2, &sql.n);
	enum aps_rc rc = aps_db_prepare(db, sql, stmt, err);
	if (rc == APS_OK && n_given != aps_stmt_n_params(*stmt))
		rc = aps_fail(err, APS_E_USAGE, "%d parameters given, the statement has %d", n_given,
		              aps_stmt_n_params(*stmt));
	for (int i = 1; rc == APS_OK && i <= n_given; i++) rc = bind_value(L, i + 2, *stmt, i, err);
	return rc;
}

static void push_column(lua_State *L, const struct aps_stmt *stmt, int column)
{
	struct aps_str text;
	switch (aps_stmt_column_type(stmt, column)) {
	case APS_DB_NULL: lua_pushlightuserdata(L, NULL); return;
	case APS_DB_INTEGER:
#if APL_HAS_INTEGERS
		lua_pushinteger(L, (lua_Integer)aps_stmt_column_int(stmt, column));
#else
		lua_pushnumber(L, (lua_Number)aps_stmt_column_int(stmt, column));
#endif
		return;
	case APS_DB_FLOAT: lua_pushnumber(L, aps_stmt_column_float(stmt, column)); return;
	case APS_DB_TEXT:
	case APS_DB_BLOB: break;
	}
	text = aps_stmt_column_str(stmt, column);
	lua_pushlstring(L, text.p, text.n);
}

/* Lua may throw (memory) between two steps: the statement stays in the connection's cache, which resets it. */
static int Apl_sqlite_query(lua_State *L)
{
	struct aps_err err;
	struct aps_stmt *stmt = NULL;
	bool has_row = false;
	struct aps_db *db = check_open(L);
	if (prepare_call(L, db, &stmt, &err) != APS_OK) return push_error(L, &err);
	lua_newtable(L);
	for (int row = 1;; row++) {
		if (aps_stmt_step(stmt, &has_row, &err) != APS_OK) return push_error(L, &err);
		if (!has_row) return 1;
		int n_columns = aps_stmt_n_columns(stmt);
		lua_createtable(L, n_columns, 0);
		for (int column = 0; column < n_columns; column++) {
			push_column(L, stmt, column);
			lua_rawseti(L, -2, column + 1);
		}
		lua_rawseti(L, -2, row);
	}
}

static int Apl_sqlite_values(lua_State *L)
{
	struct aps_err err;
	struct aps_stmt *stmt = NULL;
	bool has_row = false;
	struct aps_db *db = check_open(L);
	if (prepare_call(L, db, &stmt, &err) != APS_OK) return push_error(L, &err);
	lua_newtable(L);
	for (int n = 0;;) {
		if (aps_stmt_step(stmt, &has_row, &err) != APS_OK) return push_error(L, &err);
		if (!has_row) return 1;
		int n_columns = aps_stmt_n_columns(stmt);
		for (int column = 0; column < n_columns; column++) {
			push_column(L, stmt, column);
			lua_rawseti(L, -2, ++n);
		}
	}
}

static int Apl_sqlite_run(lua_State *L)
{
	struct aps_err err;
	struct aps_stmt *stmt = NULL;
	bool has_row = false;
	struct aps_db *db = check_open(L);
	if (prepare_call(L, db, &stmt, &err) != APS_OK) return push_error(L, &err);
	do {
		if (aps_stmt_step(stmt, &has_row, &err) != APS_OK) return push_error(L, &err);
	} while (has_row);
	lua_pushinteger(L, (lua_Integer)aps_db_changes(db));
	return 1;
}

static const luaL_Reg connection_methods[] = {
        {"exec", Apl_sqlite_exec},     {"query", Apl_sqlite_query}, {"run", Apl_sqlite_run},
        {"values", Apl_sqlite_values}, {"close", Apl_sqlite_close}, {NULL, NULL},
};

void apl_sqlite_register(lua_State *L)
{
	if (luaL_newmetatable(L, CONNECTION_METATABLE)) {
		lua_pushcfunction(L, Apl_sqlite_close);
		lua_setfield(L, -2, "__gc");
		lua_newtable(L);
		luaL_setfuncs(L, connection_methods, 0);
		lua_setfield(L, -2, "__index");
	}
	lua_pop(L, 1);
	lua_pushcfunction(L, Apl_sqlite_open);
	lua_setfield(L, -2, "sqlite_open");
}
