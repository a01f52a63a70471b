#include "cache/result_writer.h"

#include "cache/packed.h"
#include "cache/scalar.h"
#include "codec/utf8.h"

#include <math.h>

static size_t open_text(struct aps_result_writer *out, bool is_list)
{
	if (is_list)
		aps_json_write_array(&out->w);
	else
		aps_json_write_object(&out->w);
	return 0;
}

static void close_text(struct aps_result_writer *out, bool is_list, size_t opened APS_UNUSED, size_t n_items APS_UNUSED)
{
	if (is_list)
		aps_json_write_array_end(&out->w);
	else
		aps_json_write_object_end(&out->w);
}

static void write_text_key(struct aps_result_writer *out, const struct aps_selection_field *field)
{
	aps_json_write_key(&out->w, field->response_key);
}

static void write_text_scalar(struct aps_result_writer *out, const struct aps_cell *value)
{
	aps_scalar_write(&out->w, value);
}

static void write_text_member(struct aps_result_writer *out, const struct aps_selection_field *field,
                              const struct aps_cell *value)
{
	write_text_key(out, field);
	write_text_scalar(out, value);
}

static void write_text_again(struct aps_result_writer *out, struct aps_str written)
{
	aps_json_write_raw(&out->w, written);
}

const struct aps_result_form aps_result_text = {open_text,         close_text,        write_text_key,
                                                write_text_scalar, write_text_member, write_text_again};

static size_t open_packed(struct aps_result_writer *out, bool is_list)
{
	struct aps_buf *buf = out->w.buf;
	size_t at = buf->n;
	char *p = aps_buf_reserve(buf, APS_PACKED_HEAD_BYTES);
	if (p == NULL) return at;
	*p = is_list ? APS_CELL_LIST : APS_CELL_OBJECT;
	buf->n += APS_PACKED_HEAD_BYTES;
	return at;
}

static void close_packed(struct aps_result_writer *out, bool is_list APS_UNUSED, size_t opened, size_t n_items)
{
	struct aps_buf *buf = out->w.buf;
	uint32_t n = (uint32_t)n_items;
	if (n != n_items) buf->rc = APS_E_TOO_BIG;
	if (buf->rc == APS_OK) memcpy(buf->p + opened + 1, &n, sizeof n);
}

static void write_packed_key(struct aps_result_writer *out, const struct aps_selection_field *field)
{
	struct aps_buf *buf = out->w.buf;
	char *p = aps_buf_reserve(buf, sizeof field->label);
	if (p == NULL) return;
	memcpy(p, &field->label, sizeof field->label);
	buf->n += sizeof field->label;
}

static void write_packed_double(struct aps_result_writer *out, double value)
{
	if (isfinite(value))
		aps_cell_put_double(out->w.buf, value);
	else
		aps_fail(&out->w.err, APS_E_USAGE, "JSON has no NaN and no infinity");
}

static void write_packed_string(struct aps_result_writer *out, const struct aps_cell *value)
{
	if (aps_utf8_check(value->text) == value->text.n)
		aps_cell_put_text(out->w.buf, APS_CELL_STRING, value->text);
	else
		aps_fail(&out->w.err, APS_E_UTF8, "invalid UTF-8");
}

static void write_packed_json(struct aps_result_writer *out, const struct aps_cell *value)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, value->text, APS_JSON_MAX_DEPTH);
	enum aps_json_token token = aps_json_next(&r);
	bool is_table = token == APS_JSON_OBJECT || token == APS_JSON_ARRAY;
	bool is_number = token == APS_JSON_INT || token == APS_JSON_BIGINT || token == APS_JSON_DOUBLE;
	bool is_such = value->tag == APS_CELL_JSON ? is_table && aps_json_skip_rest(&r) == APS_OK : is_number;
	if (is_such && aps_json_next(&r) == APS_JSON_END)
		aps_cell_put_text(out->w.buf, value->tag, value->text);
	else
		aps_fail(&out->w.err, APS_E_USAGE, "no JSON");
}

static void write_packed_scalar(struct aps_result_writer *out, const struct aps_cell *value)
{
	switch (value->tag) {
	case APS_CELL_STRING: write_packed_string(out, value); break;
	case APS_CELL_INT: aps_cell_put_int(out->w.buf, value->as.integer); break;
	case APS_CELL_DOUBLE: write_packed_double(out, value->as.number); break;
	case APS_CELL_NUMBER:
	case APS_CELL_JSON: write_packed_json(out, value); break;
	default: aps_cell_put_tag(out->w.buf, value->tag); break;
	}
}

/* What is the same in both is copied as it stands. */
static void write_packed_member(struct aps_result_writer *out, const struct aps_selection_field *field,
                                const struct aps_cell *value)
{
	bool is_same = value->tag <= APS_CELL_INT ||
	               (value->tag == APS_CELL_STRING && aps_utf8_check(value->text) == value->text.n);
	if (!is_same) {
		write_packed_key(out, field);
		write_packed_scalar(out, value);
		return;
	}
	char *p = aps_buf_reserve(out->w.buf, sizeof field->label + value->whole.n);
	if (p == NULL) return;
	memcpy(p, &field->label, sizeof field->label);
	memcpy(p + sizeof field->label, value->whole.p, value->whole.n);
	out->w.buf->n += sizeof field->label + value->whole.n;
}

static void write_packed_again(struct aps_result_writer *out, struct aps_str written)
{
	aps_buf_add_str(out->w.buf, written);
}

const struct aps_result_form aps_result_packed = {open_packed,         close_packed,        write_packed_key,
                                                  write_packed_scalar, write_packed_member, write_packed_again};
