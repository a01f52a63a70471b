#include "client/covered_row.h"

#include "cache/patch.h"

void aps_covered_row_init(struct aps_covered_row *kept, struct aps_str key, struct aps_str content)
{
	aps_buf_init(&kept->text, APS_BUF_ANY_SIZE);
	aps_buf_init(&kept->patches, APS_BUF_ANY_SIZE);
	aps_buf_init(&kept->content, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&kept->text, key);
	aps_buf_add_str(&kept->text, content);
	aps_buf_add_byte(&kept->text, '\0');
}

void aps_covered_row_clear(struct aps_covered_row *kept)
{
	aps_buf_clear(&kept->text);
	aps_buf_clear(&kept->patches);
	aps_buf_clear(&kept->content);
}

enum aps_rc aps_covered_row_apply(struct aps_covered_row *kept, struct aps_entries *entries, struct aps_entry_row *row,
                                  struct aps_err *err)
{
	row->is_covered = true;
	row->base = row->is_nowhere ? (struct aps_str){NULL, 0} : row->content;
	row->patches = aps_buf_str(&kept->patches);
	enum aps_rc rc =
	        aps_patches_apply_text(&kept->content, row->base, row->patches, &row->is_nowhere, entries, err);
	row->content = kept->content.n != 0 ? aps_buf_str(&kept->content) : APS_STR("");
	return rc;
}
