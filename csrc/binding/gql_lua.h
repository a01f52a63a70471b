/* GraphQL for Lua: `document`, `parse` and `print` of the module. */
#ifndef APS_BINDING_GQL_LUA_H
#define APS_BINDING_GQL_LUA_H

#include "binding/compat.h"
#include "gql/document.h"

#define APL_DOCUMENT_METATABLE "appsync.core.document"

APS_BEGIN_DECLS

/* Adds the functions to the table on top of the stack. */
void apl_gql_register(lua_State *L);
/* The document of the userdata at `index`, borrowed from it; throws an argument error for anything else. */
struct aps_gql_document *apl_gql_check_document(lua_State *L, int index);

APS_END_DECLS

#endif
