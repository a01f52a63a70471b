#include "cache/references.h"

#include "cache/long_list.h"

static void visit_value(const struct aps_cell *value, struct aps_reference_sink *sink, unsigned depth);

static void visit_fields(struct aps_str fields, struct aps_reference_sink *sink, unsigned depth)
{
	struct aps_cell_field field;
	while (aps_cell_take_field(&fields, &field)) visit_value(&field.value, sink, depth);
}

static void visit_items(struct aps_str items, struct aps_reference_sink *sink, unsigned depth)
{
	struct aps_cell item;
	while (aps_cell_take(&items, &item)) visit_value(&item, sink, depth);
}

/* What each edit does is said by one byte before its items. */
static void visit_edits(struct aps_str edits, struct aps_reference_sink *sink, unsigned depth)
{
	struct aps_cell item;
	while (edits.n != 0) {
		size_t n_items = edits.p[0] == '+' ? 2 : 1;
		edits = (struct aps_str){edits.p + 1, edits.n - 1};
		for (size_t i = 0; i < n_items; i++) {
			if (!aps_cell_take(&edits, &item)) return;
			visit_value(&item, sink, depth);
		}
	}
}

static void visit_value(const struct aps_cell *value, struct aps_reference_sink *sink, unsigned depth)
{
	if (depth >= APS_CELL_MAX_DEPTH) return;
	if (value->tag == APS_CELL_REF || value->tag == APS_CELL_LONG_LIST) {
		bool is_record = value->tag == APS_CELL_REF;
		const struct aps_reference reference = {is_record ? APS_REFERS_TO_RECORD : APS_REFERS_TO_LONG_LIST,
		                                        value->as.entry, is_record ? 0 : value->n_items};
		sink->found(sink, &reference);
	} else if (value->tag == APS_CELL_LIST) {
		visit_items(value->text, sink, depth + 1);
	} else if (value->tag == APS_CELL_OBJECT || value->tag == APS_CELL_PATCH) {
		visit_fields(value->text, sink, depth + 1);
	} else if (value->tag == APS_CELL_EDIT) {
		visit_edits(value->text, sink, depth + 1);
	}
}

void aps_references_of_fields(struct aps_str fields, struct aps_reference_sink *sink)
{
	visit_fields(fields, sink, 0);
}

void aps_references_of_value(struct aps_str value, struct aps_reference_sink *sink)
{
	visit_items(value, sink, 0);
}

void aps_references_of_long_list(struct aps_str content, struct aps_reference_sink *sink)
{
	struct aps_long_block block;
	while (aps_long_list_take(&content, &block)) {
		const struct aps_reference reference = {APS_REFERS_TO_BLOCK, block.number, 0};
		sink->found(sink, &reference);
	}
}

void aps_references_of_patch(struct aps_str patch, struct aps_reference_sink *sink)
{
	if (patch.n == 0) return;
	struct aps_str rest = {patch.p + 1, patch.n - 1};
	if (patch.p[0] == 'F')
		visit_fields(rest, sink, 0);
	else
		visit_items(rest, sink, 0);
}
