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

static enum aps_rc take_keys(struct aps_json_reader *r, struct aps_arena *arena, struct aps_str *keys, size_t *n,
                             struct aps_err *err)
{
	enum aps_json_token token = aps_json_next(r);
	if (token != APS_JSON_ARRAY) return fail_reader(r, err);
	while ((token = aps_json_next(r)) == APS_JSON_STRING) {
		if (*n == APS_QUEUE_EXTRA_MAX_ROOTS) continue;
		keys[*n] = aps_json_unescape(r, arena);
		if (keys[*n].p == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
		++*n;
	}
	return token == APS_JSON_ARRAY_END ? APS_OK : fail_reader(r, err);
}

static enum aps_rc take_member(struct aps_json_reader *r, struct aps_queue_extra *extra, struct aps_err *err)
{
	struct aps_str ignored, *span = &ignored;
	if (aps_json_text_is(r, "roots")) return take_keys(r, &extra->arena, extra->roots, &extra->n_roots, err);
	if (aps_json_text_is(r, "made")) return take_keys(r, &extra->arena, extra->made, &extra->n_made, err);
	if (aps_json_text_is(r, "headers")) span = &extra->headers;
	if (aps_json_text_is(r, "rules")) span = &extra->rules;
	return aps_json_skip_value(r, span) == APS_OK ? APS_OK : fail_reader(r, err);
}

enum aps_rc aps_queue_extra_read(struct aps_queue_extra *extra, struct aps_str text, struct aps_err *err)
{
	struct aps_json_reader r;
	enum aps_json_token token;
	*extra = (struct aps_queue_extra){.n_roots = 0};
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
	for (size_t i = 0; i < extra->n_roots; i++)
		for (size_t k = 0; k < extra->n_made; k++)
			if (aps_str_eq(extra->roots[i], extra->made[k])) return extra->roots[i];
	return APS_STR("");
}

static void write_keys(struct aps_json_writer *w, const char *name, const struct aps_str *keys, size_t n)
{
	if (n == 0) return;
	aps_json_write_key(w, aps_str_of(name));
	aps_json_write_array(w);
	for (size_t i = 0; i < n; i++) aps_json_write_string(w, keys[i]);
	aps_json_write_array_end(w);
}

enum aps_rc aps_queue_extra_write(const struct aps_queue_extra *extra, struct aps_buf *out, struct aps_err *err)
{
	struct aps_json_writer w;
	bool is_empty = extra->headers.n == 0 && extra->rules.n == 0 && extra->n_roots == 0 && extra->n_made == 0;
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
	write_keys(&w, "roots", extra->roots, extra->n_roots);
	write_keys(&w, "made", extra->made, extra->n_made);
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
