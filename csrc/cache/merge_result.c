#include "cache/merge_result.h"

#include "cache/edit_value.h"

static bool is_structure(const struct aps_cell *value)
{
	return value->tag == APS_CELL_OBJECT || value->tag == APS_CELL_LIST || value->tag == APS_CELL_JSON;
}

void aps_merge_result(struct aps_merge *merge, struct aps_entry *entry, struct aps_str result, struct aps_str incoming,
                      struct aps_err *err)
{
	struct aps_cell now, known;
	struct aps_buf value;
	struct aps_err failed;
	struct aps_str content = aps_entry_content(entry), rest = incoming;
	bool has_known = aps_cell_take(&content, &known), is_shaped = aps_cell_take(&rest, &now) && is_structure(&now);
	const struct aps_cell *shape = is_shaped ? &now : has_known ? &known : NULL;
	aps_buf_init(&value, UINT32_MAX);
	enum aps_rc rc = aps_edit_value_make(&value, merge->write, shape, result, &failed);
	merge->replaces = rc == APS_OK;
	if (rc == APS_OK)
		aps_merge_into_field(merge, entry, aps_buf_str(&value));
	else if (rc == APS_E_USAGE) /* what no field can have: as if nothing had come of it */
		aps_merge_into_field(merge, entry, incoming);
	else
		*err = failed;
	merge->replaces = false;
	aps_buf_clear(&value);
}
