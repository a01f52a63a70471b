#include "cache/answer_text.h"

#include "cache/scalar.h"
#include "codec/json_rewrite.h"

/* Where a table is open. */
struct level {
	uint32_t n_left;
	bool is_object;
};

struct answer_writer {
	struct aps_json_writer w;
	const struct aps_packed *packed;
	struct aps_str rest;
	struct level levels[APS_CELL_MAX_DEPTH + 1];
	unsigned depth; /* of open tables */
};

static bool write_scalar(struct answer_writer *in)
{
	struct aps_cell value;
	if (!aps_cell_take(&in->rest, &value)) return false;
	if (value.tag == APS_CELL_NUMBER || value.tag == APS_CELL_JSON)
		return aps_json_rewrite(&in->w, value.text, NULL) == APS_OK;
	if (value.tag != APS_CELL_DOUBLE) return aps_scalar_write(&in->w, &value);
	aps_json_write_double(&in->w, value.as.number);
	return true;
}

static bool open_table(struct answer_writer *in, bool is_object)
{
	if (in->depth == APS_COUNTOF(in->levels)) return false;
	struct level *level = &in->levels[in->depth++];
	level->is_object = is_object;
	if (is_object)
		aps_json_write_object(&in->w);
	else
		aps_json_write_array(&in->w);
	return aps_packed_take_head(&in->rest, is_object ? APS_CELL_OBJECT : APS_CELL_LIST, &level->n_left);
}

/* A scalar, or the beginning of a table. */
static bool write_value(struct answer_writer *in)
{
	char tag = '\0';
	if (in->rest.n != 0) tag = in->rest.p[0];
	if (tag == APS_CELL_OBJECT || tag == APS_CELL_LIST) return open_table(in, tag == APS_CELL_OBJECT);
	return write_scalar(in);
}

/* Of the innermost table, or its end. */
static bool write_next(struct answer_writer *in)
{
	struct level *level = &in->levels[in->depth - 1];
	uint32_t label;
	if (level->n_left == 0) {
		in->depth--;
		if (level->is_object)
			aps_json_write_object_end(&in->w);
		else
			aps_json_write_array_end(&in->w);
		return true;
	}
	level->n_left--;
	if (level->is_object) {
		if (!aps_packed_take_label(&in->rest, &label) || label >= in->packed->n_labels) return false;
		aps_json_write_key(&in->w, in->packed->labels[label]);
	}
	return write_value(in);
}

enum aps_rc aps_answer_text(struct aps_buf *out, const struct aps_packed *packed, struct aps_err *err)
{
	struct answer_writer in;
	in.packed = packed;
	in.rest = packed->bytes;
	in.depth = 0;
	aps_json_writer_init(&in.w, out);
	bool is_whole = write_value(&in);
	while (is_whole && in.depth != 0) is_whole = write_next(&in);
	if (aps_json_writer_finish(&in.w) != APS_OK && out->rc != APS_OK)
		return aps_fail(err, out->rc, "no room for the text of what was read");
	if (is_whole && in.rest.n == 0 && in.w.err.code == APS_OK) return APS_OK;
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "what was read isn't whole");
}
