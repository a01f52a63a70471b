/* What is packed, as the JSON text that the same read gives. */
#ifndef SPEC_CACHE_PACKED_TEXT_H
#define SPEC_CACHE_PACKED_TEXT_H

#include "cache/packed.h"
#include "cache/scalar.h"
#include "codec/json_writer.h"

/* False: it isn't whole. */
static bool packed_value(const struct aps_packed *packed, struct aps_str *rest, struct aps_json_writer *w)
{
	struct aps_cell value;
	uint32_t n, label;
	bool is_object = rest->n != 0 && rest->p[0] == APS_CELL_OBJECT;
	if (!is_object && (rest->n == 0 || rest->p[0] != APS_CELL_LIST))
		return aps_cell_take(rest, &value) && aps_scalar_write(w, &value);
	if (!aps_packed_take_head(rest, is_object ? APS_CELL_OBJECT : APS_CELL_LIST, &n)) return false;
	if (is_object)
		aps_json_write_object(w);
	else
		aps_json_write_array(w);
	for (; n != 0; n--) {
		if (is_object && (!aps_packed_take_label(rest, &label) || label >= packed->n_labels)) return false;
		if (is_object) aps_json_write_key(w, packed->labels[label]);
		if (!packed_value(packed, rest, w)) return false;
	}
	if (is_object)
		aps_json_write_object_end(w);
	else
		aps_json_write_array_end(w);
	return true;
}

static APS_UNUSED bool packed_text(const struct aps_packed *packed, struct aps_buf *out)
{
	struct aps_json_writer w;
	struct aps_str rest = packed->bytes;
	aps_json_writer_init(&w, out);
	return packed_value(packed, &rest, &w) && rest.n == 0 && aps_json_writer_finish(&w) == APS_OK;
}

#endif
