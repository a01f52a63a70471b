#include "server/sqlite_lua.h"

#include "store/db.h"

#include <math.h>
#include <string.h>

#define CONNECTION_METATABLE "appsync.sqlite"

struct apl_connection {
	struct aps_db *db;     /* NULL: closed */
	struct aps_stmt *last; /* of the last call; a throw of Lua (memory) may have left it with rows */
};

static int push_error(lua_State *L, const struct aps_err *err)
{
	lua_pushnil(L);
	lua_pushstring(L, err->msg);
	lua_pushstring(L, aps_err_word(err));
	return 3;
}

static int push_result(lua_State *L, enum aps_rc rc, const struct aps_err *err)
{
	if (rc != APS_OK) return push_error(L, err);
	lua_pushboolean(L, 1);
	return 1;
}

static struct apl_connection *check_connection(lua_State *L)
{
	struct apl_connection *connection = luaL_checkudata(L, 1, CONNECTION_METATABLE);
	if (connection->db == NULL) luaL_error(L, "the connection is closed");
	if (connection->last != NULL) aps_stmt_reset(connection->last);
	connection->last = NULL;
	return connection;
}

static int find_level(const char *word)
{
	static const char *const words[] = {
#define LEVEL_WORD(name, word) word,
	        APS_DB_SYNC_MAP(LEVEL_WORD)
#undef LEVEL_WORD
	};
	for (int level = 0; level < APS_DB_SYNC_COUNT; level++)
		if (strcmp(words[level], word) == 0) return level;
	return -1;
}

/* The option whose name and value are on top of the stack. */
static void read_option(lua_State *L, struct aps_db_options *out)
{
	const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
	int type = lua_type(L, -1);
	if (strcmp(name, "read_only") == 0) {
		if (type != LUA_TBOOLEAN) luaL_error(L, "read_only: a boolean expected");
		out->read_only = lua_toboolean(L, -1);
	} else if (strcmp(name, "synchronous") == 0) {
		int level = type == LUA_TSTRING ? find_level(lua_tostring(L, -1)) : -1;
		if (level < 0) luaL_error(L, "synchronous: \"normal\", \"full\" or \"off\" expected");
		out->synchronous = (enum aps_db_sync)level;
	} else if (strcmp(name, "busy_ms") == 0) {
		lua_Number value = type == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
		if (!(value >= 0 && value <= 2147483647.0)) luaL_error(L, "busy_ms: a number of milliseconds expected");
		out->busy_ms = (int)value;
	} else {
		luaL_error(L, "'%s' is no option of a connection: read_only, synchronous, busy_ms", name);
	}
}

static struct aps_db_options check_options(lua_State *L, int index)
{
	struct aps_db_options options = {.busy_ms = APS_DB_BUSY_MS};
	if (lua_isnoneornil(L, index)) return options;
	luaL_checktype(L, index, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) read_option(L, &options);
	return options;
}

static int Apl_sqlite_open(lua_State *L)
{
	struct aps_err err;
	const char *path = apl_check_cstring(L, 1);
	struct aps_db_options options = check_options(L, 2);
	struct apl_connection *connection = apl_newuserdata(L, sizeof(*connection));
	*connection = (struct apl_connection){NULL, NULL};
	luaL_getmetatable(L, CONNECTION_METATABLE);
	lua_setmetatable(L, -2);
	if (aps_db_open(path, &options, &connection->db, &err) != APS_OK) return push_error(L, &err);
	return 1;
}

static int Apl_sqlite_close(lua_State *L)
{
	struct apl_connection *connection = luaL_checkudata(L, 1, CONNECTION_METATABLE);
	aps_db_close(connection->db);
	*connection = (struct apl_connection){NULL, NULL};
	return 0;
}

static int Apl_sqlite_exec(lua_State *L)
{
	struct aps_err err;
	struct aps_db *db = check_connection(L)->db;
	return push_result(L, aps_db_exec(db, apl_check_cstring(L, 2), &err), &err);
}

static int Apl_sqlite_begin(lua_State *L)
{
	struct aps_err err;
	return push_result(L, aps_db_begin(check_connection(L)->db, &err), &err);
}

static int Apl_sqlite_commit(lua_State *L)
{
	struct aps_err err;
	return push_result(L, aps_db_commit(check_connection(L)->db, &err), &err);
}

static int Apl_sqlite_rollback(lua_State *L)
{
	aps_db_rollback(check_connection(L)->db);
	return 0;
}

static int Apl_sqlite_in_transaction(lua_State *L)
{
	lua_pushboolean(L, aps_db_in_transaction(check_connection(L)->db));
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
static enum aps_rc prepare_call(lua_State *L, struct aps_stmt **stmt, struct aps_err *err)
{
	struct aps_str sql;
	struct apl_connection *connection = check_connection(L);
	int n_given = lua_gettop(L) - 2;
	sql.p = luaL_checklstring(L, 2, &sql.n);
	enum aps_rc rc = aps_db_prepare(connection->db, sql, stmt, err);
	connection->last = *stmt;
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

static int Apl_sqlite_query(lua_State *L)
{
	struct aps_err err;
	struct aps_stmt *stmt = NULL;
	bool has_row = false;
	if (prepare_call(L, &stmt, &err) != APS_OK) return push_error(L, &err);
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
	if (prepare_call(L, &stmt, &err) != APS_OK) return push_error(L, &err);
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
	if (prepare_call(L, &stmt, &err) != APS_OK) return push_error(L, &err);
	do {
		if (aps_stmt_step(stmt, &has_row, &err) != APS_OK) return push_error(L, &err);
	} while (has_row);
	lua_pushinteger(L, (lua_Integer)aps_db_changes(check_connection(L)->db));
	return 1;
}

static const luaL_Reg connection_methods[] = {
        {"exec", Apl_sqlite_exec},         {"query", Apl_sqlite_query},
        {"run", Apl_sqlite_run},           {"values", Apl_sqlite_values},
        {"begin", Apl_sqlite_begin},       {"commit", Apl_sqlite_commit},
        {"rollback", Apl_sqlite_rollback}, {"in_transaction", Apl_sqlite_in_transaction},
        {"close", Apl_sqlite_close},       {NULL, NULL},
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
