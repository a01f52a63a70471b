#include "binding/event_lua.h"

#include "binding/fields.h"
#include "binding/value.h"

static void set_str(lua_State *L, const char *name, struct aps_str text)
{
	lua_pushlstring(L, text.p, text.n);
	lua_setfield(L, -2, name);
}

void apl_push_err(lua_State *L, const struct aps_err *err)
{
	const char *word = aps_err_word(err);
	lua_createtable(L, 0, 10);
	set_str(L, "kind", aps_str_of(aps_rc_kind(err->code)));
	set_str(L, "message", aps_str_of(err->msg));
	if (word != NULL) set_str(L, "code", aps_str_of(word));
	lua_pushboolean(L, err->retryable);
	lua_setfield(L, -2, "retryable");
	lua_pushboolean(L, err->sent);
	lua_setfield(L, -2, "sent");
	if (word == NULL || strcmp(word, "upgrade_refused") != 0) return;
	lua_pushinteger(L, (lua_Integer)err->native); /* there the HTTP status */
	lua_setfield(L, -2, "status");
}

static void push_headers(lua_State *L, const struct aps_http_answer *answer)
{
	lua_createtable(L, 0, (int)answer->n_headers);
	for (size_t i = 0; i < answer->n_headers; i++) {
		const struct aps_http_header *header = &answer->headers[i];
		lua_pushlstring(L, header->name.p, header->name.n);
		lua_pushvalue(L, -1);
		lua_rawget(L, -3);
		if (lua_isnil(L, -1)) {
			lua_pop(L, 1);
			lua_pushlstring(L, header->value.p, header->value.n);
		} else { /* RFC 9110 5.3: fields of one name are one list */
			lua_pushliteral(L, ", ");
			lua_pushlstring(L, header->value.p, header->value.n);
			lua_concat(L, 3);
		}
		lua_rawset(L, -3);
	}
}

/* {status, headers, body} */
static void push_response(lua_State *L, const struct aps_http_answer *answer)
{
	lua_createtable(L, 0, 4);
	lua_pushinteger(L, (lua_Integer)answer->status);
	lua_setfield(L, -2, "status");
	push_headers(L, answer);
	lua_setfield(L, -2, "headers");
	set_str(L, "body", (struct aps_str){answer->body != NULL ? answer->body : "", answer->n_body});
}

/* A JSON span as a field of the table on top of the stack; an empty span is left out. */
static void set_json(lua_State *L, const char *name, struct aps_str json, enum apl_big_integers big)
{
	struct aps_err err;
	if (json.n == 0) return;
	if (apl_value_push(L, json, big, &err) == APS_OK) lua_setfield(L, -2, name);
}

static void push_response_err(lua_State *L, const struct aps_gqlhttp_response *response, enum apl_big_integers big)
{
	apl_push_err(L, &response->err);
	set_json(L, "errors", response->errors, big);
	if (response->error_type.n != 0) set_str(L, "error_type", response->error_type);
}

static void push_result_err(lua_State *L, const struct aps_result_event *event, enum apl_big_integers big)
{
	if (event->response.err.code == APS_OK) {
		lua_pushnil(L);
		return;
	}
	push_response_err(L, &event->response, big);
	if (event->answer.status == 0) return;
	lua_pushinteger(L, (lua_Integer)event->answer.status);
	lua_setfield(L, -2, "status");
	push_response(L, &event->answer);
	lua_setfield(L, -2, "response");
}

/* a, b, c: data, err, info */
static void push_result(lua_State *L, const struct aps_result_event *event)
{
	enum apl_big_integers big = event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED;
	struct aps_err err = {0};
	bool is_broken = false;
	lua_pushnil(L);
	if (event->response.data.n != 0) {
		lua_pop(L, 1);
		is_broken = apl_value_push(L, event->response.data, big, &err) != APS_OK;
		if (is_broken) lua_pushnil(L);
	}
	if (is_broken)
		apl_push_err(L, &err);
	else
		push_result_err(L, event, big);
	if (event->is_plain) {
		push_response(L, &event->answer);
	} else {
		lua_createtable(L, 0, 3);
		lua_pushinteger(L, (lua_Integer)event->answer.status);
		lua_setfield(L, -2, "status");
		set_json(L, "extensions", event->response.extensions, big);
	}
	lua_pushinteger(L, (lua_Integer)event->n_attempts);
	lua_setfield(L, -2, "attempts");
}

/* a, b, c: data, err, dropped. The payload is {"data":…} and, seldom, "errors". */
static void push_data(lua_State *L, const struct aps_data_event *event)
{
	enum apl_big_integers big = event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED;
	if (apl_value_push_sole_member(L, event->payload, "data", big)) { /* nearly all events */
		lua_pushnil(L);
		apl_push_id(L, event->n_dropped);
		return;
	}
	struct aps_err err = {0};
	if (apl_value_push(L, event->payload, big, &err) != APS_OK) {
		lua_pushnil(L);
		apl_push_err(L, &err);
		apl_push_id(L, event->n_dropped);
		return;
	}
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
	}
	lua_getfield(L, -1, "data");
	lua_getfield(L, -2, "errors");
	lua_remove(L, -3);
	if (lua_isnil(L, -1) && !lua_isnil(L, -2)) {
		apl_push_id(L, event->n_dropped);
		return;
	}
	lua_pop(L, 1);
	if (lua_islightuserdata(L, -1)) { /* "data": null */
		lua_pop(L, 1);
		lua_pushnil(L);
	}
	struct aps_gqlhttp_response response;
	struct aps_arena *decoded = apl_push_arena(L);
	aps_gqlhttp_parse_payload(event->payload, decoded, &response);
	if (response.err.code == APS_OK) /* "errors": null */
		lua_pushnil(L);
	else
		push_response_err(L, &response, big);
	lua_remove(L, -2);
	apl_push_id(L, event->n_dropped);
}

static void push_note(lua_State *L, const struct aps_note_event *event)
{
	switch (event->head.kind) {
	case APS_EVENT_SUB_END:
		if (event->has_err)
			apl_push_err(L, &event->err);
		else
			lua_pushnil(L);
		if (event->has_err && event->text != NULL)
			set_json(L, "errors", aps_str_of(event->text), APL_BIG_ROUNDED);
		lua_pushnil(L);
		apl_push_id(L, event->number);
		break;
	case APS_EVENT_AUTH:
		lua_pushstring(L, event->word);
		apl_push_id(L, event->number);
		lua_pushnil(L);
		break;
	case APS_EVENT_LOG:
		lua_pushstring(L, event->word);
		lua_pushstring(L, event->text != NULL ? event->text : "");
		lua_pushnil(L);
		break;
	default:
		if (event->word != NULL)
			lua_pushstring(L, event->word);
		else
			lua_pushnil(L);
		if (event->has_err)
			apl_push_err(L, &event->err);
		else
			lua_pushnil(L);
		lua_pushnil(L);
		break;
	}
}

void apl_event_store(lua_State *L, const struct aps_event *event, int at)
{
	int top = lua_gettop(L);
	luaL_checkstack(L, 16, "appsync events");
	if (event->kind == APS_EVENT_SUB_DATA)
		push_data(L, (const struct aps_data_event *)event);
	else if (event->kind == APS_EVENT_RESULT)
		push_result(L, (const struct aps_result_event *)event);
	else
		push_note(L, (const struct aps_note_event *)event);
	lua_rawseti(L, 2, at + 4);
	lua_rawseti(L, 2, at + 3);
	lua_rawseti(L, 2, at + 2);
	apl_push_id(L, event->target);
	lua_rawseti(L, 2, at + 1);
	lua_pushinteger(L, event->kind);
	lua_rawseti(L, 2, at);
	lua_settop(L, top);
}
