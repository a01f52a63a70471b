#include "client/queue_extra.h"

#include "codec/json_reader.h"
#include "codec/json_writer.h"

static enum aps_rc fail_reader(const struct aps_json_reader *r, struct aps_err *err)
{
	if (r->err.code == APS_OK)
		return aps_fail(err, APS_E_SYNTAX, "what is kept beside a mutation has another form");
	*err = r->err;
	return err->code;
}

bool aps_queue_keys_add(struct aps_queue_keys *keys, struct aps_arena *arena, struct aps_str key)
{
	if (keys->n_items == keys->capacity) {
		size_t capacity = keys->capacity != 0 ? 2 * keys->capacity : 4;
		struct aps_str *items = aps_arena_get(arena, capacity * sizeof *items);
		if (items == NULL) return false;
		if (keys->n_items != 0) memcpy(items, keys->items, keys->n_items * sizeof *items);
		keys->items = items;
		keys->capacity = capacity;
	}
	struct aps_str copy = aps_arena_dup(arena, key);
	if (copy.p == NULL) return false;
	keys->items[keys->n_items++] = copy;
	return true;
}

static enum aps_rc take_keys(struct aps_json_reader *r, struct aps_arena *arena, struct aps_queue_keys *keys,
                             struct aps_err *err)
{
	enum aps_json_token token = aps_json_next(r);
	if (token != APS_JSON_ARRAY) return fail_reader(r, err);
	while ((token = aps_json_next(r)) == APS_JSON_STRING) {
		struct aps_str key = aps_json_unescape(r, arena);
		if (key.p == NULL || !aps_queue_keys_add(keys, arena, key))
			return aps_fail(err, APS_E_NOMEM, "out of memory");
	}
	return token == APS_JSON_ARRAY_END ? APS_OK : fail_reader(r, err);
}

static enum aps_rc take_number(struct aps_json_reader *r, int64_t *number, struct aps_err *err)
{
	if (aps_json_next(r) != APS_JSON_INT) return fail_reader(r, err);
	*number = r->integer;
	return APS_OK;
}

static enum aps_rc take_member(struct aps_json_reader *r, struct aps_queue_extra *extra, struct aps_err *err)
{
	struct aps_str ignored, *span = &ignored;
	if (aps_json_text_is(r, "roots")) return take_keys(r, &extra->arena, &extra->roots, err);
	if (aps_json_text_is(r, "made")) return take_keys(r, &extra->arena, &extra->made, err);
	if (aps_json_text_is(r, "by")) return take_number(r, &extra->by, err);
	if (aps_json_text_is(r, "has_update")) extra->has_update = true;
	if (aps_json_text_is(r, "first")) return take_number(r, &extra->first, err);
	if (aps_json_text_is(r, "headers")) span = &extra->headers;
	if (aps_json_text_is(r, "rules")) span = &extra->rules;
	return aps_json_skip_value(r, span) == APS_OK ? APS_OK : fail_reader(r, err);
}

enum aps_rc aps_queue_extra_read(struct aps_queue_extra *extra, struct aps_str text, struct aps_err *err)
{
	struct aps_json_reader r;
	enum aps_json_token token;
	*extra = (struct aps_queue_extra){.headers = {NULL, 0}};
	aps_arena_init(&extra->arena, APS_BUF_ANY_SIZE);
	if (text.n == 0) return APS_OK;
	aps_json_reader_init(&r, text, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return fail_reader(&r, err);
	enum aps_rc rc = APS_OK;
	while (rc == APS_OK && (token = aps_json_next(&r)) == APS_JSON_KEY) rc = take_member(&r, extra, err);
	if (rc != APS_OK) return rc;
	return token == APS_JSON_OBJECT_END && aps_json_next(&r) == APS_JSON_END ? APS_OK : fail_reader(&r, err);
}

void aps_queue_extra_clear(struct aps_queue_extra *extra)
{
	aps_arena_clear(&extra->arena);
}

struct aps_str aps_queue_extra_made_root(const struct aps_queue_extra *extra)
{
	const struct aps_queue_keys *roots = &extra->roots, *made = &extra->made;
	for (size_t i = 0; i < roots->n_items; i++)
		for (size_t k = 0; k < made->n_items; k++)
			if (aps_str_eq(roots->items[i], made->items[k])) return roots->items[i];
	return APS_STR("");
}

static void write_keys(struct aps_json_writer *w, const char *name, const struct aps_queue_keys *keys)
{
	if (keys->n_items == 0) return;
	aps_json_write_key(w, aps_str_of(name));
	aps_json_write_array(w);
	for (size_t i = 0; i < keys->n_items; i++) aps_json_write_string(w, keys->items[i]);
	aps_json_write_array_end(w);
}

enum aps_rc aps_queue_extra_write(const struct aps_queue_extra *extra, struct aps_buf *out, struct aps_err *err)
{
	struct aps_json_writer w;
	bool is_empty = extra->headers.n == 0 && extra->rules.n == 0 && extra->roots.n_items == 0 &&
	                extra->made.n_items == 0 && extra->first == 0 && extra->by == 0;
	if (is_empty) return APS_OK;
	aps_json_writer_init(&w, out);
	aps_json_write_object(&w);
	if (extra->headers.n != 0) {
		aps_json_write_key(&w, APS_STR("headers"));
		aps_json_write_raw(&w, extra->headers);
	}
	if (extra->rules.n != 0) {
		aps_json_write_key(&w, APS_STR("rules"));
		aps_json_write_raw(&w, extra->rules);
	}
	write_keys(&w, "roots", &extra->roots);
	write_keys(&w, "made", &extra->made);
	if (extra->first != 0) {
		aps_json_write_key(&w, APS_STR("first"));
		aps_json_write_int(&w, extra->first);
	}
	if (extra->by != 0) {
		aps_json_write_key(&w, APS_STR("by"));
		aps_json_write_int(&w, extra->by);
	}
	if (extra->by != 0 && extra->has_update) {
		aps_json_write_key(&w, APS_STR("has_update"));
		aps_json_write_bool(&w, true);
	}
	aps_json_write_object_end(&w);
	if (aps_json_writer_finish(&w) == APS_OK) return APS_OK;
	if (w.err.code == APS_OK) return aps_fail(err, out->rc, "no memory for a mutation");
	*err = w.err;
	return err->code;
}

enum aps_rc aps_queue_extra_add_headers(struct aps_str json, struct aps_header_list *headers, struct aps_err *err)
{
	struct aps_json_reader r;
	enum aps_json_token token;
	enum aps_rc rc = APS_OK;
	if (json.n == 0) return APS_OK;
	aps_json_reader_init(&r, json, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return fail_reader(&r, err);
	while (rc == APS_OK && (token = aps_json_next(&r)) == APS_JSON_KEY) {
		struct aps_str name = aps_json_unescape(&r, headers->arena), value = {NULL, 0};
		if (aps_json_next(&r) != APS_JSON_STRING) return fail_reader(&r, err);
		value = aps_json_unescape(&r, headers->arena);
		if (name.p == NULL || value.p == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
		rc = aps_header_list_add(headers, name, value, err);
	}
	return rc == APS_OK && token != APS_JSON_OBJECT_END ? fail_reader(&r, err) : rc;
}
