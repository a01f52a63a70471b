#include "binding/simulation_lua.h"

#include "base/clock.h"
#include "base/rand.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/runtime_lua.h"
#include "binding/value.h"
#include "net/simulated_http.h"
#include "net/simulated_ws.h"
#include "store/db.h"
#include "store/db_simulation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME "/appsync-simulation-XXXXXX"

/* runtime() → a runtime without a thread; nil, error. This state may have none that is open. */
static int Apl_simulation_runtime(lua_State *L)
{
	struct aps_err err = {0};
	if (apl_runtime_is_open(L)) {
		aps_fail(&err, APS_E_USAGE, "this Lua state has a client that is open; close it first");
		return apl_fail(L, &err);
	}
	return apl_runtime_open(L, aps_runtime_new_driven);
}

static int64_t check_time_ms(lua_State *L, int index)
{
	lua_Number ms = luaL_checknumber(L, index);
	luaL_argcheck(L, ms >= 0 && ms <= 9e15, index, "milliseconds expected");
	return (int64_t)ms;
}

/* set_time(mono_ms, wall_ms): of this thread; set_time(nil): it goes on by itself. */
static int Apl_simulation_set_time(lua_State *L)
{
	if (lua_isnoneornil(L, 1))
		aps_clock_go_on();
	else
		aps_clock_stand(check_time_ms(L, 1), check_time_ms(L, 2));
	return 0;
}

/* set_seed(number): what chance gives this thread follows from it; nil: it is the system's again. */
static int Apl_simulation_set_seed(lua_State *L)
{
	if (lua_isnoneornil(L, 1))
		aps_rand_simulate_end();
	else
		aps_rand_simulate((uint64_t)check_time_ms(L, 1));
	return 0;
}

static bool make_folder(const char *parent, char *path, size_t n_path)
{
	int n = snprintf(path, n_path, "%s" NAME, parent);
	return n > 0 && (size_t)n < n_path && mkdtemp(path) != NULL;
}

/* folder() → the path of a new folder that is the caller's, in memory where the system has such a place */
static int Apl_simulation_folder(lua_State *L)
{
	struct aps_err err = {0};
	char path[1024];
	const char *tmp = getenv("TMPDIR");
	if (make_folder("/dev/shm", path, sizeof path) ||
	    make_folder(tmp != NULL && *tmp != '\0' ? tmp : "/tmp", path, sizeof path)) {
		lua_pushstring(L, path);
		return 1;
	}
	aps_fail_word(&err, APS_E_SYSTEM, NULL, errno, "no folder for the simulation can be made (%s)",
	              strerror(errno));
	return apl_fail(L, &err);
}

static const char *const COPIES[] = {"new", "killed", NULL};

static int answer(lua_State *L, enum aps_rc rc, const struct aps_err *err)
{
	if (rc != APS_OK) return apl_fail(L, err);
	lua_pushboolean(L, true);
	return 1;
}

/* set_store(path) → true: of this thread, in memory from now on; nil, error. set_store(nil): it is gone. */
static int Apl_simulation_set_store(lua_State *L)
{
	struct aps_err err = {0};
	enum aps_rc rc = APS_OK;
	aps_db_close_kept();
	if (lua_isnoneornil(L, 1))
		aps_db_simulation_end();
	else
		rc = aps_db_simulation_begin(luaL_checkstring(L, 1), &err);
	return answer(L, rc, &err);
}

/* keep_store("new"|"killed") → true: what is in it; nil, error */
static int Apl_simulation_keep_store(lua_State *L)
{
	struct aps_err err = {0};
	enum aps_db_copy which = (enum aps_db_copy)luaL_checkoption(L, 1, NULL, COPIES);
	if (which == APS_DB_COPY_NEW) aps_db_close_kept(); /* its log is folded into it: there is less to put back */
	enum aps_rc rc = aps_db_simulation_keep(which, &err);
	return answer(L, rc, &err);
}

/* put_store("new"|"killed") → true: that is in it again; nil, error */
static int Apl_simulation_put_store(lua_State *L)
{
	struct aps_err err = {0};
	enum aps_rc rc = aps_db_simulation_put((enum aps_db_copy)luaL_checkoption(L, 1, NULL, COPIES), &err);
	return answer(L, rc, &err);
}

static struct aps_runtime *check_driven(lua_State *L)
{
	struct aps_err err;
	struct aps_runtime *runtime = apl_runtime_get(L, apl_runtime_check(L), &err);
	if (runtime == NULL || aps_runtime_network(runtime) == NULL)
		luaL_error(L, "appsync: no simulation drives this");
	return runtime;
}

/* runtime:drive() → milliseconds until the core has something to do; nil: nothing by itself */
static int Apl_runtime_drive(lua_State *L)
{
	int64_t left_ms = aps_runtime_drive(check_driven(L));
	if (left_ms < 0) return 0;
	lua_pushnumber(L, (lua_Number)left_ms);
	return 1;
}

/* runtime:take_request() → id, number of the queued mutation or 0, headers as lines, body, timeout_ms; nil: none */
static int Apl_runtime_take_request(lua_State *L)
{
	const struct aps_simulated_exchange *exchange = aps_simulated_http_take(aps_runtime_network(check_driven(L)));
	if (exchange == NULL) return 0;
	apl_push_id(L, exchange->id);
	apl_push_id(L, exchange->label);
	lua_pushlstring(L, exchange->headers.n != 0 ? exchange->headers.p : "", exchange->headers.n);
	lua_pushlstring(L, exchange->body != NULL ? exchange->body : "", exchange->n_body);
	lua_pushnumber(L, (lua_Number)exchange->timeout_ms);
	return 5;
}

/* runtime:answer_request(id, status, headers as lines, body) → false: nobody waits for it any more */
static int Apl_runtime_answer_request(lua_State *L)
{
	struct aps_simulated_http *network = aps_runtime_network(check_driven(L));
	struct aps_str headers, body;
	uint64_t id = apl_check_id(L, 2);
	long status = (long)luaL_checknumber(L, 3);
	headers.p = luaL_checklstring(L, 4, &headers.n);
	body.p = luaL_checklstring(L, 5, &body.n);
	lua_pushboolean(L, aps_simulated_http_answer(network, id, status, headers, body));
	return 1;
}

/* runtime:fail_request(id, "refused"|"lost"|"timeout") → likewise */
static int Apl_runtime_fail_request(lua_State *L)
{
	static const char *const NAMES[] = {"refused", "lost", "timeout", NULL};
	struct aps_simulated_http *network = aps_runtime_network(check_driven(L));
	uint64_t id = apl_check_id(L, 2);
	enum aps_simulated_failure how = (enum aps_simulated_failure)luaL_checkoption(L, 3, NULL, NAMES);
	lua_pushboolean(L, aps_simulated_http_fail(network, id, how));
	return 1;
}

/* runtime:take_wish() → "connect"|"send"|"close", connection, text, sub-protocols, headers as lines; nil: none.
 * The text of a connect is the path; the last two are a connect's. */
static int Apl_runtime_take_wish(lua_State *L)
{
	static const char *const KINDS[] = {"connect", "send", "close"};
	struct aps_simulated_ws *sockets = aps_runtime_sockets(check_driven(L));
	struct aps_simulated_wish *wish = sockets != NULL ? aps_simulated_ws_take(sockets) : NULL;
	if (wish == NULL) return 0;
	lua_pushstring(L, KINDS[wish->kind]);
	apl_push_id(L, wish->connection);
	lua_pushlstring(L, wish->text, wish->n_text);
	lua_pushstring(L, wish->protocols);
	lua_pushstring(L, wish->headers);
	aps_simulated_wish_free(wish);
	return 5;
}

/* runtime:open_socket(connection) → false: it has ended */
static int Apl_runtime_open_socket(lua_State *L)
{
	struct aps_simulated_ws *sockets = aps_runtime_sockets(check_driven(L));
	lua_pushboolean(L, sockets != NULL && aps_simulated_ws_open(sockets, apl_check_id(L, 2)));
	return 1;
}

/* runtime:send_message(connection, text) → likewise */
static int Apl_runtime_send_message(lua_State *L)
{
	struct aps_simulated_ws *sockets = aps_runtime_sockets(check_driven(L));
	struct aps_str text;
	text.p = luaL_checklstring(L, 3, &text.n);
	lua_pushboolean(L, sockets != NULL && aps_simulated_ws_message(sockets, apl_check_id(L, 2), text));
	return 1;
}

/* runtime:end_socket(connection, "unreachable"|"silent"|"status"|"lost"|"closed", status or code) → likewise */
static int Apl_runtime_end_socket(lua_State *L)
{
	static const char *const ENDS[] = {"unreachable", "silent", "status", "lost", "closed", NULL};
	struct aps_simulated_ws *sockets = aps_runtime_sockets(check_driven(L));
	uint64_t connection = apl_check_id(L, 2);
	enum aps_simulated_end how = (enum aps_simulated_end)luaL_checkoption(L, 3, NULL, ENDS);
	int number = (int)luaL_optnumber(L, 4, 0);
	lua_pushboolean(L, sockets != NULL && aps_simulated_ws_end(sockets, connection, how, number));
	return 1;
}

void apl_simulation_register(lua_State *L)
{
	static const luaL_Reg FUNCTIONS[] = {
	        {"runtime", Apl_simulation_runtime},     {"set_time", Apl_simulation_set_time},
	        {"set_seed", Apl_simulation_set_seed},   {"folder", Apl_simulation_folder},
	        {"set_store", Apl_simulation_set_store}, {"keep_store", Apl_simulation_keep_store},
	        {"put_store", Apl_simulation_put_store}, {NULL, NULL},
	};
	static const luaL_Reg OF_RUNTIME[] = {
	        {"drive", Apl_runtime_drive},
	        {"take_request", Apl_runtime_take_request},
	        {"answer_request", Apl_runtime_answer_request},
	        {"fail_request", Apl_runtime_fail_request},
	        {"take_wish", Apl_runtime_take_wish},
	        {"open_socket", Apl_runtime_open_socket},
	        {"send_message", Apl_runtime_send_message},
	        {"end_socket", Apl_runtime_end_socket},
	        {NULL, NULL},
	};
	lua_newtable(L);
	apl_register(L, FUNCTIONS);
	lua_setfield(L, -2, "simulation");
	apl_runtime_add_methods(L, OF_RUNTIME);
}
