/* Events of the core as Lua values. */
#ifndef APS_BINDING_EVENT_LUA_H
#define APS_BINDING_EVENT_LUA_H

#include "binding/compat.h"
#include "client/event.h"

APS_BEGIN_DECLS

/* {kind, message, code, retryable, sent}: an error's plain fields, as a table. */
void apl_push_err(lua_State *L, const struct aps_err *err);
/* The five values of an event into the table at index 2, from `at` on. */
void apl_event_store(lua_State *L, const struct aps_event *event, int at);

APS_END_DECLS

#endif
