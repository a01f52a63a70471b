/* SQLite for the local server's store. */
#ifndef APS_SERVER_SQLITE_LUA_H
#define APS_SERVER_SQLITE_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds `sqlite_open` to the table on top of the stack:
 *   sqlite_open(path, busy_ms?)      -> connection, or nil, message; waits so long (5000) for another's lock
 *   connection:exec(sql)             -> true, or nil, message
 *   connection:query(sql, params...)  -> list of rows (lists of columns), or nil, message
 *   connection:values(sql, params...) -> the columns of all rows in one flat list, or nil, message
 *   connection:run(sql, params...)    -> changed rows, or nil, message
 *   connection:close()               twice is legal; anything else on a closed connection throws
 * Parameters: nil or the light userdata NULL, boolean (0 or 1), number, string; a column that is NULL
 * is the light userdata NULL. */
void apl_sqlite_register(lua_State *L);

APS_END_DECLS

#endif
