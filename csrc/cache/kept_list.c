#include "cache/kept_list.h"

#include "cache/synced_list.h"

#define MARK "~kept"

void aps_kept_list_clear(struct aps_kept_list *list)
{
	aps_buf_clear(&list->field);
	aps_buf_clear(&list->items);
	aps_buf_clear(&list->token);
	*list = (struct aps_kept_list){.is_aside = false};
}

/* The place of the mark; `text` has its name. */
static bool put_mark_place(struct aps_cache_write *write, struct aps_str field, struct aps_buf *text,
                           struct aps_list_place *mark)
{
	aps_buf_reset(text);
	aps_buf_add_str(text, field);
	aps_buf_add_text(text, MARK);
	if (text->rc != APS_OK) aps_write_fail(write);
	*mark = (struct aps_list_place){.field = aps_buf_str(text), .is_apart = true};
	return text->rc == APS_OK;
}

static bool is_marked(struct aps_cache_write *write, struct aps_str field)
{
	struct aps_buf text;
	struct aps_list_place mark;
	struct aps_cell value;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	bool is = put_mark_place(write, field, &text, &mark) && aps_list_place_find(write, &mark, &value);
	aps_buf_clear(&text);
	return is;
}

static void set_mark(struct aps_cache_write *write, struct aps_str field, bool is_there)
{
	struct aps_buf text, value;
	struct aps_list_place mark;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_init(&value, APS_BUF_ANY_SIZE);
	if (is_there) aps_cell_put_tag(&value, APS_CELL_TRUE);
	if (value.rc != APS_OK) aps_write_fail(write);
	if (write->err.code == APS_OK && put_mark_place(write, field, &text, &mark))
		aps_list_place_set(write, &mark, aps_buf_str(&value));
	aps_buf_clear(&text);
	aps_buf_clear(&value);
}

void aps_kept_list_mark(struct aps_cache_write *write, const struct aps_list_place *place)
{
	set_mark(write, place->field, true);
}

/* What the operation selects of the root; NULL: a failure of the write. */
static const struct aps_selection_view *root_view(struct aps_cache_write *write, struct aps_binding *binding)
{
	const struct aps_selection_view *view = aps_selection_view(binding, binding->root, binding->root_type);
	if (view == NULL && write->err.code == APS_OK) (void)aps_binding_fail(binding, &write->err);
	return view;
}

void aps_kept_lists_unmark(struct aps_cache_write *write, struct aps_binding *binding)
{
	const struct aps_selection_view *view = root_view(write, binding);
	for (size_t i = 0; view != NULL && i < view->n_fields && write->err.code == APS_OK; i++) {
		const struct aps_selection_field *field = &view->fields[i];
		if (field->selection != NULL && is_marked(write, field->key)) set_mark(write, field->key, false);
	}
}

static bool selects(struct aps_cache_write *write, struct aps_binding *binding, struct aps_str key)
{
	const struct aps_selection_view *view = root_view(write, binding);
	for (size_t i = 0; view != NULL && i < view->n_fields; i++)
		if (aps_str_eq(view->fields[i].key, key)) return true;
	return false;
}

static bool copy(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_buf *out)
{
	struct aps_cell value;
	aps_buf_init(out, APS_BUF_ANY_SIZE);
	if (place->field.n == 0 || !aps_list_place_find(write, place, &value)) return false;
	aps_buf_add_str(out, value.whole);
	if (out->rc != APS_OK) aps_write_fail(write);
	return out->rc == APS_OK;
}

static struct aps_list_place field_of(const struct aps_list_place *place)
{
	return (struct aps_list_place){.field = place->field, .is_apart = place->is_apart};
}

void aps_kept_list_set_aside(struct aps_cache_write *write, struct aps_binding *binding,
                             const struct aps_list_place *place, const struct aps_list_place *token,
                             struct aps_kept_list *list)
{
	const struct aps_list_place field = field_of(place);
	struct aps_buf none;
	aps_kept_list_clear(list);
	if (place->field.n == 0 || !selects(write, binding, place->field)) return;
	if (!is_marked(write, place->field) || !aps_synced_list_is_at(write, place)) return;
	copy(write, token, &list->token);
	if (!copy(write, &field, &list->field) || !copy(write, place, &list->items)) return;
	list->is_aside = true;
	/* a response finds nothing there that it would have to replace */
	aps_buf_init(&none, APS_BUF_ANY_SIZE);
	aps_cell_close_list(&none, 0, 0);
	if (none.rc == APS_OK)
		aps_list_place_set(write, place, aps_buf_str(&none));
	else
		aps_write_fail(write);
	aps_buf_clear(&none);
}

void aps_kept_list_put_back(struct aps_cache_write *write, const struct aps_list_place *place,
                            const struct aps_list_place *token, struct aps_kept_list *list)
{
	const struct aps_list_place field = field_of(place);
	struct aps_cell value;
	if (list->is_aside && aps_list_place_find(write, place, &value)) {
		aps_synced_list_replace(write, place, aps_buf_str(&list->items));
		if (list->token.n != 0) aps_list_place_set(write, token, aps_buf_str(&list->token));
	} else if (list->is_aside) { /* what was around it isn't there any more */
		aps_synced_list_replace(write, &field, aps_buf_str(&list->field));
	}
	if (list->is_aside) set_mark(write, place->field, true);
	aps_kept_list_clear(list);
}

enum aps_kept_list_state aps_kept_list_look(struct aps_cache_write *write, const struct aps_list_place *place)
{
	const struct aps_list_place field = field_of(place);
	struct aps_cell value;
	bool is_there = aps_synced_list_is_at(write, place);
	if (is_marked(write, place->field)) return is_there ? APS_KEPT_LIST_IS_WHOLE : APS_KEPT_LIST_IS_OTHERS;
	return is_there || !aps_list_place_find(write, &field, &value) ? APS_KEPT_LIST_IS_OTHERS
	                                                               : APS_KEPT_LIST_IS_NONE;
}
