/* Events of the core as Lua values. */
#ifndef APS_BINDING_EVENT_LUA_H
#define APS_BINDING_EVENT_LUA_H

#include "binding/compat.h"
#include "client/event.h"

APS_BEGIN_DECLS

/* Adds the tables `event` (numbers by name) and `event_forms` (what each carries) to the table on top of the stack. */
void apl_event_register(lua_State *L);
/* The five values of an event into the table at index 2, from `at` on. */
void apl_event_store(lua_State *L, struct aps_event *event, int at);
/* The same for one whose values Lua couldn't be given: an error in place of its data, so that nobody waits for ever. */
void apl_event_store_lost(lua_State *L, struct aps_event *event, int at);

APS_END_DECLS

#endif
