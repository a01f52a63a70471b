#include "binding/event_lua.h"

#include "binding/builder_lua.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/merges_lua.h"
#include "binding/objects_lua.h"
#include "binding/value.h"
#include "binding/value_build.h"
#include "binding/view_lua.h"

static void set_str(lua_State *L, const char *name, struct aps_str text)
{
	lua_pushlstring(L, text.p, text.n);
	lua_setfield(L, -2, name);
}

static void push_headers(lua_State *L, const struct aps_http_answer *answer)
{
	lua_createtable(L, 0, (int)answer->n_headers);
	for (size_t i = 0; i < answer->n_headers; i++) {
		const struct aps_header *header = &answer->headers[i];
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
	if (apl_value_push(L, json, big, APS_JSON_LENIENT, &err) == APS_OK) lua_setfield(L, -2, name);
}

/* What is large is made later, in steps. */
static void set_result_json(lua_State *L, const char *name, struct aps_result_event *event, struct aps_str json)
{
	if (json.n <= APL_LARGE_BYTES) {
		set_json(L, name, json, event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED);
		return;
	}
	apl_builder_push_of_result(L, event, json);
	lua_setfield(L, -2, name);
}

static void set_error_type(lua_State *L, const struct aps_gqlhttp_response *response)
{
	if (response->error_type.n != 0) set_str(L, "error_type", response->error_type);
}

static void push_result_err(lua_State *L, struct aps_result_event *event)
{
	if (event->response.err.code == APS_OK) {
		lua_pushnil(L);
		return;
	}
	apl_push_err(L, &event->response.err);
	set_result_json(L, "errors", event, event->response.errors);
	set_error_type(L, &event->response);
	if (event->answer.status == 0) return;
	lua_pushinteger(L, (lua_Integer)event->answer.status);
	lua_setfield(L, -2, "status");
	push_response(L, &event->answer);
	lua_setfield(L, -2, "response");
}

/* Pushes the value of the data, what makes it, its text where that is wanted, or nil. */
static enum aps_rc push_result_data(lua_State *L, struct aps_result_event *event, struct aps_err *err)
{
	struct aps_str json = event->response.data;
	enum apl_big_integers big = event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED;
	if (event->has_data_text && json.n != 0) {
		lua_pushlstring(L, json.p, json.n);
		return APS_OK;
	}
	if (json.n > APL_LARGE_BYTES) {
		apl_builder_push_of_result(L, event, json);
		return APS_OK;
	}
	enum aps_rc rc = json.n != 0 ? apl_value_push(L, json, big, APS_JSON_LENIENT, err) : APS_OK;
	if (json.n == 0 || rc != APS_OK) lua_pushnil(L);
	return rc;
}

static void set_true(lua_State *L, const char *name, bool is_true)
{
	if (!is_true) return;
	lua_pushboolean(L, 1);
	lua_setfield(L, -2, name);
}

/* Of what went through an outbox. */
static void set_queued(lua_State *L, const struct aps_queued_result *queued)
{
	set_str(L, "id", aps_str_of(queued->id));
	apl_push_id(L, queued->entry);
	lua_setfield(L, -2, "entry");
	set_true(L, "queued", queued->is_queued);
	if (queued->n_entries != 0) {
		lua_pushinteger(L, (lua_Integer)queued->n_entries);
		lua_setfield(L, -2, "size");
	}
	set_true(L, "has_layer", queued->has_layer);
	if (queued->outcome != 0) {
		apl_push_id(L, queued->outcome);
		lua_setfield(L, -2, "outcome");
	}
	if (queued->dead != NULL) set_str(L, "dead", aps_str_of(queued->dead));
	if (queued->blocked_by[0] != '\0') set_str(L, "blocked_by", aps_str_of(queued->blocked_by));
}

/* a, b, c: data, err, info */
static void push_result(lua_State *L, struct aps_result_event *event)
{
	struct aps_err err = {0};
	if (push_result_data(L, event, &err) != APS_OK)
		apl_push_err(L, &err);
	else
		push_result_err(L, event);
	lua_createtable(L, 0, 8);
	set_str(L, "source", aps_str_of(aps_result_source_name(event->source)));
	lua_pushinteger(L, (lua_Integer)event->answer.status);
	lua_setfield(L, -2, "status");
	set_result_json(L, "extensions", event, event->response.extensions);
	lua_pushinteger(L, (lua_Integer)event->n_attempts);
	lua_setfield(L, -2, "attempts");
	if (event->queued.entry != 0) set_queued(L, &event->queued);
}

/* The error of a payload, or nil; is_large: of one whose errors are made later. */
static void push_payload_err(lua_State *L, const struct aps_data_event *event,
                             const struct aps_gqlhttp_response *response, bool is_large)
{
	if (response->err.code == APS_OK) { /* "errors": null */
		lua_pushnil(L);
		return;
	}
	apl_push_err(L, &response->err);
	if (is_large && response->errors.n != 0) {
		apl_builder_push_of_data(L, event, response->errors);
		lua_setfield(L, -2, "errors");
	} else {
		set_json(L, "errors", response->errors, event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED);
	}
	set_error_type(L, response);
}

/* a, b: data, err. What makes the data stands in its place. */
static void push_large_payload(lua_State *L, const struct aps_data_event *event)
{
	struct aps_gqlhttp_response response;
	struct aps_arena *decoded = apl_push_arena(L);
	aps_gqlhttp_parse_payload(event->payload, decoded, &response);
	if (response.data.n != 0)
		apl_builder_push_of_data(L, event, response.data);
	else
		lua_pushnil(L);
	push_payload_err(L, event, &response, true);
	lua_remove(L, -3);
}

/* a, b: data, err. The payload is {"data":…} and, seldom, "errors". */
static void push_payload(lua_State *L, const struct aps_data_event *event)
{
	enum apl_big_integers big = event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED;
	if (apl_value_push_sole_member(L, event->payload, "data", big)) { /* nearly all events */
		lua_pushnil(L);
		return;
	}
	struct aps_err err = {0};
	if (apl_value_push(L, event->payload, big, APS_JSON_LENIENT, &err) != APS_OK) {
		lua_pushnil(L);
		apl_push_err(L, &err);
		return;
	}
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
	}
	lua_getfield(L, -1, "data");
	lua_getfield(L, -2, "errors");
	lua_remove(L, -3);
	if (lua_isnil(L, -1) && !lua_isnil(L, -2)) return;
	lua_pop(L, 1);
	if (lua_islightuserdata(L, -1)) { /* "data": null */
		lua_pop(L, 1);
		lua_pushnil(L);
	}
	struct aps_gqlhttp_response response;
	struct aps_arena *decoded = apl_push_arena(L);
	aps_gqlhttp_parse_payload(event->payload, decoded, &response);
	push_payload_err(L, event, &response, false);
	lua_remove(L, -2);
}

/* a, b, c: data, err, dropped */
static void push_data(lua_State *L, const struct aps_data_event *event)
{
	if (event->payload.n > APL_LARGE_BYTES)
		push_large_payload(L, event);
	else
		push_payload(L, event);
	apl_push_id(L, event->n_dropped);
}

static void push_mark(lua_State *L, const struct aps_view_event *event)
{
	if (event->is_asked)
		lua_pushliteral(L, "asked");
	else if (event->is_doubtful)
		lua_pushliteral(L, "doubtful");
	else
		lua_pushnil(L);
}

/* a, b, c: view, err, mark */
static void push_view(lua_State *L, const struct aps_view_event *event)
{
	if (event->view != NULL)
		apl_view_push(L, event->view, event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED);
	else
		lua_pushnil(L);
	if (event->err.code != APS_OK)
		apl_push_err(L, &event->err);
	else
		lua_pushnil(L);
	push_mark(L, event);
}

static void push_note_err(lua_State *L, const struct aps_note_event *event, bool is_whole)
{
	if (!event->has_err) {
		lua_pushnil(L);
		return;
	}
	apl_push_err(L, &event->err);
	if (is_whole && event->errors != NULL) set_json(L, "errors", aps_str_of(event->errors), APL_BIG_ROUNDED);
}

static void push_member(lua_State *L, const struct aps_note_event *event, enum aps_event_value value, bool is_whole)
{
	switch (value) {
	case APS_VALUE_WORD: lua_pushstring(L, event->word); break; /* NULL: nil */
	case APS_VALUE_TEXT: lua_pushstring(L, event->text != NULL ? event->text : ""); break;
	case APS_VALUE_NUMBER: apl_push_id(L, event->number); break;
	case APS_VALUE_ERR: push_note_err(L, event, is_whole); break;
	case APS_VALUE_NONE:
	case APS_VALUE_DATA:
	case APS_VALUE_INFO:
	case APS_VALUE_VIEW:
	case APS_VALUE_MARK:
	case APS_VALUE_QUESTION: lua_pushnil(L); break;
	}
}

static void push_note(lua_State *L, const struct aps_note_event *event, bool is_whole)
{
	const struct aps_event_form *form = aps_event_form(event->head.kind);
	for (size_t i = 0; i < APS_COUNTOF(form->values); i++) push_member(L, event, form->values[i], is_whole);
}

/* a, b, c: question, number, word */
static void push_question(lua_State *L, struct aps_question_event *event)
{
	bool is_merge = event->data == NULL;
	if (is_merge)
		apl_merges_push_question(L, event);
	else
		apl_objects_push_question(L, event);
	apl_push_id(L, event->number);
	lua_pushstring(L, is_merge ? "merge" : "identity");
}

static void push_values(lua_State *L, struct aps_event *event)
{
	switch (aps_event_form(event->kind)->shape) {
	case APS_SHAPE_PAYLOAD: push_data(L, (const struct aps_data_event *)event); break;
	case APS_SHAPE_RESULT: push_result(L, (struct aps_result_event *)event); break;
	case APS_SHAPE_VIEW: push_view(L, (const struct aps_view_event *)event); break;
	case APS_SHAPE_QUESTION: push_question(L, (struct aps_question_event *)event); break;
	case APS_SHAPE_NOTE: push_note(L, (const struct aps_note_event *)event, true); break;
	}
}

static void push_lost_values(lua_State *L, struct aps_event *event)
{
	if (aps_event_form(event->kind)->shape == APS_SHAPE_NOTE) {
		push_note(L, (const struct aps_note_event *)event, false);
		return;
	}
	if (event->kind == APS_EVENT_ASK) {
		lua_pushnil(L);
		apl_push_id(L, ((const struct aps_question_event *)event)->number);
		lua_pushnil(L);
		return;
	}
	struct aps_err err;
	aps_fail(&err, APS_E_NOMEM, "Lua could not hold the data: it may be out of memory");
	lua_pushnil(L);
	apl_push_err(L, &err);
	if (event->kind == APS_EVENT_SUB_DATA)
		apl_push_id(L, ((const struct aps_data_event *)event)->n_dropped);
	else if (event->kind == APS_EVENT_VIEW)
		push_mark(L, (const struct aps_view_event *)event);
	else
		lua_pushnil(L);
}

static void store(lua_State *L, struct aps_event *event, int at, void (*push)(lua_State *L, struct aps_event *event))
{
	int top = lua_gettop(L);
	luaL_checkstack(L, 16, "appsync events");
	push(L, event);
	lua_rawseti(L, 2, at + 4);
	lua_rawseti(L, 2, at + 3);
	lua_rawseti(L, 2, at + 2);
	apl_push_id(L, event->target);
	lua_rawseti(L, 2, at + 1);
	lua_pushinteger(L, event->kind);
	lua_rawseti(L, 2, at);
	lua_settop(L, top);
}

void apl_event_store(lua_State *L, struct aps_event *event, int at)
{
	store(L, event, at, push_values);
}

void apl_event_store_lost(lua_State *L, struct aps_event *event, int at)
{
	store(L, event, at, push_lost_values);
}

static size_t made_now(struct aps_str json)
{
	return json.n <= APL_LARGE_BYTES ? json.n : 0;
}

size_t apl_event_text_bytes(const struct aps_event *event)
{
	switch (aps_event_form(event->kind)->shape) {
	case APS_SHAPE_PAYLOAD: return made_now(((const struct aps_data_event *)event)->payload);
	case APS_SHAPE_RESULT: {
		const struct aps_gqlhttp_response *response = &((const struct aps_result_event *)event)->response;
		return made_now(response->data) + made_now(response->errors) + made_now(response->extensions);
	}
	case APS_SHAPE_VIEW:
	case APS_SHAPE_QUESTION:
	case APS_SHAPE_NOTE: return 0;
	}
	return 0;
}

static const char *value_name(enum aps_event_value value)
{
	static const char *const NAMES[] = {
#define NAME(name) [APS_VALUE_##name] = #name,
	        APS_EVENT_VALUE_MAP(NAME)
#undef NAME
	};
	return NAMES[value];
}

static void push_form(lua_State *L, const struct aps_event_form *form)
{
	lua_createtable(L, (int)APS_COUNTOF(form->values), 1);
	set_str(L, "target", aps_str_of(form->target));
	for (size_t i = 0; i < APS_COUNTOF(form->values); i++) {
		lua_pushstring(L, value_name(form->values[i]));
		lua_rawseti(L, -2, (int)i + 1);
	}
}

void apl_event_register(lua_State *L)
{
	lua_newtable(L);
	lua_newtable(L);
	for (int kind = APS_EVENT_NONE + 1; kind < APS_EVENT_COUNT; kind++) {
		const struct aps_event_form *form = aps_event_form((enum aps_event_kind)kind);
		lua_pushinteger(L, kind);
		lua_setfield(L, -3, form->name);
		push_form(L, form);
		lua_setfield(L, -2, form->name);
	}
	lua_setfield(L, -3, "event_forms");
	lua_setfield(L, -2, "event");
}
