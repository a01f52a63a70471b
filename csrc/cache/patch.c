#include "cache/patch.h"

#include "cache/list_edit.h"
#include "cache/long_list.h"

struct patching {
	struct aps_buf *out;
	struct aps_entries *entries;
	struct aps_err err;
};

static void fail_damaged(struct patching *in)
{
	if (in->err.code == APS_OK)
		aps_fail_word(&in->err, APS_E_STORAGE, "corrupt", 0, "an optimistic layer is damaged");
}

static bool is_list(const struct aps_cell *value)
{
	return value->tag == APS_CELL_LIST || value->tag == APS_CELL_LONG_LIST;
}

/* The items of a list; those of a long one in `loaded`. */
static struct aps_str items_of(struct patching *in, const struct aps_cell *list, struct aps_buf *loaded)
{
	if (list->tag == APS_CELL_LIST) return list->text;
	aps_long_list_items(in->entries, list->as.entry, loaded, &in->err);
	return aps_buf_str(loaded);
}

static void make_fields(struct patching *in, struct aps_str former, struct aps_str now, unsigned depth);

/* False: the list has to be kept as a whole. */
static bool make_edit(struct patching *in, const struct aps_cell *former, const struct aps_cell *now)
{
	struct aps_buf loaded, loaded_now;
	bool is_exact = false;
	aps_buf_init(&loaded, APS_BUF_ANY_SIZE);
	aps_buf_init(&loaded_now, APS_BUF_ANY_SIZE);
	struct aps_str items = items_of(in, former, &loaded), items_now = items_of(in, now, &loaded_now);
	size_t at = in->out->n;
	if (in->err.code == APS_OK) aps_list_edit_make(in->out, items, items_now, &is_exact, &in->err);
	if (is_exact) aps_cell_close(in->out, APS_CELL_EDIT, at);
	aps_buf_clear(&loaded);
	aps_buf_clear(&loaded_now);
	return is_exact;
}

static void make_value(struct patching *in, const struct aps_cell *former, const struct aps_cell *now, unsigned depth)
{
	size_t at = in->out->n;
	if (former->tag == APS_CELL_OBJECT && now->tag == APS_CELL_OBJECT && depth < APS_CELL_MAX_DEPTH) {
		make_fields(in, former->text, now->text, depth + 1);
		aps_cell_close(in->out, APS_CELL_PATCH, at);
		return;
	}
	if (!is_list(former) || !is_list(now) || !make_edit(in, former, now)) aps_buf_add_str(in->out, now->whole);
}

static void make_fields(struct patching *in, struct aps_str former, struct aps_str now, unsigned depth)
{
	struct aps_cell_field was, is;
	bool has_was = aps_cell_take_field(&former, &was), has_is = aps_cell_take_field(&now, &is);
	while ((has_was || has_is) && in->err.code == APS_OK) {
		int order = !has_was ? 1 : !has_is ? -1 : aps_cell_compare_names(was.name, was.text, is.name, is.text);
		if (order < 0) {
			aps_cell_put_name(in->out, was.name, was.text);
			aps_cell_put_tag(in->out, APS_CELL_GONE);
		} else if (order > 0 || !aps_str_eq(was.value.whole, is.value.whole)) {
			aps_cell_put_name(in->out, is.name, is.text);
			if (order > 0)
				aps_buf_add_str(in->out, is.value.whole);
			else
				make_value(in, &was.value, &is.value, depth);
		}
		if (order <= 0) has_was = aps_cell_take_field(&former, &was);
		if (order >= 0) has_is = aps_cell_take_field(&now, &is);
	}
}

static enum aps_rc conclude(struct patching *in, struct aps_err *err)
{
	if (in->err.code == APS_OK && in->out->rc != APS_OK)
		aps_fail(&in->err, in->out->rc, "no memory for an optimistic layer");
	if (in->err.code != APS_OK && err != NULL) *err = in->err;
	return in->err.code;
}

enum aps_rc aps_patch_make(struct aps_buf *out, enum aps_patch_kind kind, struct aps_str former, struct aps_str now,
                           struct aps_entries *entries, struct aps_err *err)
{
	struct patching in = {.out = out, .entries = entries};
	struct aps_cell was, is;
	if (former.p != NULL && now.p != NULL && aps_str_eq(former, now)) return APS_OK;
	if (now.p == NULL) {
		if (former.p != NULL) aps_buf_add_byte(out, 'X');
	} else if (kind == APS_PATCH_FIELDS) {
		aps_buf_add_byte(out, 'F');
		make_fields(&in, former, now, 0);
	} else {
		aps_buf_add_byte(out, 'V');
		bool has_was = aps_cell_take(&former, &was);
		if (!aps_cell_take(&now, &is))
			fail_damaged(&in);
		else if (has_was)
			make_value(&in, &was, &is, 0);
		else
			aps_buf_add_str(out, is.whole);
	}
	return conclude(&in, err);
}
