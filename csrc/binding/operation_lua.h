/* Operations as our Lua modules give them: {document =, operation_name =, variables =, typenames =}. */
#ifndef APS_BINDING_OPERATION_LUA_H
#define APS_BINDING_OPERATION_LUA_H

#include "binding/compat.h"
#include "proto/operation.h"

#define APL_MAX_BODY_BYTES ((size_t)256 * 1024 * 1024)

APS_BEGIN_DECLS

void apl_operation_register(lua_State *L);
/* An empty operation in a userdata of its own, which clears it. */
struct aps_operation *apl_push_operation(lua_State *L);
/* The operation of the table at index 2, into what a userdata owns. A body that can't be sent is told here, where the
 * one who asked still stands: who is to blame is the caller. Throws for a document that isn't one. E_USAGE, E_NOMEM. */
enum aps_rc apl_read_operation(lua_State *L, struct aps_operation *out, struct aps_err *err);

APS_END_DECLS

#endif
