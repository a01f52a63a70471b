/* Operations as our Lua modules give them: {document =, operation_name =, variables =, typenames =}, or fragments:
 * {document =, fragment = its name, variables =}. */
#ifndef APS_BINDING_OPERATION_LUA_H
#define APS_BINDING_OPERATION_LUA_H

#include "base/buf.h"
#include "binding/compat.h"
#include "proto/operation.h"

#define APL_MAX_BODY_BYTES ((size_t)256 * 1024 * 1024)

APS_BEGIN_DECLS

void apl_operation_register(lua_State *L);
/* An empty operation in a userdata of its own, which clears it. */
struct aps_operation *apl_push_operation(lua_State *L);
/* The operation or fragment that the table at index 2 names; pushes the document. Throws where there is none. */
const struct aps_gql_operation *apl_push_definition(lua_State *L, struct aps_gql_document **doc);
/* Appends those of the table of variables on top of the stack that are declared, as the text of an object; a fragment
 * declares none, and takes all. No table: none are given. */
enum aps_rc apl_write_variables(lua_State *L, const struct aps_gql_operation *operation, struct aps_buf *out,
                                struct aps_err *err);
/* The operation of the table at index 2, into what a userdata owns. A body that can't be sent is told here, where the
 * one who asked still stands: who is to blame is the caller. Throws for a document that isn't one. E_USAGE, E_NOMEM. */
enum aps_rc apl_read_operation(lua_State *L, struct aps_operation *out, struct aps_err *err);

APS_END_DECLS

#endif
