#include "cache/doubt.h"

struct doubt {
	uint32_t number;
	struct aps_str key;
	struct aps_str whole;
};

/* False: it was the last, or the list is damaged. */
static bool take(struct aps_str *rest, struct doubt *doubt)
{
	struct aps_str at = *rest;
	uint64_t number, n;
	if (!aps_cell_take_count(&at, &number) || number > UINT32_MAX) return false;
	*doubt = (struct doubt){.number = (uint32_t)number, .key = APS_STR("")};
	if (number == 0) {
		if (!aps_cell_take_count(&at, &n) || n > at.n) return false;
		doubt->key = (struct aps_str){at.p, (size_t)n};
		at = (struct aps_str){at.p + n, at.n - (size_t)n};
	}
	doubt->whole = (struct aps_str){rest->p, rest->n - at.n};
	*rest = at;
	return true;
}

static bool is_about(const struct doubt *doubt, uint32_t number, struct aps_str key)
{
	return doubt->number == number && (number != 0 || aps_str_eq(doubt->key, key));
}

bool aps_doubts_are(const struct aps_cell_field *field)
{
	return field->name == 0 && field->text.n == 0;
}

bool aps_doubts_find(struct aps_str fields, struct aps_str *doubts)
{
	struct aps_cell_field field;
	if (fields.n < 2 || fields.p[0] != 0 || fields.p[1] != 0) return false; /* nearly all */
	if (!aps_cell_take_field(&fields, &field) || field.value.tag != APS_CELL_STRING) return false;
	*doubts = field.value.text;
	return doubts->n != 0;
}

static bool reads(const struct aps_selection_view *view, const struct doubt *doubt)
{
	for (size_t i = 0; i < view->n_fields; i++) {
		const struct aps_selection_field *field = &view->fields[i];
		if (!field->is_added && is_about(doubt, field->number, field->key)) return true;
	}
	return false;
}

bool aps_doubts_concern(struct aps_str doubts, const struct aps_selection_view *view)
{
	struct doubt doubt;
	while (take(&doubts, &doubt))
		if (reads(view, &doubt)) return true;
	return false;
}

void aps_doubts_add(struct aps_buf *list, uint32_t number, struct aps_str key)
{
	struct aps_str rest = aps_buf_str(list);
	struct doubt doubt;
	while (take(&rest, &doubt))
		if (is_about(&doubt, number, key)) return;
	aps_cell_put_count(list, number);
	if (number != 0) return;
	aps_cell_put_count(list, key.n);
	aps_buf_add_str(list, key);
}

void aps_doubts_remove(struct aps_buf *list, uint32_t number, struct aps_str key)
{
	struct aps_str rest = aps_buf_str(list);
	struct doubt doubt;
	while (take(&rest, &doubt)) {
		if (!is_about(&doubt, number, key)) continue;
		memmove(list->p + (doubt.whole.p - list->p), rest.p, rest.n);
		list->n -= doubt.whole.n;
		return;
	}
}

void aps_doubts_put(struct aps_buf *fields, struct aps_str doubts)
{
	if (doubts.n == 0) return;
	aps_cell_put_name(fields, 0, APS_STR(""));
	aps_cell_put_text(fields, APS_CELL_STRING, doubts);
}

void aps_doubts_replace(struct aps_buf *out, struct aps_str fields, struct aps_str doubts)
{
	struct aps_str rest = fields;
	struct aps_cell_field first;
	aps_doubts_put(out, doubts);
	bool has_any = aps_cell_take_field(&rest, &first) && aps_doubts_are(&first);
	aps_buf_add_str(out, has_any ? rest : fields);
}

bool aps_doubts_put_without(struct aps_buf *fields, const struct aps_cell *known, struct aps_str given)
{
	struct aps_str doubts = known->tag == APS_CELL_STRING ? known->text : APS_STR(""); /* or it is damaged */
	struct aps_buf left;
	struct doubt doubt;
	struct aps_cell value;
	struct aps_str rest = doubts;
	aps_buf_init(&left, APS_BUF_ANY_SIZE);
	while (take(&rest, &doubt))
		if (doubt.number == 0 || !aps_cell_find_field(given, doubt.number, &value))
			aps_buf_add_str(&left, doubt.whole);
	bool has_fewer = left.n != doubts.n;
	if (left.rc == APS_OK)
		aps_doubts_put(fields, aps_buf_str(&left));
	else
		fields->rc = left.rc;
	aps_buf_clear(&left);
	return has_fewer;
}
