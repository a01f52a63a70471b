#include "codec/json_rewrite.h"

#include <math.h>

static bool copy_text(struct aps_json_writer *w, const struct aps_json_reader *r, bool is_key,
                      struct aps_arena *scratch)
{
	struct aps_str text = r->has_escapes ? aps_json_unescape(r, scratch) : r->text;
	if (text.p == NULL) return false;
	if (is_key)
		aps_json_write_key(w, text);
	else
		aps_json_write_string(w, text);
	if (r->has_escapes) aps_arena_reset(scratch);
	return true;
}

/* One that no double holds stays as it is. */
static void copy_number(struct aps_json_writer *w, const struct aps_json_reader *r, enum aps_json_token token)
{
	if (token == APS_JSON_DOUBLE && isfinite(r->number))
		aps_json_write_double(w, r->number);
	else
		aps_json_write_raw(w, r->text);
}

static bool copy_token(struct aps_json_writer *w, const struct aps_json_reader *r, enum aps_json_token token,
                       struct aps_arena *scratch)
{
	switch (token) {
	case APS_JSON_OBJECT: aps_json_write_object(w); break;
	case APS_JSON_OBJECT_END: aps_json_write_object_end(w); break;
	case APS_JSON_ARRAY: aps_json_write_array(w); break;
	case APS_JSON_ARRAY_END: aps_json_write_array_end(w); break;
	case APS_JSON_KEY:
	case APS_JSON_STRING: return copy_text(w, r, token == APS_JSON_KEY, scratch);
	case APS_JSON_INT:
	case APS_JSON_BIGINT:
	case APS_JSON_DOUBLE: copy_number(w, r, token); break;
	case APS_JSON_TRUE:
	case APS_JSON_FALSE: aps_json_write_bool(w, token == APS_JSON_TRUE); break;
	case APS_JSON_NULL: aps_json_write_null(w); break;
	case APS_JSON_ERROR:
	case APS_JSON_END: break;
	}
	return true;
}

enum aps_rc aps_json_rewrite(struct aps_json_writer *w, struct aps_str text, struct aps_err *err)
{
	struct aps_json_reader r;
	struct aps_arena scratch;
	enum aps_json_token token;
	bool has_memory = true;
	aps_json_reader_init(&r, text, 0);
	aps_arena_init(&scratch, APS_BUF_ANY_SIZE);
	do {
		token = aps_json_next(&r);
		has_memory = copy_token(w, &r, token, &scratch);
	} while (has_memory && token != APS_JSON_END && token != APS_JSON_ERROR);
	aps_arena_clear(&scratch);
	if (!has_memory) return aps_fail(err, APS_E_NOMEM, "no memory for JSON text");
	if (token == APS_JSON_ERROR) {
		if (err != NULL) *err = r.err;
		return r.err.code;
	}
	if (aps_json_writer_finish(w) == APS_OK) return APS_OK;
	return aps_fail(err, w->err.code != APS_OK ? w->err.code : w->buf->rc, "no room for JSON text");
}
