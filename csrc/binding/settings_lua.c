#include "binding/settings_lua.h"

#include "binding/fields.h"
#include "binding/value.h"

#include <string.h>

/* Pushes the sub-table, or an empty one. */
static int push_group(lua_State *L, int table, const char *name)
{
	lua_getfield(L, table, name);
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
	}
	return lua_gettop(L);
}

static void read_timeouts(lua_State *L, int table, struct aps_settings *settings)
{
	int group = push_group(L, table, "timeouts");
	settings->connect_timeout_ms = apl_field_ms(L, group, "connect", settings->connect_timeout_ms);
	settings->request_timeout_ms = apl_field_ms(L, group, "request", settings->request_timeout_ms);
	settings->stall_timeout_ms = apl_field_ms(L, group, "stall", settings->stall_timeout_ms);
	settings->realtime.ack_timeout_ms = apl_field_ms(L, group, "ack", settings->realtime.ack_timeout_ms);
	settings->realtime.connect_timeout_ms = settings->connect_timeout_ms;
	lua_pop(L, 1);
}

static void read_retry(lua_State *L, int table, struct aps_settings *settings)
{
	int group = push_group(L, table, "retry");
	settings->retry.base_ms = apl_field_ms(L, group, "base", settings->retry.base_ms);
	settings->retry.cap_ms = apl_field_ms(L, group, "cap", settings->retry.cap_ms);
	size_t n_attempts =
	        apl_field_size(L, group, "attempts", 0); /* 0: not given; a connection tries for ever then */
	if (n_attempts != 0) {
		settings->retry.n_attempts = n_attempts < UINT32_MAX ? (unsigned)n_attempts : UINT32_MAX;
		settings->realtime.reconnect.n_attempts = settings->retry.n_attempts;
	}
	settings->realtime.reconnect.base_ms = settings->retry.base_ms;
	settings->realtime.reconnect.cap_ms = apl_field_ms(L, group, "cap", settings->realtime.reconnect.cap_ms);
	lua_pop(L, 1);
}

static void read_tls(lua_State *L, int table, struct aps_settings *settings)
{
	int group = push_group(L, table, "tls");
	apl_field_copy(L, group, "ca", &settings->net.ca_file);
	apl_field_copy(L, group, "cert", &settings->net.cert_file);
	apl_field_copy(L, group, "key", &settings->net.key_file);
	settings->net.verify = apl_field_bool(L, group, "verify", true);
	lua_pop(L, 1);
}

static void read_realtime(lua_State *L, int table, struct aps_settings *settings)
{
	struct aps_str word;
	int group = push_group(L, table, "realtime");
	struct aps_realtime_options *options = &settings->realtime;
	if (apl_field_str(L, group, "handshake", &word)) settings->query_handshake = aps_str_is(word, "query");
	if (apl_field_str(L, group, "protocol", &word) && aps_str_is(word, "graphql-transport-ws"))
		options->protocol = APS_REALTIME_TRANSPORT_WS;
	int64_t keep_alive_ms = apl_field_ms(L, group, "keep_alive", -1);
	options->is_keep_alive_fixed = keep_alive_ms >= 0;
	if (keep_alive_ms >= 0) options->keep_alive_ms = keep_alive_ms;
	options->idle_close_ms = apl_field_ms(L, group, "idle_close", options->idle_close_ms);
	size_t limit = apl_field_size(L, group, "max_subscriptions", settings->max_subscriptions);
	settings->max_subscriptions = limit >= 1 ? limit : 1;
	lua_pop(L, 1);
}

static void read_upgrade(lua_State *L, int table, struct aps_settings *settings)
{
	struct aps_err err;
	lua_getfield(L, table, "upgrade_headers");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	settings->upgrade = aps_upgrade_headers_new();
	if (settings->upgrade == NULL) luaL_error(L, "out of memory");
	if (apl_take_headers(L, &settings->upgrade->list, &err) != APS_OK) luaL_error(L, "%s", err.msg);
}

static void read_limits(lua_State *L, int table, struct aps_settings *settings)
{
	int group = push_group(L, table, "limits");
	double bytes = apl_field_number(L, group, "response_bytes", (double)settings->max_response_bytes);
	settings->max_response_bytes = bytes >= 1 && bytes < 1e15 ? (size_t)bytes : settings->max_response_bytes;
	bytes = apl_field_number(L, group, "message_bytes", (double)settings->max_message_bytes);
	settings->max_message_bytes = bytes >= 1 && bytes < 1e15 ? (size_t)bytes : settings->max_message_bytes;
	lua_pop(L, 1);
}

static struct aps_str check_name(lua_State *L, int index)
{
	struct aps_str name;
	name.p = luaL_checklstring(L, index, &name.n);
	return name;
}

/* A list of names at the top of the stack, copied to live with the policies. */
static const struct aps_str *read_names(lua_State *L, struct aps_policies *policies, size_t *n)
{
	struct aps_arena *arena = apl_push_arena(L);
	*n = lua_rawlen(L, -2);
	struct aps_str *names = aps_arena_get(arena, (*n + 1) * sizeof *names);
	const struct aps_str *copies = NULL;
	for (size_t i = 0; names != NULL && i < *n; i++) {
		lua_rawgeti(L, -2, (int)i + 1);
		names[i] = check_name(L, -1);
		lua_pop(L, 1); /* the list holds it */
	}
	if (names != NULL) copies = aps_policies_dup(policies, names, *n);
	lua_pop(L, 1);
	if (copies == NULL) luaL_error(L, "out of memory");
	return copies;
}

/* keys = {Post = {"blogId", "slug"}} */
static void read_keys(lua_State *L, int table, struct aps_policies *policies)
{
	int group = push_group(L, table, "keys");
	for (lua_pushnil(L); lua_next(L, group) != 0; lua_pop(L, 1)) {
		struct aps_type_policy *policy = aps_policies_type(policies, check_name(L, -2));
		if (policy == NULL) luaL_error(L, "out of memory");
		policy->key_fields = read_names(L, policies, &policy->n_key_fields);
		policy->has_no_identity = policy->n_key_fields == 0;
	}
	lua_pop(L, 1);
}

/* ttl = {Post = 60} */
static void read_ttl(lua_State *L, int table, struct aps_policies *policies)
{
	int group = push_group(L, table, "ttl");
	for (lua_pushnil(L); lua_next(L, group) != 0; lua_pop(L, 1)) {
		struct aps_str type = check_name(L, -2);
		struct aps_type_policy *policy = aps_policies_type(policies, type);
		if (policy == NULL) luaL_error(L, "out of memory");
		policy->ttl_ms = apl_field_ms(L, group, type.p, 0);
	}
	lua_pop(L, 1);
}

/* possible_types = {Node = {"Post", "Author"}} */
static void read_possible_types(lua_State *L, int table, struct aps_policies *policies)
{
	int group = push_group(L, table, "possible_types");
	for (lua_pushnil(L); lua_next(L, group) != 0; lua_pop(L, 1)) {
		size_t n;
		const struct aps_str *names = read_names(L, policies, &n);
		for (size_t i = 0; i < n; i++)
			if (!aps_policies_add_possible(policies, check_name(L, -2), names[i]))
				luaL_error(L, "out of memory");
	}
	lua_pop(L, 1);
}

/* The policy of the key at -2, "Type.field", which our Lua module has checked. */
static struct aps_field_policy *field_policy(lua_State *L, struct aps_policies *policies)
{
	struct aps_str key = check_name(L, -2);
	const char *dot = memchr(key.p, '.', key.n);
	if (dot == NULL) luaL_error(L, "'%s' isn't of the form Type.field", key.p);
	struct aps_field_policy *policy =
	        aps_policies_field(policies, (struct aps_str){key.p, (size_t)(dot - key.p)},
	                           (struct aps_str){dot + 1, key.n - (size_t)(dot + 1 - key.p)});
	if (policy == NULL) luaL_error(L, "out of memory");
	return policy;
}

/* key_args = {["Query.listPosts"] = {"blogId"}}, merge = {["Query.listPosts"] = "connection" or "function"},
 * lookups = {["Query.getPost"] = "Post"} */
static void read_field_policies(lua_State *L, int table, struct aps_policies *policies)
{
	int group = push_group(L, table, "key_args");
	for (lua_pushnil(L); lua_next(L, group) != 0; lua_pop(L, 1)) {
		struct aps_field_policy *policy = field_policy(L, policies);
		policy->has_key_args = true;
		policy->key_args.names = read_names(L, policies, &policy->key_args.n_names);
	}
	group = push_group(L, table, "merge");
	for (lua_pushnil(L); lua_next(L, group) != 0; lua_pop(L, 1)) {
		bool is_asked = aps_str_is(check_name(L, -1), "function");
		field_policy(L, policies)->merge = is_asked ? APS_MERGE_ASKED : APS_MERGE_CONNECTION;
		policies->asks_merges = policies->asks_merges || is_asked;
	}
	group = push_group(L, table, "lookups");
	for (lua_pushnil(L); lua_next(L, group) != 0; lua_pop(L, 1)) {
		struct aps_str type = check_name(L, -1);
		const struct aps_str *copy = aps_policies_dup(policies, &type, 1);
		if (copy == NULL) luaL_error(L, "out of memory");
		field_policy(L, policies)->lookup = *copy;
	}
	lua_pop(L, 3);
}

static void read_cache(lua_State *L, int table, struct aps_settings *settings)
{
	lua_getfield(L, table, "cache");
	if (lua_istable(L, -1)) {
		int group = lua_gettop(L);
		settings->cache = aps_cache_settings_new();
		if (settings->cache == NULL) luaL_error(L, "out of memory");
		apl_field_copy(L, group, "path", &settings->cache->path);
		apl_field_copy(L, group, "seed", &settings->cache->seed);
		settings->cache->is_in_memory = settings->cache->path == NULL;
		settings->cache->writes_nulls = apl_field_bool(L, group, "subscription_nulls", false);
		apl_field_copy(L, group, "key_prefix", &settings->cache->key_prefix);
		settings->cache->max_bytes = (int64_t)apl_field_size(L, group, "max_bytes", 0);
		settings->cache->policies.asks_all = apl_field_bool(L, group, "asks_identity", false);
		read_keys(L, group, &settings->cache->policies);
		read_ttl(L, group, &settings->cache->policies);
		read_possible_types(L, group, &settings->cache->policies);
		read_field_policies(L, group, &settings->cache->policies);
	}
	lua_pop(L, 1);
}

void apl_read_settings(lua_State *L, int table, struct aps_settings *settings)
{
	struct aps_str word;
	apl_field_copy(L, table, "endpoint", &settings->endpoint);
	apl_field_copy(L, table, "realtime_endpoint", &settings->realtime_endpoint);
	apl_field_copy(L, table, "signing_endpoint", &settings->signing_endpoint);
	apl_field_copy(L, table, "user_agent", &settings->user_agent);
	apl_field_copy(L, table, "proxy", &settings->net.proxy);
	if (settings->endpoint == NULL || settings->realtime_endpoint == NULL)
		luaL_error(L, "a client needs endpoint and realtime_endpoint");
	read_timeouts(L, table, settings);
	read_retry(L, table, settings);
	read_tls(L, table, settings);
	read_realtime(L, table, settings);
	read_upgrade(L, table, settings);
	read_limits(L, table, settings);
	read_cache(L, table, settings);
	if (apl_field_str(L, table, "big_integers", &word)) settings->big_integers_as_text = aps_str_is(word, "string");
}
