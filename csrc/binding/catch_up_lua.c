#include "binding/catch_up_lua.h"

#include "binding/client_lua.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/operation_lua.h"
#include "binding/sync_settings_lua.h"
#include "client/sync_commands.h"

#define CENTURY_MS (INT64_C(36500) * 86400000) /* the service's time has no window */

static enum aps_rc read_settings(lua_State *L, struct aps_open_sync_command *command, size_t *n_bytes,
                                 struct aps_err *err)
{
	struct aps_sync_settings *settings = command->settings;
	command->cache = apl_field_id(L, 2, "cached");
	command->ids = apl_field_id(L, 2, "ids");
	settings->hands_over = true;
	settings->options.begins_live = true;
	settings->options.interval_ms = settings->options.window_ms = CENTURY_MS;
	settings->max_events = apl_field_size(L, 2, "buffer", 0);
	settings->max_bytes = apl_field_size(L, 2, "buffer_bytes", 0);
	enum aps_rc rc = apl_read_sync_settings(L, settings, command->cache != 0, n_bytes, err);
	return rc == APS_OK ? aps_sync_settings_look(settings, err) : rc;
}

/* client:catch_up{delta=, subscription=, …} → sub; nil, error */
static int Apl_client_catch_up(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime;
	struct apl_client *client = apl_client_check_usable(L, &runtime, &err);
	if (client == NULL) return apl_fail(L, &err);
	lua_settop(L, 2);
	struct aps_open_sync_command *command = aps_open_sync_command_new(client->id, aps_runtime_next_id(runtime));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	int pending = lua_gettop(L);
	size_t n_bytes = 0;
	if (read_settings(L, command, &n_bytes, &err) != APS_OK) return apl_fail(L, &err);
	command->head.mail.n_bytes += n_bytes;
	lua_pushvalue(L, pending);
	return apl_client_post_numbered(L, client, command->head.id);
}

/* client:stop_catch_up(sub) */
static int Apl_client_stop_catch_up(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	struct aps_command *command = aps_stop_sync_command_new(client->id, apl_check_id(L, 2));
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	return apl_client_post(L, client);
}

/* client:caught_up(sub, number, n_events) */
static int Apl_client_caught_up(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	struct aps_sync_answer_command *command = aps_settle_sync_command_new(client->id, apl_check_id(L, 2));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->question = apl_size_of(luaL_checknumber(L, 3));
	command->n = apl_size_of(luaL_checknumber(L, 4));
	return apl_client_post(L, client);
}

/* client:give_catch_up_headers(sub, number, headers, message): nil and a message: they can't be had now */
static int Apl_client_give_catch_up_headers(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	lua_settop(L, 5);
	struct aps_sync_answer_command *command = aps_sync_headers_command_new(client->id, apl_check_id(L, 2));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	int pending = lua_gettop(L);
	command->question = apl_size_of(luaL_checknumber(L, 3));
	command->are_given = !lua_isnil(L, 4);
	if (!command->are_given)
		aps_fail_word(&command->failed, APS_E_AUTH, "headers_failed", 0, "%s",
		              luaL_optstring(L, 5, "the headers function gave none"));
	lua_pushvalue(L, 4);
	if (apl_take_headers(L, &command->headers, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushvalue(L, pending);
	return apl_client_post(L, client);
}

void apl_catch_up_register(lua_State *L)
{
	static const luaL_Reg METHODS[] = {
	        {"catch_up", Apl_client_catch_up},
	        {"stop_catch_up", Apl_client_stop_catch_up},
	        {"caught_up", Apl_client_caught_up},
	        {"give_catch_up_headers", Apl_client_give_catch_up_headers},
	        {NULL, NULL},
	};
	apl_client_add_methods(L, METHODS);
}
