#include "binding/nginx_lua.h"

#include "base/mem.h"
#include "binding/err_lua.h"
#include "binding/runtime_lua.h"
#include "binding/value.h"
#include "client/process.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#define REQUEST "appsync.core.request"
#define STATE   "appsync.core.state"

/* ngx_http_cleanup_t and ngx_http_cleanup_add(): nginx's src/http/ngx_http_core_module.h. */
struct cleanup {
	void (*handler)(void *data);
	void *data;
	struct cleanup *next;
};

typedef struct cleanup *(*add_cleanup)(void *request, size_t n_bytes);

/* Of nginx and of Lua's object: freed by whoever lets go of it last. All on the thread of the worker. */
struct watch {
	unsigned n_refs;
	bool has_ended;
	struct apl_runtime *box;
	struct aps_note_event *event; /* NULL: told */
};

static void unref(struct watch *watch)
{
	if (--watch->n_refs != 0) return;
	if (watch->event != NULL) watch->event->head.mail.kind->free_mail(&watch->event->head.mail);
	apl_runtime_unref(watch->box);
	aps_free(watch);
}

static void ended(void *data)
{
	struct watch *watch = data;
	struct aps_runtime *runtime = watch->box->runtime;
	watch->has_ended = true;
	if (runtime != NULL && aps_runtime_is_usable(runtime)) {
		aps_runtime_tell(runtime, &watch->event->head);
		watch->event = NULL;
	}
	unref(watch);
}

static add_cleanup find_add(void)
{
	union {
		void *symbol;
		add_cleanup function;
	} found = {.symbol = dlsym(RTLD_DEFAULT, "ngx_http_cleanup_add")};
	return found.function;
}

/* Without memory, and in an nginx that has no such function, nobody tells of the end. */
static void add(struct watch *watch, void *request)
{
	add_cleanup add_to = find_add();
	struct cleanup *cleanup = add_to != NULL ? add_to(request, 0) : NULL;
	if (cleanup == NULL) return;
	watch->n_refs++;
	cleanup->data = watch;
	cleanup->handler = ended;
}

static bool fill(struct watch *watch, uint64_t id)
{
	*watch = (struct watch){.n_refs = 1};
	watch->event = aps_note_event_new(APS_EVENT_REQUEST, id, NULL, NULL);
	return watch->event != NULL;
}

/* watch_request(address): the number that the event REQUEST comes for, and an object that knows whether it has ended.
 */
static int Apl_watch_request(lua_State *L)
{
	struct aps_err err;
	struct apl_runtime *box = apl_runtime_check(L);
	struct aps_runtime *runtime = apl_runtime_get(L, box, &err);
	double address = (double)luaL_checknumber(L, 2);
	if (runtime == NULL) return apl_fail(L, &err);
	uint64_t id = aps_runtime_next_id(runtime);
	struct watch **slot = apl_newuserdata(L, sizeof(struct watch *));
	*slot = NULL;
	luaL_getmetatable(L, REQUEST);
	lua_setmetatable(L, -2);
	struct watch *watch = aps_malloc(sizeof *watch);
	if (watch == NULL || !fill(watch, id)) {
		aps_free(watch);
		aps_fail(&err, APS_E_NOMEM, "out of memory");
		return apl_fail(L, &err);
	}
	watch->box = apl_runtime_ref(box);
	*slot = watch;
	add(watch, (void *)(uintptr_t)address);
	lua_pushnumber(L, (lua_Number)id);
	lua_insert(L, -2);
	return 2;
}

static int Apl_request_has_ended(lua_State *L)
{
	struct watch **slot = luaL_checkudata(L, 1, REQUEST);
	lua_pushboolean(L, *slot == NULL || (*slot)->has_ended);
	return 1;
}

static int Apl_request_gc(lua_State *L)
{
	struct watch **slot = luaL_checkudata(L, 1, REQUEST);
	if (*slot != NULL) unref(*slot);
	*slot = NULL;
	return 0;
}

/* is_yieldable(): no C function stands between here and the start of the coroutine. LuaJIT has coroutine.isyieldable
 * for it, which nginx's `coroutine` lacks. PUC 5.1, which this object also serves, doesn't know. */
static int Apl_is_yieldable(lua_State *L)
{
	static union {
		void *symbol;
		int (*function)(lua_State *L);
	} found;
	if (found.symbol == NULL) found.symbol = dlsym(RTLD_DEFAULT, "lua_isyieldable");
	lua_pushboolean(L, found.symbol == NULL || found.function(L));
	return 1;
}

/* request_of(coroutine): the address of the request that it is of, or was of last; nil where this LuaJIT doesn't know.
 * luajit2's lua_getexdata(): https://github.com/openresty/luajit2#new-c-api */
static int Apl_request_of(lua_State *L)
{
	static union {
		void *symbol;
		void *(*function)(lua_State *L);
	} found;
	lua_State *co = lua_tothread(L, 1);
	if (co == NULL) return luaL_argerror(L, 1, "a coroutine is expected");
	if (found.symbol == NULL) found.symbol = dlsym(RTLD_DEFAULT, "lua_getexdata");
	if (found.symbol == NULL) return 0;
	lua_pushnumber(L, (lua_Number)(uintptr_t)found.function(co));
	return 1;
}

/* This state, among those of its subsystem. */
struct state {
	enum aps_state_group group;
	pid_t process; /* that it was made in */
	bool is_first;
};

static int Apl_state_gc(lua_State *L)
{
	struct state *state = luaL_checkudata(L, 1, STATE);
	aps_process_count_states(state->group, -1);
	return 0;
}

static struct state *count_state(lua_State *L, const char *subsystem)
{
	struct state *state = apl_newuserdata(L, sizeof *state);
	state->group = strcmp(subsystem, "stream") == 0 ? APS_STATES_OF_STREAMS : APS_STATES_OF_HTTP;
	state->process = getpid();
	luaL_getmetatable(L, STATE);
	lua_setmetatable(L, -2);
	lua_setfield(L, LUA_REGISTRYINDEX, STATE ".own");
	state->is_first = aps_process_count_states(state->group, 1) == 1;
	return state;
}

/* n_states(subsystem): how many Lua states of this process have asked this, for "http" or "stream", and are there: this
 * one is counted until it closes. nginx makes one for each request where its code cache is off. True: this one was
 * there before, of another process or of none. */
static int Apl_n_states(lua_State *L)
{
	const char *subsystem = luaL_checkstring(L, 1);
	lua_getfield(L, LUA_REGISTRYINDEX, STATE ".own");
	struct state *state = lua_touserdata(L, -1);
	if (state == NULL) state = count_state(L, subsystem);
	lua_pushinteger(L, (lua_Integer)aps_process_count_states(state->group, 0));
	lua_pushboolean(L, state->is_first || state->process != getpid());
	return 2;
}

void apl_nginx_register(lua_State *L)
{
	static const luaL_Reg NO_METHODS[] = {{NULL, NULL}};
	static const luaL_Reg FUNCTIONS[] = {{"is_yieldable", Apl_is_yieldable},
	                                     {"request_of", Apl_request_of},
	                                     {"n_states", Apl_n_states},
	                                     {NULL, NULL}};
	static const luaL_Reg METHODS[] = {{"has_ended", Apl_request_has_ended}, {NULL, NULL}};
	static const luaL_Reg OF_RUNTIME[] = {{"watch_request", Apl_watch_request}, {NULL, NULL}};
	apl_register_class(L, REQUEST, Apl_request_gc, METHODS);
	apl_register_class(L, STATE, Apl_state_gc, NO_METHODS);
	apl_runtime_add_methods(L, OF_RUNTIME);
	apl_register(L, FUNCTIONS);
}
