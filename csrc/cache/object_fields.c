#include "cache/object_fields.h"

#include "codec/json_writer.h"

/* *view: NULL where the steps lead to nothing. */
static enum aps_rc follow(struct aps_binding *binding, const struct aps_object_step *steps, size_t n_steps,
                          const struct aps_selection_view **view, struct aps_err *err)
{
	*view = aps_selection_view(binding, binding->root, binding->root_type);
	for (size_t i = 0; *view != NULL && i < n_steps; i++) {
		size_t at = 0;
		const struct aps_selection_field *field = aps_selection_find(*view, steps[i].response_key, &at);
		if (field == NULL || field->selection == NULL) {
			*view = NULL;
			return APS_OK;
		}
		*view = aps_selection_view(binding, field->selection, steps[i].type);
	}
	return *view != NULL ? APS_OK : aps_binding_fail(binding, err);
}

enum aps_rc aps_object_fields(struct aps_buf *out, struct aps_binding *binding, const struct aps_object_step *steps,
                              size_t n_steps, struct aps_err *err)
{
	const struct aps_selection_view *view;
	enum aps_rc rc = follow(binding, steps, n_steps, &view, err);
	if (rc != APS_OK) return rc;
	struct aps_json_writer w;
	aps_json_writer_init(&w, out);
	aps_json_write_array(&w);
	for (size_t i = 0; view != NULL && i < view->n_fields; i++) {
		if (view->fields[i].selection == NULL) continue;
		aps_json_write_string(&w, view->fields[i].response_key);
		aps_json_write_string(&w, view->fields[i].key);
	}
	aps_json_write_array_end(&w);
	if (aps_json_writer_finish(&w) == APS_OK) return APS_OK;
	if (err != NULL) *err = w.err;
	return w.err.code;
}
