#include "cache/scalar.h"

#include "codec/decimal.h"

#include <math.h>

static bool put_string(struct aps_buf *out, const struct aps_json_reader *r, struct aps_arena *scratch)
{
	struct aps_str text = r->has_escapes ? aps_json_unescape(r, scratch) : r->text;
	if (text.p != NULL) aps_cell_put_text(out, APS_CELL_STRING, text);
	if (r->has_escapes) aps_arena_reset(scratch);
	return text.p != NULL;
}

/* Nothing is lost where it is kept as a double: no other number has that, or it is printed so again. */
static bool fits_double(const struct aps_json_reader *r)
{
	char text[APS_DECIMAL_CHARS];
	if (aps_decimal_is_distinct(r->text, r->number)) return true;
	return isfinite(r->number) &&
	       aps_str_eq(r->text, (struct aps_str){text, aps_decimal_print_float(r->number, text)});
}

static void put_number(struct aps_buf *out, const struct aps_json_reader *r, enum aps_json_token token)
{
	if (token == APS_JSON_INT)
		aps_cell_put_int(out, r->integer);
	else if (token == APS_JSON_DOUBLE && fits_double(r))
		aps_cell_put_double(out, r->number);
	else
		aps_cell_put_text(out, APS_CELL_NUMBER, r->text);
}

bool aps_scalar_put(struct aps_buf *out, const struct aps_json_reader *r, enum aps_json_token token,
                    struct aps_arena *scratch)
{
	bool is_ok = true;
	switch (token) {
	case APS_JSON_STRING: is_ok = put_string(out, r, scratch); break;
	case APS_JSON_INT:
	case APS_JSON_BIGINT:
	case APS_JSON_DOUBLE: put_number(out, r, token); break;
	case APS_JSON_TRUE: aps_cell_put_tag(out, APS_CELL_TRUE); break;
	case APS_JSON_FALSE: aps_cell_put_tag(out, APS_CELL_FALSE); break;
	default: aps_cell_put_tag(out, APS_CELL_NULL); break;
	}
	return is_ok && out->rc == APS_OK;
}

void aps_scalar_put_json(struct aps_buf *out, struct aps_json_reader *r)
{
	const char *from = r->text.p;
	if (aps_json_skip_rest(r) != APS_OK) return;
	aps_cell_put_text(out, APS_CELL_JSON, (struct aps_str){from, (size_t)(r->at - from)});
}

bool aps_scalar_write(struct aps_json_writer *w, const struct aps_cell *value)
{
	switch (value->tag) {
	case APS_CELL_NULL: aps_json_write_null(w); return true;
	case APS_CELL_FALSE: aps_json_write_bool(w, false); return true;
	case APS_CELL_TRUE: aps_json_write_bool(w, true); return true;
	case APS_CELL_INT: aps_json_write_int(w, value->as.integer); return true;
	case APS_CELL_DOUBLE: aps_json_write_float(w, value->as.number); return true;
	case APS_CELL_STRING: aps_json_write_string(w, value->text); return true;
	case APS_CELL_NUMBER:
	case APS_CELL_JSON: aps_json_write_raw(w, value->text); return true;
	default: return false;
	}
}
