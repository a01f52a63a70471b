#include "cache/pages.h"

#include "base/map.h"
#include "cache/long_list.h"

static bool is_list(const struct aps_cell *value)
{
	return value->tag == APS_CELL_LIST || value->tag == APS_CELL_LONG_LIST;
}

/* Appends the page's items that aren't in `out` already, where the known ones are. */
static bool add_new_items(struct aps_buf *out, size_t at, const struct aps_cell *page, uint64_t *n_items)
{
	struct aps_map seen;
	struct aps_cell item;
	bool is_ok = true;
	aps_map_init(&seen, 0);
	for (struct aps_str rest = {out->p + at, out->n - at}; is_ok && aps_cell_take(&rest, &item); (*n_items)++)
		is_ok = aps_map_set(&seen, item.whole, &seen);
	for (struct aps_str rest = page->text; is_ok && aps_cell_take(&rest, &item);) {
		if (item.tag == APS_CELL_REF && aps_map_get(&seen, item.whole) != NULL) continue;
		is_ok = aps_map_set(&seen, item.whole, &seen);
		aps_buf_add_str(out, item.whole);
		(*n_items)++;
	}
	aps_map_clear(&seen);
	return is_ok && out->rc == APS_OK;
}

static enum aps_rc put_items(struct aps_buf *out, const struct aps_cell *known, const struct aps_cell *page,
                             struct aps_entries *entries, struct aps_err *err)
{
	size_t at = out->n;
	uint64_t n_items = 0;
	enum aps_rc rc = APS_OK;
	if (known->tag == APS_CELL_LONG_LIST)
		rc = aps_long_list_items(entries, known->as.entry, out, err);
	else
		aps_buf_add_str(out, known->text);
	if (rc == APS_OK && !add_new_items(out, at, page, &n_items))
		rc = aps_fail(err, APS_E_NOMEM, "no memory for a page of a connection");
	aps_cell_close_list(out, at, n_items);
	return rc;
}

enum aps_rc aps_pages_append(struct aps_buf *out, const struct aps_cell *known, const struct aps_cell *page,
                             uint32_t items, struct aps_entries *entries, struct aps_err *err)
{
	struct aps_cell known_items, page_items;
	struct aps_cell_field field;
	bool is_connection = known->tag == APS_CELL_OBJECT && page->tag == APS_CELL_OBJECT &&
	                     aps_cell_find_field(known->text, items, &known_items) && is_list(&known_items) &&
	                     aps_cell_find_field(page->text, items, &page_items) && page_items.tag == APS_CELL_LIST;
	size_t at = out->n;
	enum aps_rc rc = APS_OK;
	if (!is_connection) {
		aps_buf_add_str(out, page->whole);
		return out->rc == APS_OK ? APS_OK : aps_fail(err, out->rc, "no memory for a page of a connection");
	}
	for (struct aps_str rest = page->text; rc == APS_OK && aps_cell_take_field(&rest, &field);) {
		if (field.name != items) {
			aps_buf_add_str(out, field.whole);
			continue;
		}
		aps_cell_put_name(out, items, APS_STR(""));
		rc = put_items(out, &known_items, &page_items, entries, err);
	}
	aps_cell_close_object(out, at);
	return rc;
}
