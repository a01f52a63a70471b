#include "client/kept_read.h"

#include "cache/data_shape.h"

#define MAX_KEPT_BYTES ((size_t)64 * 1024) /* a larger binding is made anew, as is a larger buffer */

static void unbind(struct aps_kept_read *kept)
{
	if (kept->is_bound) aps_binding_clear(&kept->binding);
	kept->is_bound = false;
	aps_kept_read_let_go(kept);
	aps_buf_clear(&kept->variables);
}

/* Nobody has learned a name meanwhile that it lacks. */
static bool is_still_bound(const struct aps_kept_read_names *names, const struct aps_kept_read *kept)
{
	return kept->is_bound && kept->n_renamings == names->n_renamings &&
	       kept->n_names == aps_names_last_lasting(names->names);
}

static enum aps_rc bind_anew(const struct aps_kept_read_names *names, struct aps_kept_read *kept,
                             struct aps_str variables, struct aps_err *err)
{
	if (kept->is_bound) aps_binding_clear(&kept->binding);
	kept->binding = (struct aps_binding){.policies = names->policies, .names = names->names};
	kept->n_bindings++;
	enum aps_rc rc = aps_binding_init(&kept->binding, kept->document, kept->definition, variables, err);
	kept->is_bound = rc == APS_OK;
	kept->n_renamings = names->n_renamings;
	kept->n_names = aps_names_last_lasting(names->names);
	return rc;
}

enum aps_rc aps_kept_read_bind(struct aps_kept_read *kept, const struct aps_kept_read_names *names,
                               struct aps_str variables, struct aps_err *err)
{
	bool is_bound = is_still_bound(names, kept);
	if (is_bound && aps_str_eq(aps_buf_str(&kept->variables), variables)) return APS_OK;
	aps_kept_read_let_go(kept);
	aps_buf_reset(&kept->variables);
	aps_buf_add_str(&kept->variables, variables);
	variables = aps_buf_str(&kept->variables); /* which the binding refers to */
	if (kept->variables.rc != APS_OK) {
		unbind(kept);
		return aps_fail(err, APS_E_NOMEM, "no memory for a read of the cache");
	}
	if (is_bound && aps_binding_change(&kept->binding, kept->definition, variables)) return APS_OK;
	return bind_anew(names, kept, variables, err);
}

void aps_kept_read_init(struct aps_kept_read *kept, struct aps_gql_document *document,
                        const struct aps_gql_operation *definition)
{
	*kept = (struct aps_kept_read){.document = aps_gql_document_ref(document), .definition = definition};
	aps_read_result_init(&kept->result, APS_BUF_ANY_SIZE);
	aps_buf_init(&kept->variables, APS_BUF_ANY_SIZE);
	aps_buf_init(&kept->root, APS_BUF_ANY_SIZE);
}

void aps_kept_read_turn_to(struct aps_kept_read *kept, struct aps_gql_document *document,
                           const struct aps_gql_operation *definition)
{
	if (kept->document == document && kept->definition == definition) return;
	aps_kept_read_clear(kept);
	aps_kept_read_init(kept, document, definition);
}

void aps_kept_read_rest(struct aps_kept_read *kept)
{
	unbind(kept);
	aps_buf_clear(&kept->root);
	aps_read_result_clear(&kept->result);
}

void aps_kept_read_clear(struct aps_kept_read *kept)
{
	if (kept->document == NULL) return;
	aps_kept_read_rest(kept);
	aps_gql_document_unref(kept->document);
	kept->document = NULL;
}

bool aps_kept_read_holds(const struct aps_kept_read *kept, const struct aps_kept_moment *moment,
                         const struct aps_read_options *options)
{
	const struct aps_kept_moment *then = &kept->moment;
	return kept->answer != 0 && then->n_changes == moment->n_changes && then->time == moment->time &&
	       kept->result.data.n <= kept->result.data.max_bytes &&
	       aps_str_eq(aps_buf_str(&kept->root), options->root);
}

void aps_kept_read_keep(struct aps_kept_read *kept, const struct aps_kept_moment *moment,
                        const struct aps_read_options *options, uint64_t number)
{
	aps_buf_reset(&kept->root);
	aps_buf_add_str(&kept->root, options->root);
	kept->moment = *moment;
	kept->answer = kept->result.n_missing == 0 && kept->root.rc == APS_OK ? number : 0;
}

void aps_kept_read_let_go(struct aps_kept_read *kept)
{
	kept->answer = 0;
}

void aps_kept_read_shrink(struct aps_kept_read *kept)
{
	size_t n_bytes = kept->binding.arena.held_bytes + kept->binding.varying_arena.held_bytes;
	if (kept->is_bound && n_bytes + kept->variables.capacity > MAX_KEPT_BYTES) unbind(kept);
	if (kept->result.data.capacity <= MAX_KEPT_BYTES) return;
	aps_kept_read_let_go(kept);
	aps_buf_clear(&kept->result.data);
}

enum aps_rc aps_kept_read_complete(struct aps_kept_read *kept, struct aps_str type, struct aps_str data,
                                   struct aps_buf *out, struct aps_err *err)
{
	enum aps_rc rc = aps_data_complete(out, &kept->binding, type, data, err);
	if (rc == APS_OK)
		aps_kept_read_shrink(kept);
	else
		aps_kept_read_rest(kept);
	return rc;
}
