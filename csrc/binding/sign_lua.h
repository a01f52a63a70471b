/* Signing, tokens and digests for Lua. */
#ifndef APS_BINDING_SIGN_LUA_H
#define APS_BINDING_SIGN_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds sign, jwt, base64, unbase64, sha256 and hmac_sha256 to the table on top of the stack. @thread app */
void apl_sign_register(lua_State *L);

APS_END_DECLS

#endif
