#include "sync/answered_id.h"

#include "codec/json_members.h"

#define MAX_DEPTH 24 /* of objects in each other */

struct search {
	const struct aps_answered_id_question *question;
	struct aps_arena *arena;
	struct aps_str found;
};

static bool is_text(struct aps_str json, struct aps_str text)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	return aps_json_next(&r) == APS_JSON_STRING &&
	       aps_str_eq(r.text, text); /* neither types nor UUIDs are escaped */
}

static bool identity(struct aps_str object, struct aps_str field, struct aps_str *value)
{
	struct aps_json_members members;
	aps_json_members_init(&members, object);
	if (field.n != 0) return aps_json_members_named(&members, field, value);
	return aps_json_members_get(&members, "id", value) || aps_json_members_get(&members, "_id", value);
}

static bool is_of_type(struct aps_str object, struct aps_str type)
{
	struct aps_json_members members;
	struct aps_str value;
	aps_json_members_init(&members, object);
	return aps_json_members_get(&members, "__typename", &value) && is_text(value, type);
}

static void take(struct search *search, struct aps_str id)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, id, 0);
	enum aps_json_token token = aps_json_next(&r);
	if (token == APS_JSON_STRING)
		search->found = aps_json_unescape(&r, search->arena);
	else if (token == APS_JSON_INT)
		search->found = aps_arena_dup(search->arena, r.text);
}

static void look(struct search *search, struct aps_str optimistic, struct aps_str data, unsigned depth);

static void look_in_members(struct search *search, struct aps_str optimistic, struct aps_str data, unsigned depth)
{
	struct aps_json_reader r;
	struct aps_json_members members;
	struct aps_str value, counterpart;
	aps_json_reader_init(&r, optimistic, 0);
	aps_json_members_init(&members, data);
	aps_json_next(&r);
	while (search->found.n == 0 && aps_json_next(&r) == APS_JSON_KEY) {
		const struct aps_json_reader key = r;
		if (aps_json_skip_value(&r, &value) != APS_OK) return;
		bool is_deep = value.p[0] == '{' || value.p[0] == '[';
		if (is_deep && aps_json_members_find(&members, &key, &counterpart))
			look(search, value, counterpart, depth + 1);
	}
}

static bool next_item(struct aps_json_reader *r, struct aps_str *item)
{
	struct aps_json_reader ahead = *r;
	enum aps_json_token token = aps_json_next(&ahead);
	return token != APS_JSON_ARRAY_END && token != APS_JSON_ERROR && aps_json_skip_value(r, item) == APS_OK;
}

static void look_in_items(struct search *search, struct aps_str optimistic, struct aps_str data, unsigned depth)
{
	struct aps_json_reader a, b;
	struct aps_str one, other;
	aps_json_reader_init(&a, optimistic, 0);
	aps_json_reader_init(&b, data, 0);
	if (aps_json_next(&a) != APS_JSON_ARRAY || aps_json_next(&b) != APS_JSON_ARRAY) return;
	while (search->found.n == 0 && next_item(&a, &one) && next_item(&b, &other))
		look(search, one, other, depth + 1);
}

static void look(struct search *search, struct aps_str optimistic, struct aps_str data, unsigned depth)
{
	const struct aps_answered_id_question *q = search->question;
	struct aps_str temporary, made;
	if (depth == MAX_DEPTH || optimistic.n == 0 || data.n == 0 || optimistic.p[0] != data.p[0]) return;
	if (optimistic.p[0] == '[') look_in_items(search, optimistic, data, depth);
	if (optimistic.p[0] != '{') return;
	bool is_it = is_of_type(optimistic, q->type) && identity(optimistic, q->field, &temporary) &&
	             is_text(temporary, q->temporary);
	if (!is_it)
		look_in_members(search, optimistic, data, depth);
	else if (is_of_type(data, q->type) && identity(data, q->field, &made))
		take(search, made);
}

enum aps_rc aps_answered_id_of(const struct aps_answered_id_question *question, struct aps_arena *arena,
                               struct aps_str *id, struct aps_err *err)
{
	struct search search = {.question = question, .arena = arena, .found = {NULL, 0}};
	look(&search, aps_str_trim(question->optimistic), aps_str_trim(question->data), 0);
	*id = search.found;
	return arena->rc == APS_OK ? APS_OK : aps_arena_fail(arena, "the id of a record", err);
}
