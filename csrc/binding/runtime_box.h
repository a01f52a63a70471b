/* A Lua state's runtime, as its userdata have it, and which one that is. */
#ifndef APS_BINDING_RUNTIME_BOX_H
#define APS_BINDING_RUNTIME_BOX_H

#include "binding/compat.h"
#include "client/runtime.h"

#define APL_CURRENT_RUNTIME "appsync.core.runtime.current" /* registry: this state's, as userdata */

/* Belongs to one Lua state, counted by the userdata that point to it. */
struct apl_runtime {
	size_t n_refs;
	struct aps_runtime *runtime; /* NULL: closed */
	struct aps_event *event;     /* in hand; freed when its values are in Lua's table */
	int n_stored;                /* by a poll that Lua left by a throw: the next one goes on there */
	size_t n_text_bytes;         /* that it has made values of */
	int n_short;                 /* how often Lua had no memory for the event in hand */
	bool is_left;                /* the state's end doesn't wait for its threads, unless another client is made */
};

APS_BEGIN_DECLS

/* Pushes the userdata of the one that is open. False: there is none, and nothing was pushed. */
bool apl_runtime_push_current(lua_State *L);
/* This state has one that is open. */
bool apl_runtime_is_open(lua_State *L);
/* Calls `let_go` with the object, here or, where it has so many bytes that this would take long, by the core. */
void apl_runtime_dispose(lua_State *L, size_t n_bytes, void (*let_go)(void *object), void *object);

APS_END_DECLS

#endif
