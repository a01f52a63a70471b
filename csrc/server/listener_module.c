/* The Lua module `appsync.server.native`. Errors of the world are `nil, message`; misuse throws. */
#include "base/mem.h"
#include "binding/compat.h"
#include "server/files_lua.h"
#include "server/jwt_verify.h"
#include "server/listener.h"
#include "server/listener_children.h"
#include "server/peer.h"
#include "server/reserve.h"
#include "server/sqlite_lua.h"
#include "server/time_limit_lua.h"

#include <event2/keyvalq_struct.h>
#include <signal.h>
#include <string.h>

#define LISTENER_METATABLE "appsync.server.native"
/* Of a command. */
#define MAX_WORDS 1000

struct listener_box {
	struct aps_listener *listener; /* NULL: closed */
};

APS_EXPORT int luaopen_appsync_server_native(lua_State *L);

static struct aps_listener *check_listener(lua_State *L)
{
	struct listener_box *box = luaL_checkudata(L, 1, LISTENER_METATABLE);
	if (box->listener == NULL) luaL_error(L, "the listener is closed");
	return box->listener;
}

static struct aps_str check_text(lua_State *L, int index)
{
	struct aps_str text = {NULL, 0};
	text.p = luaL_checklstring(L, index, &text.n);
	return text;
}

static struct aps_peer *check_peer(lua_State *L)
{
	struct aps_listener *listener = check_listener(L);
	lua_Number id = luaL_checknumber(L, 2);
	return id >= 0 && id < 9007199254740992.0 ? aps_listener_peer(listener, (uint64_t)id) : NULL;
}

static int push_result(lua_State *L, enum aps_rc rc, const struct aps_err *err)
{
	if (rc == APS_OK) {
		lua_pushboolean(L, 1);
		return 1;
	}
	lua_pushnil(L);
	lua_pushstring(L, err->msg);
	return 2;
}

static void set_text(lua_State *L, const char *name, struct aps_str text)
{
	lua_pushlstring(L, text.p, text.n);
	lua_setfield(L, -2, name);
}

/* Names in lower case; a repeated header is one value, joined by commas (RFC 9110 §5.2). */
static void push_headers(lua_State *L, const struct evkeyvalq *headers)
{
	const struct evkeyval *header;
	int n_headers = 0;
	for (header = headers->tqh_first; header != NULL; header = header->next.tqe_next) n_headers++;
	lua_createtable(L, 0, n_headers);
	for (header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
		char name[128];
		size_t n = strlen(header->key);
		if (n >= sizeof(name)) continue;
		for (size_t i = 0; i <= n; i++) {
			char c = header->key[i];
			name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
		}
		lua_pushlstring(L, name, n);
		lua_pushvalue(L, -1);
		lua_rawget(L, -3);
		if (lua_isnil(L, -1)) {
			lua_pop(L, 1);
			lua_pushstring(L, header->value);
		} else {
			lua_pushliteral(L, ", ");
			lua_pushstring(L, header->value);
			lua_concat(L, 3);
		}
		lua_rawset(L, -3);
	}
}

static void push_event(lua_State *L, const struct aps_listener_event *event)
{
	static const char *const kinds[] = {"request", "upgrade", "message", "close", "signal", "output", "exit"};
	bool is_http = event->kind == APS_LISTENER_REQUEST || event->kind == APS_LISTENER_UPGRADE;
	lua_createtable(L, 0, is_http ? 12 : 4); /* with room for what Lua adds to a request */
	set_text(L, "type", aps_str_of(kinds[event->kind]));
	if (event->id != 0) {
		lua_pushnumber(L, (lua_Number)event->id);
		lua_setfield(L, -2, "id");
	}
	switch (event->kind) {
	case APS_LISTENER_REQUEST:
	case APS_LISTENER_UPGRADE:
		set_text(L, "method", aps_str_of(event->method));
		set_text(L, "path", event->path);
		if (event->query.p != NULL) set_text(L, "query", event->query);
		push_headers(L, event->headers);
		lua_setfield(L, -2, "headers");
		set_text(L, "body", event->body);
		set_text(L, "peer", aps_str_of(event->peer_address));
		lua_pushinteger(L, (lua_Integer)event->connection);
		lua_setfield(L, -2, "connection");
		if (event->is_control) {
			lua_pushboolean(L, 1);
			lua_setfield(L, -2, "is_control");
		}
		break;
	case APS_LISTENER_MESSAGE:
	case APS_LISTENER_OUTPUT: set_text(L, "text", event->text); break;
	case APS_LISTENER_EXIT:                                      /* fall through */
	case APS_LISTENER_CLOSE: set_text(L, "reason", event->text); /* fall through */
	case APS_LISTENER_SIGNAL:
		lua_pushinteger(L, event->code);
		lua_setfield(L, -2, "code");
		break;
	}
}

/* listener:poll(timeout_s) → list of events */
static int Apl_listener_poll(lua_State *L)
{
	struct aps_listener *listener = check_listener(L);
	double timeout_s = luaL_optnumber(L, 2, -1);
	aps_listener_wait(listener, timeout_s);
	lua_createtable(L, 8, 0);
	struct aps_listener_event event;
	for (int i = 1; aps_listener_event_peek(listener, &event); i++) {
		push_event(L, &event); /* may throw: the event stays queued then */
		lua_rawseti(L, -2, i);
		aps_listener_event_done(listener);
	}
	return 1;
}

static void add_headers(lua_State *L, int index, struct aps_peer *peer)
{
	if (lua_isnoneornil(L, index)) return;
	luaL_checktype(L, index, LUA_TTABLE);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(peer->request);
	lua_pushnil(L);
	while (lua_next(L, index) != 0) {
		if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
			luaL_argerror(L, index, "header names and values must be strings");
		if (strlen(lua_tostring(L, -2)) != lua_rawlen(L, -2) ||
		    strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
			luaL_argerror(L, index, "a header has a zero byte");
		if (evhttp_add_header(headers, lua_tostring(L, -2), lua_tostring(L, -1)) != 0)
			luaL_argerror(L, index, "a header has a line break");
		lua_pop(L, 1);
	}
}

/* listener:respond(id, status, headers, body) → true; false when the client is gone. Also refuses an upgrade. */
static int Apl_listener_respond(lua_State *L)
{
	struct aps_peer *peer = check_peer(L);
	lua_Integer status = luaL_checkinteger(L, 3);
	if (status < 200 || status > 599) luaL_argerror(L, 3, "a final status between 200 and 599 expected");
	struct aps_str body = {NULL, 0};
	if (!lua_isnoneornil(L, 5)) body = check_text(L, 5);
	if (peer == NULL || peer->request == NULL) {
		lua_pushboolean(L, 0);
		return 1;
	}
	add_headers(L, 4, peer);
	struct aps_err err;
	enum aps_rc rc = aps_peer_respond(peer, (int)status, body, &err);
	if (rc == APS_E_NOMEM) aps_peer_reset(peer); /* nobody answers it again */
	return push_result(L, rc, &err);
}

/* listener:accept(id, protocol) → true; false when the client is gone */
static int Apl_listener_accept(lua_State *L)
{
	struct aps_peer *peer = check_peer(L);
	const char *protocol = lua_isnoneornil(L, 3) ? NULL : apl_check_cstring(L, 3);
	if (peer == NULL) {
		lua_pushboolean(L, 0);
		return 1;
	}
	struct aps_err err;
	enum aps_rc rc = aps_peer_accept(peer, protocol, &err);
	if (rc == APS_E_NOMEM) aps_peer_reset(peer);
	return push_result(L, rc, &err);
}

/* listener:send(id, text) → whether the socket took it */
static int Apl_listener_send(lua_State *L)
{
	struct aps_peer *peer = check_peer(L);
	struct aps_str text = check_text(L, 3);
	lua_pushboolean(L, peer != NULL && aps_peer_send(peer, text));
	return 1;
}

/* listener:close(id, code, reason) */
static int Apl_listener_close(lua_State *L)
{
	struct aps_peer *peer = check_peer(L);
	lua_Integer code = luaL_optinteger(L, 3, 1000);
	struct aps_str reason = {"", 0};
	if (!lua_isnoneornil(L, 4)) reason = check_text(L, 4);
	if (code < 1000 || code > 4999) luaL_argerror(L, 3, "a close code between 1000 and 4999 expected");
	if (peer != NULL) aps_peer_close(peer, (int)code, reason);
	return 0;
}

/* listener:reset(id, after_sent): the connection ends by RST, at once, or of a WebSocket when what was sent to it has
 * arrived; a WebSocket's close event follows */
static int Apl_listener_reset(lua_State *L)
{
	struct aps_peer *peer = check_peer(L);
	lua_pushboolean(L, peer != NULL);
	if (peer != NULL && lua_toboolean(L, 3)) {
		aps_peer_reset_flushed(peer);
	} else if (peer != NULL) {
		aps_peer_reset(peer);
	}
	return 1;
}

/* listener:hold(id): the request stays without an answer, until the client ends the connection */
static int Apl_listener_hold(lua_State *L)
{
	struct aps_peer *peer = check_peer(L);
	lua_pushboolean(L, peer != NULL);
	if (peer != NULL) aps_peer_hold(peer);
	return 1;
}

/* listener:cut_all() → how many connections were cut that are no WebSockets and not the control port's */
static int Apl_listener_cut_all(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)aps_listener_cut_all(check_listener(L)));
	return 1;
}

/* listener:mute(id): the WebSocket stays open and dead */
static int Apl_listener_mute(lua_State *L)
{
	struct aps_peer *peer = check_peer(L);
	lua_pushboolean(L, peer != NULL);
	if (peer != NULL) aps_peer_mute(peer);
	return 1;
}

/* listener:slow(id, bytes_per_s): how fast the answer is written → whether it could be limited */
static int Apl_listener_slow(lua_State *L)
{
	struct aps_listener *listener = check_listener(L);
	lua_Number id = luaL_checknumber(L, 2);
	lua_Number rate = luaL_checknumber(L, 3);
	if (!(rate >= 0 && rate <= 2147483647.0)) luaL_argerror(L, 3, "between 0 and 2147483647 expected");
	bool is_id = id >= 0 && id < 9007199254740992.0;
	lua_pushboolean(L, is_id && aps_listener_slow(listener, (uint64_t)id, (size_t)rate));
	return 1;
}

/* listener:respond_partial(id, {status=, headers=, body=, n_bytes=, by_reset=}): the head of the whole answer, the
 * first n_bytes of its body, and the end of the connection → true; false when the client is gone */
static int Apl_listener_respond_partial(lua_State *L)
{
	struct aps_peer *peer = check_peer(L);
	luaL_checktype(L, 3, LUA_TTABLE);
	lua_settop(L, 3);
	lua_getfield(L, 3, "status");
	lua_getfield(L, 3, "headers"); /* one text of lines: the caller has made them */
	lua_getfield(L, 3, "body");
	lua_getfield(L, 3, "n_bytes");
	lua_getfield(L, 3, "by_reset");
	lua_Number n_bytes = luaL_checknumber(L, 7);
	struct aps_partial answer = {
	        .status = (int)luaL_checkinteger(L, 4),
	        .headers = check_text(L, 5),
	        .body = check_text(L, 6),
	        .n_bytes = n_bytes > 0 && n_bytes < 2147483647.0 ? (size_t)n_bytes : 0,
	        .by_reset = lua_toboolean(L, 8),
	};
	if (peer == NULL || peer->request == NULL) {
		lua_pushboolean(L, 0);
		return 1;
	}
	struct aps_err err;
	enum aps_rc rc = aps_peer_respond_partial(peer, &answer, &err);
	return push_result(L, rc, &err);
}

/* The words of a command; they stay in their table. */
static const char **check_words(lua_State *L, int index)
{
	luaL_checktype(L, index, LUA_TTABLE);
	size_t n = lua_rawlen(L, index);
	if (n == 0 || n > MAX_WORDS) luaL_argerror(L, index, "a list of a program and its arguments expected");
	const char **words = lua_newuserdata(L, (n + 1) * sizeof(*words));
	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, index, (int)i + 1);
		if (lua_type(L, -1) != LUA_TSTRING || strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
			luaL_argerror(L, index, "words must be strings without zero bytes");
		words[i] = lua_tostring(L, -1);
		lua_pop(L, 1);
	}
	words[n] = NULL;
	return words;
}

/* listener:spawn(words, by_lines, max_output) → id; nil, message */
static int Apl_listener_spawn(lua_State *L)
{
	struct aps_listener *listener = check_listener(L);
	lua_Number max_output = luaL_checknumber(L, 4);
	if (!(max_output >= 1 && max_output <= 2147483647.0)) luaL_argerror(L, 4, "between 1 and 2147483647 expected");
	struct aps_child_options options = {.by_lines = lua_toboolean(L, 3), .max_output_bytes = (size_t)max_output};
	options.argv = (char *const *)check_words(L, 2);
	struct aps_child_set *children = NULL;
	struct aps_err err;
	uint64_t id = 0;
	enum aps_rc rc = aps_listener_children(listener, &children, &err);
	if (rc == APS_OK) rc = aps_child_spawn(children, &options, &id, &err);
	if (rc != APS_OK) return push_result(L, rc, &err);
	lua_pushnumber(L, (lua_Number)id);
	return 1;
}

/* The id of a child process, and the set that it may be in. */
static uint64_t check_child(lua_State *L, struct aps_child_set **children)
{
	struct aps_listener *listener = check_listener(L);
	lua_Number id = luaL_checknumber(L, 2);
	*children = listener->children;
	return *children != NULL && id >= 0 && id < 9007199254740992.0 ? (uint64_t)id : 0;
}

/* listener:feed(id, text, is_last) → false when the process is gone, or its input has ended */
static int Apl_listener_feed(lua_State *L)
{
	struct aps_child_set *children = NULL;
	uint64_t id = check_child(L, &children);
	struct aps_str text = check_text(L, 3);
	lua_pushboolean(L, id != 0 && aps_child_write(children, id, text, lua_toboolean(L, 4)));
	return 1;
}

/* listener:kill(id) → false when the process is gone */
static int Apl_listener_kill(lua_State *L)
{
	struct aps_child_set *children = NULL;
	uint64_t id = check_child(L, &children);
	lua_pushboolean(L, id != 0 && aps_child_kill(children, id));
	return 1;
}

static int Apl_listener_control_port(lua_State *L)
{
	int port = aps_listener_control_port(check_listener(L));
	if (port == 0) return 0;
	lua_pushinteger(L, port);
	return 1;
}

/* listener:is_full() → whether so much waits for slow readers that requests should be refused */
static int Apl_listener_is_full(lua_State *L)
{
	lua_pushboolean(L, aps_listener_is_full(check_listener(L)));
	return 1;
}

static int Apl_listener_port(lua_State *L)
{
	lua_pushinteger(L, aps_listener_port(check_listener(L)));
	return 1;
}

static int Apl_listener_signal(lua_State *L)
{
	struct aps_err err;
	enum aps_rc rc = aps_listener_catch_signals(check_listener(L), &err);
	return push_result(L, rc, &err);
}

static int Apl_listener_stats(lua_State *L)
{
	struct aps_listener_stats stats = aps_listener_stats(check_listener(L));
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
	        {"requests", stats.requests},         {"upgrades", stats.upgrades},
	        {"messages_in", stats.messages_in},   {"messages_out", stats.messages_out},
	        {"overflows", stats.overflows},       {"open_requests", stats.open_requests},
	        {"open_sockets", stats.open_sockets}, {"timeouts", stats.timeouts},
	        {"refused", stats.refused},           {"pending", stats.pending},
	        {"connections", stats.connections},   {"looked_at", stats.looked_at},
	        {"slow_readers", stats.slow_readers}, {"incoming", stats.incoming},
	        {"crowded", stats.crowded},
	};
	lua_createtable(L, 0, APS_COUNTOF(rows));
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		lua_pushinteger(L, (lua_Integer)rows[i].value);
		lua_setfield(L, -2, rows[i].name);
	}
	return 1;
}

/* listener:shutdown(timeout_s) says goodbye and closes; twice is legal */
static int Apl_listener_shutdown(lua_State *L)
{
	struct listener_box *box = luaL_checkudata(L, 1, LISTENER_METATABLE);
	double timeout_s = luaL_optnumber(L, 2, 0.5);
	if (box->listener == NULL) return 0;
	aps_listener_shutdown(box->listener, timeout_s > 0 ? timeout_s : 0.001);
	aps_listener_free(box->listener);
	box->listener = NULL;
	return 0;
}

static int Apl_listener_gc(lua_State *L)
{
	struct listener_box *box = luaL_checkudata(L, 1, LISTENER_METATABLE);
	aps_listener_free(box->listener);
	box->listener = NULL;
	return 0;
}

static size_t read_bytes(lua_State *L, const char *name, size_t fallback)
{
	lua_getfield(L, 1, name);
	lua_Number value = lua_isnil(L, -1) ? (lua_Number)fallback : lua_tonumber(L, -1);
	if (!(value >= 1 && value <= 2147483647.0)) luaL_error(L, "%s must be between 1 and 2147483647", name);
	lua_pop(L, 1);
	return (size_t)value;
}

static double read_seconds(lua_State *L, const char *name, double fallback)
{
	lua_getfield(L, 1, name);
	double value = lua_isnil(L, -1) ? fallback : lua_tonumber(L, -1);
	if (!(value > 0 && value <= 2147483647.0)) luaL_error(L, "%s must be above 0", name);
	lua_pop(L, 1);
	return value;
}

/* The string stays in the options table, which the caller holds. */
static const char *read_text(lua_State *L, int index, const char *name)
{
	lua_getfield(L, index, name);
	if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "%s must be a string", name);
	size_t n = 0;
	const char *text = lua_tolstring(L, -1, &n);
	if (text != NULL && strlen(text) != n) luaL_error(L, "%s must be a string without zero bytes", name);
	lua_pop(L, 1);
	return text;
}

static void read_options(lua_State *L, struct aps_listener_options *options)
{
	aps_listener_options_init(options);
	const char *host = read_text(L, 1, "host");
	if (host != NULL) options->host = host;
	lua_getfield(L, 1, "port");
	lua_Number port = lua_isnil(L, -1) ? 0 : lua_tonumber(L, -1);
	if (!(port >= 0 && port <= 65535)) luaL_error(L, "port must be between 0 and 65535");
	options->port = (int)port;
	lua_pop(L, 1);
	lua_getfield(L, 1, "tls");
	if (!lua_isnil(L, -1)) {
		if (!lua_istable(L, -1)) luaL_error(L, "tls must be a table {cert=, key=}");
		options->cert_file = read_text(L, lua_gettop(L), "cert");
		options->key_file = read_text(L, lua_gettop(L), "key");
		if (options->cert_file == NULL || options->key_file == NULL) luaL_error(L, "tls needs cert and key");
	}
	lua_pop(L, 1);
	options->max_body_bytes = read_bytes(L, "max_body", options->max_body_bytes);
	options->max_headers_bytes = read_bytes(L, "max_headers", options->max_headers_bytes);
	options->max_message_bytes = read_bytes(L, "max_message", options->max_message_bytes);
	options->max_pending_bytes = read_bytes(L, "max_pending", options->max_pending_bytes);
	options->max_pending_total = read_bytes(L, "max_pending_total", options->max_pending_total);
	options->max_incoming_total = read_bytes(L, "max_incoming_total", options->max_incoming_total);
	options->idle_timeout_s = (int)read_bytes(L, "idle_timeout", (size_t)options->idle_timeout_s);
	options->max_connections = read_bytes(L, "max_connections", options->max_connections);
	options->request_timeout_s = read_seconds(L, "request_timeout", options->request_timeout_s);
	options->write_timeout_s = read_seconds(L, "write_timeout", options->write_timeout_s);
	lua_getfield(L, 1, "control_port");
	lua_Number control_port = lua_isnil(L, -1) ? -1 : lua_tonumber(L, -1);
	if (!(control_port >= -1 && control_port <= 65535)) luaL_error(L, "control_port must be between 0 and 65535");
	options->control_port = (int)control_port;
	lua_pop(L, 1);
}

/* open{host=, port=, tls={cert=,key=}, max_body=, max_headers=, max_message=, max_pending=, max_pending_total=,
 * max_incoming_total=, idle_timeout=, write_timeout=, request_timeout=, max_connections=, control_port=} */
static int Apl_listener_open(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	struct aps_listener_options options;
	read_options(L, &options);
	struct listener_box *box = apl_newuserdata(L, sizeof(*box));
	box->listener = NULL;
	luaL_getmetatable(L, LISTENER_METATABLE);
	lua_setmetatable(L, -2);
	struct aps_err err;
	if (aps_listener_new(&options, &box->listener, &err) != APS_OK) {
		lua_pushnil(L);
		lua_pushstring(L, err.msg);
		return 2;
	}
	return 1;
}

/* rs256_verify(pem, data, signature) → boolean; nil, message when the key can't be used */
static int Apl_listener_rs256_verify(lua_State *L)
{
	bool is_valid = false;
	struct aps_err err;
	enum aps_rc rc = aps_jwt_verify_rs256(check_text(L, 1), check_text(L, 2), check_text(L, 3), &is_valid, &err);
	if (rc != APS_OK) return push_result(L, rc, &err);
	lua_pushboolean(L, is_valid);
	return 1;
}

static const luaL_Reg methods[] = {
        {"accept", Apl_listener_accept},
        {"close", Apl_listener_close},
        {"control_port", Apl_listener_control_port},
        {"cut_all", Apl_listener_cut_all},
        {"feed", Apl_listener_feed},
        {"hold", Apl_listener_hold},
        {"is_full", Apl_listener_is_full},
        {"kill", Apl_listener_kill},
        {"mute", Apl_listener_mute},
        {"poll", Apl_listener_poll},
        {"port", Apl_listener_port},
        {"reject", Apl_listener_respond},
        {"reset", Apl_listener_reset},
        {"respond", Apl_listener_respond},
        {"respond_partial", Apl_listener_respond_partial},
        {"send", Apl_listener_send},
        {"shutdown", Apl_listener_shutdown},
        {"signal", Apl_listener_signal},
        {"slow", Apl_listener_slow},
        {"spawn", Apl_listener_spawn},
        {"stats", Apl_listener_stats},
        {NULL, NULL},
};

/* guard_process(): for the program that owns its process. Memory: see reserve.h. A file that may not grow any more, as
 * the system's limit of their size has it, is an error like a full disk, not the end of the process. */
static int Apl_listener_guard_process(lua_State *L)
{
	struct sigaction action;
	if (sigaction(SIGXFSZ, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
		action.sa_handler = SIG_IGN;
		sigaction(SIGXFSZ, &action, NULL);
	}
	lua_pushboolean(L, aps_reserve_install());
	return 1;
}

static const luaL_Reg functions[] = {
        {"guard_process", Apl_listener_guard_process},
        {"open", Apl_listener_open},
        {"rs256_verify", Apl_listener_rs256_verify},
        {NULL, NULL},
};

int luaopen_appsync_server_native(lua_State *L)
{
	luaL_newmetatable(L, LISTENER_METATABLE);
	lua_pushcfunction(L, Apl_listener_gc);
	lua_setfield(L, -2, "__gc");
	luaL_newlib(L, methods);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
	luaL_newlib(L, functions);
	apl_sqlite_register(L);
	apl_files_register(L);
	apl_time_limit_register(L);
	return 1;
}
