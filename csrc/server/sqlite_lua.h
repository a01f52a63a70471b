/* SQLite for the local server's store. */
#ifndef APS_SERVER_SQLITE_LUA_H
#define APS_SERVER_SQLITE_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds `sqlite_open` to the table on top of the stack:
 *   sqlite_open(path) -> connection, or nil, message
 *   connection:exec(sql)                -> true, or nil, message
 *   connection:query(sql, params…)      -> list of rows (lists of columns; NULL is the light userdata NULL), or nil,
 * message connection:run(sql, params…)        -> changed rows, or nil, message connection:close() twice is legal;
 * anything else on a closed connection throws Parameters: nil or the light userdata NULL, boolean (0 or 1), number,
 * string. */
void apl_sqlite_register(lua_State *L);

APS_END_DECLS

#endif
