/* How the binding's functions fail: they return nil and the error as a table, and Lua throws what is misuse at the
 * user's line (`errors.of_core`). They throw for memory, and for arguments that our own Lua modules got wrong. */
#ifndef APS_BINDING_ERR_LUA_H
#define APS_BINDING_ERR_LUA_H

#include "base/err.h"
#include "binding/compat.h"

APS_BEGIN_DECLS

/* {kind, message, code, retryable, sent, status}: an error's plain fields, as a table. */
void apl_push_err(lua_State *L, const struct aps_err *err);
/* Pushes nil and the error; returns how many that is, for `return apl_fail(L, &err)`. */
int apl_fail(lua_State *L, const struct aps_err *err);

APS_END_DECLS

#endif
