#include "binding/queue_lua.h"

#include "binding/cache_lua.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/operation_lua.h"
#include "binding/value.h"
#include "client/queue_commands.h"
#include "client/reader.h"

/* Gives the command in the pending userdata on top of the stack away: true, or nil and the error. */
static int post(lua_State *L, const struct apl_cache *cache)
{
	struct aps_err err = {0};
	struct aps_command *command = (struct aps_command *)apl_pending_take(L, -1);
	if (aps_runtime_post(cache->caches->box->runtime, command, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

static int post_numbered(lua_State *L, const struct apl_cache *cache, uint64_t id)
{
	struct aps_err err = {0};
	struct aps_command *command = (struct aps_command *)apl_pending_take(L, -1);
	if (aps_runtime_post(cache->caches->box->runtime, command, &err) != APS_OK) return apl_fail(L, &err);
	apl_push_id(L, id);
	return 1;
}

/* The field's value as JSON, in what the pending userdata owns; nil: nothing. */
static enum aps_rc take_json(lua_State *L, const char *name, struct aps_buf *out, struct aps_err *err)
{
	struct aps_json_writer w;
	lua_getfield(L, 2, name);
	enum aps_rc rc = APS_OK;
	if (!lua_isnil(L, -1)) {
		aps_json_writer_init(&w, out);
		rc = apl_value_write_kept(L, -1, name, &w, err);
	}
	lua_pop(L, 1);
	return rc;
}

static enum aps_rc take_headers(lua_State *L, struct aps_header_list *list, bool *are_given, struct aps_err *err)
{
	lua_getfield(L, 2, "headers");
	*are_given = !lua_isnil(L, -1);
	return apl_take_headers(L, list, err);
}

static uint64_t id_of(lua_State *L, int index)
{
	double id = lua_tonumber(L, index);
	return id >= 1 && id < 9007199254740992.0 ? (uint64_t)id : 0;
}

/* {API_KEY = 12, …} */
static void take_credentials(lua_State *L, struct aps_queue_settings *settings)
{
	lua_getfield(L, 2, "auths");
	for (int mode = 0; lua_istable(L, -1) && mode < APS_ENTRY_MODE_COUNT; mode++) {
		lua_getfield(L, -1, aps_entry_mode_name((enum aps_entry_mode)mode));
		settings->credentials[mode] = id_of(L, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

/* cache:open_queue{auths=, headers=, asks_headers=, order=, max_tries=, resolves_doubt=, request_lifetime=,
 * has_resolver=, has_updates=}: again with other settings */
static int Apl_cache_open_queue(lua_State *L)
{
	struct aps_err err = {0};
	bool has_headers;
	struct aps_str order = APS_STR("serial");
	struct apl_cache *cache = apl_cache_check(L, &err);
	luaL_checktype(L, 2, LUA_TTABLE);
	if (cache == NULL) return apl_fail(L, &err);
	struct aps_open_queue_command *command = aps_open_queue_command_new(cache->caches->client, cache->id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	struct aps_queue_settings *settings = &command->settings;
	take_credentials(L, settings);
	apl_field_str(L, 2, "order", &order);
	settings->order = aps_str_is(order, "entity") ? APS_OUTBOX_ENTITY : APS_OUTBOX_SERIAL;
	settings->max_tries = (unsigned)apl_field_size(L, 2, "max_tries", 10);
	settings->asks_headers = apl_field_bool(L, 2, "asks_headers", false);
	settings->resolves_doubt = apl_field_bool(L, 2, "resolves_doubt", false);
	settings->request_lifetime_ms = apl_field_ms(L, 2, "request_lifetime", -1);
	settings->has_resolver = apl_field_bool(L, 2, "has_resolver", false);
	settings->has_updates = apl_field_bool(L, 2, "has_updates", false);
	if (take_headers(L, &settings->headers, &has_headers, &err) != APS_OK) return apl_fail(L, &err);
	return post(L, cache);
}

/* What was begun, as the layer of what the command is about. Nothing is shown of it where the command isn't posted. */
static bool take_edits(struct apl_cache *cache, struct aps_caching_edits *edits)
{
	struct aps_edits *given = NULL;
	edits->number = aps_reader_close_edits(cache->reader, &given);
	edits->edits = given;
	return edits->number != 0;
}

static void end_begun(struct apl_cache *cache)
{
	cache->n_begun = 0;
	aps_reader_hope(cache->reader, false);
	aps_reader_look_below(cache->reader, false);
}

/* On failure what was begun is shown no more. */
static int give(lua_State *L, struct apl_cache *cache, uint64_t id, bool has_edits)
{
	int n = id != 0 ? post_numbered(L, cache, id) : post(L, cache);
	if (n != 1 && has_edits) aps_edits_unref(aps_reader_take_back(cache->reader));
	end_begun(cache);
	return n;
}

static enum aps_rc read_enqueue(lua_State *L, struct aps_enqueue_command *command, struct aps_err *err)
{
	struct aps_str mode = APS_STR(""), own_ids = APS_STR("");
	enum aps_rc rc = apl_read_operation(L, &command->operation, err);
	apl_field_str(L, 2, "mode", &mode);
	apl_field_str(L, 2, "own_ids", &own_ids);
	aps_buf_add_str(&command->own_ids, own_ids);
	if (rc == APS_OK && command->own_ids.rc != APS_OK) rc = aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc == APS_OK && !aps_entry_mode_find(mode, &command->mode))
		return aps_fail(err, APS_E_USAGE, "there is no auth mode of this name");
	command->is_idempotent = apl_field_bool(L, 2, "idempotent", false);
	command->is_uncached = apl_field_bool(L, 2, "is_uncached", false);
	command->has_update = apl_field_bool(L, 2, "has_update", false);
	command->timeout_ms = apl_field_ms(L, 2, "timeout", 0);
	if (rc == APS_OK) rc = take_json(L, "own_headers", &command->own_headers, err);
	if (rc == APS_OK) rc = take_json(L, "response", &command->response, err);
	if (rc == APS_OK) rc = take_json(L, "rules", &command->rules, err);
	return rc == APS_OK ? take_headers(L, &command->headers, &command->has_headers, err) : rc;
}

/* cache:enqueue{document=, operation_name=, variables=, mode=, headers=, own_headers=, timeout=, idempotent=,
 * response=, rules=, own_ids=, is_uncached=, has_update=, has_layer=} → call; nil, error. has_layer: also where nothing
 * was begun, for a later run that is to know whether the answer was settled */
static int Apl_cache_enqueue(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	luaL_checktype(L, 2, LUA_TTABLE);
	if (cache == NULL) return apl_fail(L, &err);
	uint64_t call = aps_runtime_next_id(cache->caches->box->runtime);
	struct aps_enqueue_command *command = aps_enqueue_command_new(cache->caches->client, call);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	int pending = lua_gettop(L);
	command->cache = cache->id;
	if (read_enqueue(L, command, &err) != APS_OK) {
		if (aps_reader_has_open_edits(cache->reader)) aps_edits_unref(aps_reader_take_back(cache->reader));
		end_begun(cache);
		return apl_fail(L, &err);
	}
	const struct aps_operation *operation = &command->operation;
	command->head.mail.n_bytes += aps_operation_text(operation).n + operation->n_variables_bytes;
	bool has_edits = take_edits(cache, &command->edits);
	if (has_edits) command->head.mail.n_bytes += aps_edits_bytes(command->edits.edits);
	command->has_layer = has_edits || apl_field_bool(L, 2, "has_layer", false);
	lua_pushvalue(L, pending);
	return give(L, cache, call, has_edits);
}

/* cache:ask_queue(what, argument): an id, a number, an identity, or {id=, variables=} → call; nil, error */
static int Apl_cache_ask_queue(lua_State *L)
{
	struct aps_err err = {0};
	enum aps_queue_ask what;
	struct apl_cache *cache = apl_cache_check(L, &err);
	struct aps_str word = {luaL_checkstring(L, 2), lua_rawlen(L, 2)}, text = APS_STR("");
	if (cache == NULL) return apl_fail(L, &err);
	if (!aps_queue_ask_find(word, &what)) return luaL_error(L, "nothing of a queue is called '%s'", word.p);
	lua_settop(L, 3);
	uint64_t call = aps_runtime_next_id(cache->caches->box->runtime);
	struct aps_ask_queue_command *command = aps_ask_queue_command_new(cache->caches->client, call);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->cache = cache->id;
	command->what = what;
	if (lua_istable(L, 3)) {
		lua_pushvalue(L, 3);
		lua_replace(L, 2); /* where fields are read from */
		apl_field_str(L, 2, "id", &text);
		if (take_json(L, "variables", &command->json, &err) != APS_OK) return apl_fail(L, &err);
	} else if (lua_type(L, 3) == LUA_TNUMBER) {
		command->number = lua_tonumber(L, 3);
	} else if (lua_type(L, 3) == LUA_TSTRING) {
		text.p = lua_tolstring(L, 3, &text.n);
	}
	aps_buf_add_str(&command->text, text);
	if (command->text.rc != APS_OK) return luaL_error(L, "out of memory");
	if (what == APS_QUEUE_ASK_RETRY) command->has_layer = take_edits(cache, &command->edits);
	if (what != APS_QUEUE_ASK_RETRY) return post_numbered(L, cache, call);
	return give(L, cache, call, command->has_layer);
}

/* cache:settle_entry(entry): for what was begun, if anything was. Late ones are ignored. */
static int Apl_cache_settle_entry(lua_State *L)
{
	struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	struct aps_queue_answer_command *command = aps_settle_entry_command_new(cache->caches->client, cache->id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->entry = id_of(L, 2);
	bool has_edits = take_edits(cache, &command->edits);
	return give(L, cache, 0, has_edits);
}

/* cache:told(outcome) */
static int Apl_cache_told(lua_State *L)
{
	struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	struct aps_queue_answer_command *command = aps_told_command_new(cache->caches->client, cache->id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->entry = id_of(L, 2);
	return post(L, cache);
}

/* cache:resolve(entry, variables): nil: it gives up */
static int Apl_cache_resolve(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_json_writer w;
	struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	lua_settop(L, 3);
	struct aps_queue_answer_command *command = aps_resolve_command_new(cache->caches->client, cache->id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->entry = id_of(L, 2);
	command->is_given = !lua_isnil(L, 3);
	aps_json_writer_init(&w, &command->variables);
	if (command->is_given && apl_value_write_kept(L, 3, "variables", &w, &err) != APS_OK) return apl_fail(L, &err);
	return post(L, cache);
}

/* cache:give_headers(entry, headers, message): nil and a message: they can't be had now */
static int Apl_cache_give_headers(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	lua_settop(L, 4);
	struct aps_queue_answer_command *command = aps_queue_headers_command_new(cache->caches->client, cache->id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->entry = id_of(L, 2);
	command->is_given = !lua_isnil(L, 3);
	if (!command->is_given)
		aps_fail_word(&command->failed, APS_E_AUTH, "headers_failed", 0, "%s",
		              luaL_optstring(L, 4, "the headers function gave none"));
	lua_pushvalue(L, 3);
	if (apl_take_headers(L, &command->headers, &err) != APS_OK) return apl_fail(L, &err);
	return post(L, cache);
}

void apl_queue_register(lua_State *L)
{
	static const luaL_Reg METHODS[] = {
	        {"open_queue", Apl_cache_open_queue},
	        {"change_queue", Apl_cache_open_queue},
	        {"enqueue", Apl_cache_enqueue},
	        {"ask_queue", Apl_cache_ask_queue},
	        {"settle_entry", Apl_cache_settle_entry},
	        {"told", Apl_cache_told},
	        {"resolve", Apl_cache_resolve},
	        {"give_headers", Apl_cache_give_headers},
	        {NULL, NULL},
	};
	apl_cache_add_methods(L, METHODS);
}
