#include "binding/sync_settings_lua.h"

#include "binding/fields.h"
#include "binding/operation_lua.h"

/* The part's table stands at index 2 meanwhile. */
static enum aps_rc read_part(lua_State *L, const char *name, bool adds_typenames, struct aps_sync_part *part,
                             size_t *n_bytes, struct aps_err *err)
{
	lua_getfield(L, 2, name);
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		return APS_OK;
	}
	lua_pushvalue(L, 2);
	int whole = lua_gettop(L);
	lua_pushvalue(L, whole - 1);
	lua_replace(L, 2);
	lua_pushboolean(L, adds_typenames);
	lua_setfield(L, 2, "typenames");
	enum aps_rc rc = apl_read_operation(L, &part->operation, err);
	part->has_update = apl_field_bool(L, 2, "has_update", false);
	part->has_page = apl_field_bool(L, 2, "has_page", false);
	apl_field_copy(L, 2, "limit_variable", &part->limit_variable);
	apl_field_copy(L, 2, "token_variable", &part->token_variable);
	if (rc == APS_OK) *n_bytes += aps_operation_text(&part->operation).n + part->operation.n_variables_bytes;
	lua_pushvalue(L, whole);
	lua_replace(L, 2);
	lua_settop(L, whole - 2);
	return rc;
}

static enum aps_last_sync_unit read_unit(lua_State *L)
{
	struct aps_str unit = APS_STR("");
	apl_field_str(L, 2, "last_sync_unit", &unit);
	if (aps_str_is(unit, "s")) return APS_LAST_SYNC_SECONDS;
	return aps_str_is(unit, "ms") ? APS_LAST_SYNC_MILLISECONDS : APS_LAST_SYNC_BY_DOCUMENT;
}

enum aps_rc apl_read_sync_settings(lua_State *L, struct aps_sync_settings *settings, bool adds_typenames,
                                   size_t *n_bytes, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (int i = 0; rc == APS_OK && i < APS_SYNC_PARTS; i++)
		rc = read_part(L, aps_sync_part_name((enum aps_sync_part_kind)i), adds_typenames, &settings->parts[i],
		               n_bytes, err);
	settings->options.poll_ms = apl_field_ms(L, 2, "poll", 30000);
	settings->options.page_size = (uint32_t)apl_field_size(L, 2, "page_size", 1000);
	settings->unit = read_unit(L);
	settings->asks_headers = apl_field_bool(L, 2, "asks_headers", false);
	settings->credential = apl_field_id(L, 2, "auth");
	lua_getfield(L, 2, "headers");
	if (rc != APS_OK) return rc;
	return apl_take_headers(L, &settings->headers, err);
}
