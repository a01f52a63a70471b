#include "binding/runtime_lua.h"

#include "base/mem.h"
#include "binding/err_lua.h"
#include "binding/event_lua.h"
#include "binding/fields.h"
#include "binding/value.h"
#include "binding/value_build.h"
#include "client/features.h"
#include "client/reach_commands.h"

#define RUNTIME   "appsync.core.runtime"
#define CLOSE_MS  2000
#define MAX_POLL  1e6 /* events: the indexes of five values each stay small */
#define MAX_SHORT 2   /* how often Lua may have no memory for an event */

struct apl_runtime *apl_runtime_ref(struct apl_runtime *box)
{
	box->n_refs++;
	return box;
}

static void free_event(struct apl_runtime *box)
{
	struct aps_event *event = box->event;
	box->event = NULL;
	if (event != NULL) event->mail.kind->free_mail(&event->mail);
}

static bool close_runtime(struct apl_runtime *box, int64_t timeout_ms)
{
	struct aps_runtime *runtime = box->runtime;
	box->runtime = NULL;
	free_event(box);
	return runtime == NULL || aps_runtime_free(runtime, timeout_ms);
}

void apl_runtime_unref(struct apl_runtime *box)
{
	if (box == NULL || --box->n_refs != 0) return;
	close_runtime(box, box->is_left ? 0 : CLOSE_MS);
	aps_free(box);
}

struct aps_runtime *apl_runtime_get(lua_State *L, const struct apl_runtime *box, struct aps_err *err)
{
	if (box->runtime == NULL) luaL_error(L, "appsync: the runtime is closed");
	if (aps_runtime_is_usable(box->runtime)) return box->runtime;
	aps_fail(err, APS_E_USAGE, "this client was used before a fork; make clients anew in the child process");
	return NULL;
}

enum aps_rc apl_runtime_post(lua_State *L, struct apl_runtime *box, int pending, struct aps_err *err)
{
	struct aps_runtime *runtime = apl_runtime_get(L, box, err);
	if (runtime == NULL) return err->code;
	return aps_runtime_post(runtime, (struct aps_command *)apl_pending_take(L, pending), err);
}

struct apl_runtime *apl_runtime_check(lua_State *L)
{
	struct apl_runtime **slot = luaL_checkudata(L, 1, RUNTIME);
	if (*slot == NULL) luaL_error(L, "appsync: the runtime is closed");
	return *slot;
}

/* False: there is none. Where Lua throws (memory; before 5.4 a finalizer of the application's) the event stays. */
static bool store_next(lua_State *L, struct apl_runtime *box, struct aps_runtime *runtime)
{
	if (box->event == NULL) {
		box->event = aps_runtime_take(runtime);
		box->n_short = 0;
	}
	if (box->event == NULL) return false;
	if (box->n_short < MAX_SHORT)
		apl_event_store(L, box->event, 5 * box->n_stored + 1);
	else
		apl_event_store_lost(L, box->event, 5 * box->n_stored + 1);
	box->n_text_bytes += apl_event_text_bytes(box->event);
	free_event(box);
	box->n_stored++;
	return true;
}

/* So many events, or so much text: the next poll goes on. */
static bool is_full(const struct apl_runtime *box, int max)
{
	return box->n_stored >= max || box->n_text_bytes > APL_LARGE_BYTES;
}

static int Apl_runtime_poll(lua_State *L)
{
	struct aps_err err;
	struct apl_runtime *box = apl_runtime_check(L);
	struct aps_runtime *runtime = apl_runtime_get(L, box, &err);
	if (runtime == NULL) return apl_fail(L, &err);
	luaL_checktype(L, 2, LUA_TTABLE);
	double limit = luaL_checknumber(L, 3);
	int max = limit >= 1 ? (int)(limit < MAX_POLL ? limit : MAX_POLL) : 0;
	if (lua_toboolean(L, 4)) box->n_short++;
	while (!is_full(box, max) && store_next(L, box, runtime)) {
	}
	lua_pushinteger(L, box->n_stored);
	lua_pushboolean(L, is_full(box, max) && (box->event != NULL || aps_runtime_has_events(runtime)));
	box->n_stored = 0;
	box->n_text_bytes = 0;
	return 2;
}

static int64_t check_ms(lua_State *L, int index)
{
	if (lua_isnoneornil(L, index)) return -1;
	double ms = (double)luaL_checknumber(L, index) * 1000.0;
	if (!(ms < 1e15)) return -1;
	if (ms <= 0) return 0;
	int64_t whole = (int64_t)ms;
	return (double)whole < ms ? whole + 1 : whole; /* rounded up: a timer must not wake too early and spin */
}

static int Apl_runtime_wait(lua_State *L)
{
	struct aps_err err;
	struct aps_runtime *runtime = apl_runtime_get(L, apl_runtime_check(L), &err);
	if (runtime == NULL) return apl_fail(L, &err);
	lua_pushboolean(L, aps_runtime_wait(runtime, check_ms(L, 2)));
	return 1;
}

static int Apl_runtime_fd(lua_State *L)
{
	struct aps_err err;
	struct aps_runtime *runtime = apl_runtime_get(L, apl_runtime_check(L), &err);
	if (runtime == NULL) return apl_fail(L, &err);
	lua_pushinteger(L, aps_runtime_fd(runtime));
	return 1;
}

static int Apl_runtime_listen(lua_State *L)
{
	struct aps_err err = {0};
	const char *path;
	struct aps_runtime *runtime = apl_runtime_get(L, apl_runtime_check(L), &err);
	if (runtime == NULL || aps_runtime_listen(runtime, &path, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushstring(L, path);
	return 1;
}

static int Apl_runtime_accept(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime = apl_runtime_get(L, apl_runtime_check(L), &err);
	if (runtime == NULL || aps_runtime_accept(runtime, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

static int Apl_runtime_heard(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime = apl_runtime_get(L, apl_runtime_check(L), &err);
	if (runtime == NULL) return apl_fail(L, &err);
	aps_runtime_heard(runtime);
	lua_pushboolean(L, 1);
	return 1;
}

static int Apl_runtime_ring(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime = apl_runtime_get(L, apl_runtime_check(L), &err);
	if (runtime == NULL) return apl_fail(L, &err);
	aps_runtime_ring(runtime);
	lua_pushboolean(L, 1);
	return 1;
}

static int Apl_runtime_arm(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime = apl_runtime_get(L, apl_runtime_check(L), &err);
	if (runtime == NULL || aps_runtime_arm(runtime, check_ms(L, 2), &err) != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

static int Apl_runtime_start(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime = apl_runtime_get(L, apl_runtime_check(L), &err);
	if (runtime == NULL || aps_runtime_start(runtime, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

static int Apl_runtime_suspend(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_runtime *box = apl_runtime_check(L);
	struct aps_command *command = aps_suspend_command_new();
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	if (apl_runtime_post(L, box, -1, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

static int Apl_runtime_resumed(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_runtime *box = apl_runtime_check(L);
	struct aps_command *command = aps_resumed_command_new();
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	if (apl_runtime_post(L, box, -1, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushinteger(L, (lua_Integer)aps_runtime_take_missed(box->runtime));
	return 1;
}

static int Apl_runtime_leave(lua_State *L)
{
	apl_runtime_check(L)->is_left = true;
	return 0;
}

static int Apl_runtime_close(lua_State *L)
{
	struct apl_runtime *box = apl_runtime_check(L);
	int64_t timeout_ms = check_ms(L, 2);
	lua_pushboolean(L, close_runtime(box, timeout_ms < 0 ? CLOSE_MS : timeout_ms));
	return 1;
}

static int Apl_runtime_gc(lua_State *L)
{
	struct apl_runtime **slot = luaL_checkudata(L, 1, RUNTIME);
	struct apl_runtime *box = *slot;
	*slot = NULL;
	apl_runtime_unref(box);
	return 0;
}

static const luaL_Reg METHODS[] = {
        {"poll", Apl_runtime_poll},       {"wait", Apl_runtime_wait},
        {"fd", Apl_runtime_fd},           {"listen", Apl_runtime_listen},
        {"accept", Apl_runtime_accept},   {"heard", Apl_runtime_heard},
        {"ring", Apl_runtime_ring},       {"arm", Apl_runtime_arm},
        {"start", Apl_runtime_start},     {"suspend", Apl_runtime_suspend},
        {"resumed", Apl_runtime_resumed}, {"leave", Apl_runtime_leave},
        {"close", Apl_runtime_close},     {NULL, NULL},
};

/* The registry keeps it, so one that was finalized tells that the state is closing: what is made now nobody finalizes.
 */
static bool is_closing(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, APL_CURRENT_RUNTIME);
	struct apl_runtime **slot = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return slot != NULL && *slot == NULL;
}

int apl_runtime_open(lua_State *L,
                     struct aps_runtime *(*make)(const struct aps_feature *const *features, struct aps_err *err))
{
	struct aps_err err = {0};
	if (apl_runtime_push_current(L)) return 1;
	if (is_closing(L)) {
		aps_fail(&err, APS_E_CLOSED, "the Lua state is closing");
		return apl_fail(L, &err);
	}
	struct apl_runtime **slot = apl_newuserdata(L, sizeof(struct apl_runtime *));
	*slot = NULL;
	luaL_getmetatable(L, RUNTIME);
	lua_setmetatable(L, -2);
	*slot = aps_calloc(1, sizeof(struct apl_runtime));
	if (*slot == NULL) return luaL_error(L, "out of memory");
	(*slot)->n_refs = 1;
	(*slot)->runtime = make(aps_features, &err);
	if ((*slot)->runtime == NULL) return apl_fail(L, &err);
	lua_pushvalue(L, -1);
	lua_setfield(L, LUA_REGISTRYINDEX, APL_CURRENT_RUNTIME);
	return 1;
}

static int Apl_runtime(lua_State *L)
{
	return apl_runtime_open(L, aps_runtime_new);
}

void apl_runtime_add_methods(lua_State *L, const luaL_Reg *methods)
{
	luaL_getmetatable(L, RUNTIME);
	lua_getfield(L, -1, "__index");
	apl_register(L, methods);
	lua_pop(L, 2);
}

void apl_runtime_register(lua_State *L)
{
	static const luaL_Reg FUNCTIONS[] = {{"runtime", Apl_runtime}, {NULL, NULL}};
	apl_register_class(L, RUNTIME, Apl_runtime_gc, METHODS);
	apl_register(L, FUNCTIONS);
}
