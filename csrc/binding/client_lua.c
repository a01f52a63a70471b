#include "binding/client_lua.h"

#include "base/mem.h"
#include "binding/cache_edit_lua.h"
#include "binding/cache_lua.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/merges_lua.h"
#include "binding/objects_lua.h"
#include "binding/operation_lua.h"
#include "binding/runtime_lua.h"
#include "binding/settings_lua.h"
#include "binding/value.h"
#include "client/caching.h"
#include "client/call.h"
#include "client/credential_commands.h"
#include "client/lifecycle.h"
#include "client/reach_commands.h"
#include "client/subscription_commands.h"

#define CLIENT "appsync.core.client"

static struct apl_client *check(lua_State *L)
{
	struct apl_client *client = luaL_checkudata(L, 1, CLIENT);
	if (client->box == NULL || client->is_closed) luaL_error(L, "appsync: the client is closed");
	return client;
}

struct apl_client *apl_client_check_usable(lua_State *L, struct aps_runtime **runtime, struct aps_err *err)
{
	struct apl_client *client = check(L);
	luaL_checktype(L, 2, LUA_TTABLE);
	*runtime = apl_runtime_get(L, client->box, err);
	return *runtime != NULL ? client : NULL;
}

struct apl_client *apl_client_check_late(lua_State *L)
{
	struct apl_client *client = luaL_checkudata(L, 1, CLIENT);
	if (client->box == NULL || client->is_closed) return NULL;
	const struct aps_runtime *runtime = client->box->runtime;
	return runtime != NULL && aps_runtime_is_usable(runtime) ? client : NULL;
}

int apl_client_post(lua_State *L, struct apl_client *client)
{
	struct aps_err err = {0};
	if (apl_runtime_post(L, client->box, -1, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

int apl_client_post_numbered(lua_State *L, struct apl_client *client, uint64_t id)
{
	struct aps_err err = {0};
	if (apl_runtime_post(L, client->box, -1, &err) != APS_OK) return apl_fail(L, &err);
	apl_push_id(L, id);
	return 1;
}

/* runtime:client(settings) → client; nil, error */
static int Apl_runtime_client(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_runtime *box = apl_runtime_check(L);
	luaL_checktype(L, 2, LUA_TTABLE);
	const struct aps_runtime *runtime = apl_runtime_get(L, box, &err);
	if (runtime == NULL) return apl_fail(L, &err);
	struct apl_client *client = apl_newuserdata(L, sizeof *client);
	*client = (struct apl_client){0};
	luaL_getmetatable(L, CLIENT);
	lua_setmetatable(L, -2);
	uint64_t id = aps_runtime_next_id(box->runtime);
	struct aps_open_command *command = aps_open_command_new(id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	apl_read_settings(L, 2, &command->settings);
	client->stats = aps_stats_new();
	if (client->stats == NULL) return luaL_error(L, "out of memory");
	command->stats = aps_stats_ref(client->stats);
	enum apl_big_integers big = command->settings.big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED;
	if (command->settings.cache != NULL) {
		client->caches = apl_caches_new(box, id, command->settings.cache, big);
		if (client->caches == NULL) return luaL_error(L, "out of memory");
	}
	if (apl_runtime_post(L, box, -1, &err) != APS_OK) return apl_fail(L, &err);
	client->box = apl_runtime_ref(box);
	client->id = id;
	box->is_left = false; /* this one is waited for, whatever became of others */
	lua_pop(L, 1);
	return 1;
}

static int Apl_client_id(lua_State *L)
{
	apl_push_id(L, check(L)->id);
	return 1;
}

static bool read_material(lua_State *L, enum aps_auth_mode mode, struct aps_auth_material *out, struct aps_err *err)
{
	struct aps_str secret = {NULL, 0};
	struct aps_given_iam_credentials credentials = {.expires_ms = 0};
	bool has_secret = apl_field_str(L, 2, "secret", &secret);
	bool has_key = apl_field_str(L, 2, "access_key_id", &credentials.access_key_id);
	apl_field_str(L, 2, "secret_access_key", &credentials.secret_access_key);
	apl_field_str(L, 2, "session_token", &credentials.session_token);
	double expires_ms = apl_field_number(L, 2, "expires_at", 0) * 1000.0;
	if (expires_ms > -1e15 && expires_ms < 1e15) credentials.expires_ms = (int64_t)expires_ms; /* else never */
	err->code = APS_OK;
	if (!has_secret && !has_key && mode != APS_AUTH_NONE) return false;
	return aps_auth_material_init(out, mode, secret, mode == APS_AUTH_IAM ? &credentials : NULL, err) == APS_OK;
}

static enum aps_auth_mode check_mode(lua_State *L, int table)
{
	struct aps_str name = {"", 0};
	enum aps_auth_mode mode;
	apl_field_str(L, table, "mode", &name);
	if (!aps_auth_mode_find(name, &mode)) luaL_error(L, "unknown auth mode '%s'", name.p);
	return mode;
}

static int Apl_client_add_auth(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime;
	struct apl_client *client = apl_client_check_usable(L, &runtime, &err);
	if (client == NULL) return apl_fail(L, &err);
	uint64_t id = aps_runtime_next_id(runtime);
	struct aps_credential_command *command = aps_credential_command_new(APS_CREDENTIAL_ADD, client->id, id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->mode = check_mode(L, 2);
	command->is_dynamic = apl_field_bool(L, 2, "dynamic", false);
	apl_field_copy(L, 2, "region", &command->region);
	apl_field_copy(L, 2, "service", &command->service);
	command->has_material = read_material(L, command->mode, &command->material, &err);
	if (!command->has_material && err.code != APS_OK) return apl_fail(L, &err);
	return apl_client_post_numbered(L, client, id);
}

/* Credentials for IAM, a token for all other modes; the credential knows which mode is its own. */
static int Apl_client_set_auth(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) {
		lua_pushboolean(L, true);
		return 1;
	}
	uint64_t id = apl_check_id(L, 2);
	luaL_checktype(L, 3, LUA_TTABLE);
	lua_remove(L, 2);
	struct aps_err err = {0};
	lua_getfield(L, 2, "access_key_id");
	enum aps_auth_mode mode = lua_isnil(L, -1) ? APS_AUTH_OIDC : APS_AUTH_IAM;
	lua_pop(L, 1);
	struct aps_credential_command *command = aps_credential_command_new(APS_CREDENTIAL_SET, client->id, id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	if (read_material(L, mode, &command->material, &err)) return apl_client_post(L, client);
	if (err.code == APS_OK) aps_fail(&err, APS_E_AUTH, "neither a token nor credentials");
	command = aps_credential_command_new(APS_CREDENTIAL_FAIL, client->id, id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->err = err;
	if (err.code != APS_E_NOMEM)
		aps_fail_word(&command->err, APS_E_AUTH, err.word != NULL ? err.word : "no_token", 0, "%s", err.msg);
	apl_client_post(L, client);
	return apl_fail(L, &err);
}

static const char *static_word(const char *word)
{
	static const char *const WORDS[] = {"no_token",     "token_timeout", "no_credentials", "credentials_expired",
	                                    "token_failed", "not_signed_in"};
	for (size_t i = 0; word != NULL && i < APS_COUNTOF(WORDS); i++)
		if (strcmp(word, WORDS[i]) == 0) return WORDS[i];
	return "no_token";
}

static int Apl_client_fail_auth(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	uint64_t id = apl_check_id(L, 2);
	const char *message = apl_check_cstring(L, 3);
	const char *word = static_word(luaL_optstring(L, 4, NULL));
	struct aps_credential_command *command = aps_credential_command_new(APS_CREDENTIAL_FAIL, client->id, id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	aps_fail_word(&command->err, APS_E_AUTH, word, 0, "%s", message);
	return apl_client_post(L, client);
}

static int Apl_client_drop_auth(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	struct aps_credential_command *command =
	        aps_credential_command_new(APS_CREDENTIAL_DROP, client->id, apl_check_id(L, 2));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	return apl_client_post(L, client);
}

/* Of the table at index 2, into the topic of a command that the userdata on top of the stack owns. */
static enum aps_rc read_topic(lua_State *L, struct aps_topic *topic, struct aps_err *err)
{
	enum aps_rc rc = apl_read_operation(L, &topic->operation, err);
	if (rc != APS_OK) return rc;
	topic->cache = apl_field_id(L, 2, "cached");
	topic->ids = apl_field_id(L, 2, "ids");
	topic->layer = apl_field_id(L, 2, "layer");
	topic->credential = apl_field_id(L, 2, "auth");
	lua_getfield(L, 2, "headers");
	return apl_take_headers(L, &topic->headers, err);
}

static int Apl_client_execute(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime;
	struct apl_client *client = apl_client_check_usable(L, &runtime, &err);
	if (client == NULL) return apl_fail(L, &err);
	struct aps_call_command *command = aps_call_command_new(client->id, aps_runtime_next_id(runtime));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	if (read_topic(L, command->topic, &err) != APS_OK) return apl_fail(L, &err);
	const struct aps_operation *operation = &command->topic->operation;
	command->is_safe = operation->definition->kind == APS_GQL_QUERY || apl_field_bool(L, 2, "idempotent", false);
	command->timeout_ms = apl_field_ms(L, 2, "timeout", 0);
	command->wants_text = apl_field_bool(L, 2, "text", false);
	command->head.mail.n_bytes += aps_operation_text(operation).n + operation->n_variables_bytes;
	return apl_client_post_numbered(L, client, command->head.id);
}

#define FOLLOWING_MS 2000 /* as for whoever changes the store: it is rare, and nothing is lost for it */

/* client:cache{identity=, follows=} → cache; nil, error */
static int Apl_client_cache(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime;
	struct apl_client *client = apl_client_check_usable(L, &runtime, &err);
	if (client == NULL) return apl_fail(L, &err);
	if (client->caches == NULL) return luaL_error(L, "appsync: the client has no store");
	struct aps_str identity = APS_STR("");
	apl_field_str(L, 2, "identity", &identity);
	if (memchr(identity.p, '\0', identity.n) != NULL) return luaL_error(L, "an identity must not hold a zero byte");
	bool is_driven = aps_runtime_network(runtime) != NULL; /* then nothing happens while this thread waits */
	int64_t patience_ms = apl_field_bool(L, 2, "follows", false) && !is_driven ? FOLLOWING_MS : 0;
	enum aps_rc rc = apl_cache_push(L, client->caches, identity.p, patience_ms, &err);
	return rc == APS_OK ? 1 : apl_fail(L, &err);
}

static int Apl_client_cancel(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	struct aps_command *command = aps_cancel_command_new(client->id, apl_check_id(L, 2));
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	return apl_client_post(L, client);
}

static enum aps_overflow check_overflow(lua_State *L)
{
	struct aps_str name = APS_STR("pause");
	apl_field_str(L, 2, "overflow", &name);
	if (aps_str_is(name, "pause")) return APS_OVERFLOW_PAUSE;
	if (aps_str_is(name, "drop_oldest")) return APS_OVERFLOW_DROP_OLDEST;
	if (!aps_str_is(name, "error")) luaL_error(L, "unknown overflow policy '%s'", name.p);
	return APS_OVERFLOW_ERROR;
}

static int Apl_client_subscribe(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime;
	struct apl_client *client = apl_client_check_usable(L, &runtime, &err);
	if (client == NULL) return apl_fail(L, &err);
	struct aps_subscribe_command *command = aps_subscribe_command_new(client->id, aps_runtime_next_id(runtime));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	if (read_topic(L, command->topic, &err) != APS_OK) return apl_fail(L, &err);
	command->topic->has_dynamic_headers = apl_field_bool(L, 2, "dynamic_headers", false);
	command->limits.overflow = check_overflow(L);
	command->limits.max_items = apl_field_size(L, 2, "buffer", 1024);
	command->limits.max_bytes = apl_field_size(L, 2, "buffer_bytes", (size_t)4 * 1024 * 1024);
	command->is_shared = apl_field_bool(L, 2, "share", true);
	if (command->limits.max_items == 0) command->limits.max_items = 1;
	return apl_client_post_numbered(L, client, command->head.id);
}

static int Apl_client_unsubscribe(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	struct aps_command *command = aps_unsubscribe_command_new(client->id, apl_check_id(L, 2));
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	return apl_client_post(L, client);
}

static int Apl_client_consumed(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	struct aps_command *command =
	        aps_consumed_command_new(client->id, apl_check_id(L, 2), apl_size_of(luaL_checknumber(L, 3)));
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	return apl_client_post(L, client);
}

static int Apl_client_set_headers(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	lua_settop(L, 4);
	struct aps_headers_command *command = aps_headers_command_new(client->id, apl_check_id(L, 2));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	if (!lua_isnil(L, 4)) {
		command->error = aps_strndup(luaL_checkstring(L, 4), lua_rawlen(L, 4));
		if (command->error == NULL) return luaL_error(L, "out of memory");
	}
	struct aps_err err = {0};
	lua_pushvalue(L, 3);
	if (apl_take_headers(L, &command->headers, &err) != APS_OK) return apl_fail(L, &err);
	return apl_client_post(L, client);
}

/* Takes no memory of Lua's: what is asked would wait for ever if the answer got lost. */
static int answer(lua_State *L, const struct apl_client *client, struct aps_answer_command *command)
{
	struct aps_err err = {0};
	if (command == NULL) return luaL_error(L, "the question was answered");
	if (aps_runtime_post(client->box->runtime, &command->head, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

/* client:answer(objects): late ones are ignored, as by the following */
static int Apl_client_answer(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	return client != NULL ? answer(L, client, apl_objects_take_answer(L, 2)) : 0;
}

/* client:answer_merge(merges) */
static int Apl_client_answer_merge(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	return client != NULL ? answer(L, client, apl_merges_take_answer(L, 2)) : 0;
}

/* client:answer_lost(number) */
static int Apl_client_answer_lost(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	struct aps_answer_command *command =
	        aps_answer_command_new(client->id, apl_check_id(L, 2), aps_caching_run_answer);
	if (command == NULL) return luaL_error(L, "out of memory");
	return answer(L, client, command);
}

/* client:identify(object) → key, or nil: it has none */
static int Apl_client_identify(lua_State *L)
{
	const struct apl_client *client = check(L);
	if (client->caches == NULL) return luaL_error(L, "appsync: the client has no store");
	return apl_identify(L, &client->caches->settings->policies);
}

static int Apl_client_set_online(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	struct aps_command *command = aps_online_command_new(client->id, lua_toboolean(L, 2) != 0);
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	return apl_client_post(L, client);
}

static int Apl_client_stats(lua_State *L)
{
	struct apl_client *client = luaL_checkudata(L, 1, CLIENT);
	if (client->stats == NULL) return luaL_error(L, "appsync: the client is closed");
	lua_newtable(L);
#define PUSH_FIELD(name)                                                                                               \
	apl_push_id(L, atomic_load_explicit(&client->stats->name, memory_order_relaxed));                              \
	lua_setfield(L, -2, #name);
	APS_STATS_MAP(PUSH_FIELD)
#undef PUSH_FIELD
	lua_pushstring(L, aps_store_state_name(atomic_load_explicit(&client->stats->store, memory_order_relaxed)));
	lua_setfield(L, -2, "store");
	lua_pushstring(L, atomic_load_explicit(&client->stats->store_code, memory_order_relaxed)); /* NULL: nil */
	lua_setfield(L, -2, "store_code");
	return 1;
}

static int Apl_client_leave(lua_State *L)
{
	struct apl_client *client = apl_client_check_late(L);
	if (client == NULL) return 0;
	struct aps_command *command = aps_leave_command_new(client->id);
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	return apl_client_post(L, client);
}

static void set_closed(struct apl_client *client)
{
	client->is_closed = true;
	apl_caches_close(client->caches);
}

static int Apl_client_close(lua_State *L)
{
	struct apl_client *client = luaL_checkudata(L, 1, CLIENT);
	if (client->box == NULL || client->is_closed) return 0;
	if (client->box->runtime == NULL || !aps_runtime_is_usable(client->box->runtime)) {
		set_closed(client);
		return 0;
	}
	struct aps_command *command = aps_close_command_new(client->id);
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	set_closed(client);
	return apl_client_post(L, client);
}

static int Apl_client_gc(lua_State *L)
{
	struct apl_client *client = luaL_checkudata(L, 1, CLIENT);
	struct apl_runtime *box = client->box;
	/* No throw in a finalizer: the close is posted without the pending userdata. */
	bool can_post = box != NULL && box->runtime != NULL && aps_runtime_is_usable(box->runtime);
	struct aps_command *command = can_post && !client->is_closed ? aps_close_command_new(client->id) : NULL;
	struct aps_err err;
	set_closed(client);
	if (command != NULL) aps_runtime_post(box->runtime, command, &err);
	client->box = NULL;
	aps_stats_unref(client->stats);
	client->stats = NULL;
	apl_caches_unref(client->caches);
	client->caches = NULL;
	apl_runtime_unref(box);
	return 0;
}

static const luaL_Reg METHODS[] = {
        {"id", Apl_client_id},
        {"add_auth", Apl_client_add_auth},
        {"set_auth", Apl_client_set_auth},
        {"fail_auth", Apl_client_fail_auth},
        {"drop_auth", Apl_client_drop_auth},
        {"execute", Apl_client_execute},
        {"cache", Apl_client_cache},
        {"cancel", Apl_client_cancel},
        {"subscribe", Apl_client_subscribe},
        {"unsubscribe", Apl_client_unsubscribe},
        {"consumed", Apl_client_consumed},
        {"set_headers", Apl_client_set_headers},
        {"answer", Apl_client_answer},
        {"answer_merge", Apl_client_answer_merge},
        {"answer_lost", Apl_client_answer_lost},
        {"identify", Apl_client_identify},
        {"set_online", Apl_client_set_online},
        {"stats", Apl_client_stats},
        {"leave", Apl_client_leave},
        {"close", Apl_client_close},
        {NULL, NULL},
};

void apl_client_add_methods(lua_State *L, const luaL_Reg *methods)
{
	luaL_getmetatable(L, CLIENT);
	lua_getfield(L, -1, "__index");
	apl_register(L, methods);
	lua_pop(L, 2);
}

void apl_client_register(lua_State *L)
{
	static const luaL_Reg OF_RUNTIME[] = {{"client", Apl_runtime_client}, {NULL, NULL}};
	apl_runtime_add_methods(L, OF_RUNTIME);
	apl_register_class(L, CLIENT, Apl_client_gc, METHODS);
}
