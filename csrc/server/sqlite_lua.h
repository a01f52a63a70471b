/* SQLite for the local server's store. */
#ifndef APS_SERVER_SQLITE_LUA_H
#define APS_SERVER_SQLITE_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds `sqlite_open` to the table on top of the stack:
 *   sqlite_open(path, options?)       -> connection; {read_only=false, synchronous="normal"|"full"|"off", busy_ms=5000}
 *   connection:exec(sql)              -> true
 *   connection:query(sql, params...)  -> list of rows (lists of columns)
 *   connection:values(sql, params...) -> the columns of all rows in one flat list
 *   connection:run(sql, params...)    -> changed rows
 *   connection:begin(), :commit()     -> true; transactions do not nest, and SQL can't begin or end one
 *   connection:rollback()             never fails; without a transaction it does nothing
 *   connection:in_transaction()       -> boolean
 *   connection:close()                rolls back; twice is legal; anything else on a closed connection throws
 * All but the last three give nil, message, code when they fail: "full", "readonly", "locked", "corrupt",
 * "out_of_memory", "descriptors" or nil. Options of the wrong type throw. Parameters: nil or the light userdata NULL,
 * boolean (0 or 1), number, string; a column that is NULL is the light userdata NULL. */
void apl_sqlite_register(lua_State *L);

APS_END_DECLS

#endif
