#include "sync/record_type.h"

#include "codec/json_reader.h"
#include "gql/lexer.h"
#include "sync/operation_kind.h"

/* Of an object whose start was read: the text of its member; of several the last one, as in JSON.parse(). */
static bool read_typename(struct aps_json_reader *r, struct aps_arena *arena, struct aps_str *type)
{
	while (aps_json_next(r) == APS_JSON_KEY) {
		struct aps_json_reader value = *r;
		bool is_it = aps_json_text_is(r, "__typename") && aps_json_next(&value) == APS_JSON_STRING;
		if (aps_json_skip_value(r, NULL) != APS_OK) break;
		if (!is_it) continue;
		struct aps_str text = aps_json_unescape(&value, arena);
		if (text.p == NULL) return false;
		*type = aps_gql_is_name(text) ? text : APS_STR("");
	}
	return true;
}

/* *is_list: it isn't one record that is answered there. */
static bool read_response(struct aps_json_reader *r, struct aps_str response_key, struct aps_arena *arena,
                          struct aps_str *type, bool *is_list)
{
	if (aps_json_next(r) != APS_JSON_OBJECT) return true;
	while (aps_json_next(r) == APS_JSON_KEY) {
		struct aps_str key = aps_json_unescape(r, arena);
		if (key.p == NULL) return false;
		struct aps_json_reader value = *r;
		if (aps_json_skip_value(r, NULL) != APS_OK) break;
		if (!aps_str_eq(key, response_key)) continue;
		*type = APS_STR("");
		enum aps_json_token token = aps_json_next(&value);
		*is_list = token == APS_JSON_ARRAY;
		if (token == APS_JSON_OBJECT && !read_typename(&value, arena, type)) return false;
	}
	return true;
}

static enum aps_rc read_optimistic(struct aps_str optimistic, struct aps_str response_key, struct aps_arena *arena,
                                   struct aps_str *type, bool *is_list, struct aps_err *err)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, optimistic, APS_JSON_MAX_DEPTH);
	if (!read_response(&r, response_key, arena, type, is_list))
		return aps_arena_fail(arena, "an optimistic response", err);
	if (r.err.code != APS_OK && err != NULL) *err = r.err;
	return r.err.code;
}

static bool derive(struct aps_str name, struct aps_arena *arena, struct aps_str *type)
{
	size_t n;
	if (aps_operation_kind_of(name, &n) == APS_OPERATION_AUTO) return true;
	while (n < name.n && name.p[n] == '_') n++;
	struct aps_str rest = {name.p + n, name.n - n};
	if (!aps_gql_is_name(rest)) return true;
	char *copy = aps_arena_get(arena, rest.n + 1);
	if (copy == NULL) return false;
	memcpy(copy, rest.p, rest.n);
	if (copy[0] >= 'a' && copy[0] <= 'z') copy[0] = (char)(copy[0] - 'a' + 'A');
	*type = (struct aps_str){copy, rest.n};
	return true;
}

enum aps_rc aps_record_type_of(struct aps_str optimistic, const struct aps_gql_node *root_field,
                               struct aps_arena *arena, struct aps_str *type, struct aps_err *err)
{
	struct aps_str found = APS_STR("");
	bool is_list = false;
	*type = found;
	if (optimistic.n != 0) {
		enum aps_rc rc =
		        read_optimistic(optimistic, aps_gql_response_key(root_field), arena, &found, &is_list, err);
		if (rc != APS_OK || is_list) return rc;
	}
	if (found.n == 0 && !derive(root_field->name, arena, &found))
		return aps_arena_fail(arena, "the type of a record", err);
	if (found.n != 0) found = aps_arena_dup(arena, found);
	if (found.p == NULL) return aps_arena_fail(arena, "the type of a record", err);
	*type = found;
	return APS_OK;
}
