#include "client/sync_answer.h"

#include "sync/page_check.h"

/* Where records join by rule the root field is a list. Elsewhere it may be one record, which isn't there any more;
 * several can only have been a list. */
static bool may_be_nothing(const struct aps_sync_run *run)
{
	const struct aps_checkpoint *known = &run->machine.checkpoint;
	return !run->settings->keeps_list && known->n_base_records <= 1 && !known->base.is_open;
}

static enum aps_rc read_page(struct aps_sync_run *run, struct aps_sync_answer *answer, struct aps_err *err)
{
	bool is_base = answer->query == APS_SYNC_BASE_QUERY;
	const struct aps_sync_part *part = &run->settings->parts[is_base ? APS_SYNC_PART_BASE : APS_SYNC_PART_DELTA];
	const struct aps_gqlhttp_response *response = &answer->outcome.response;
	const struct aps_page_duty duty = {
	        .is_base = is_base,
	        .keeps_list = run->settings->keeps_list && !part->has_update,
	        .may_be_nothing = may_be_nothing(run),
	        .asks_next = part->token_variable != NULL && !part->has_page,
	        .is_catch_up = run->settings->hands_over,
	};
	enum aps_rc rc = aps_page_read(&answer->page, &part->names, response->data, err);
	if (rc != APS_OK) return rc;
	if (run->settings->hands_over && part->has_update) return APS_OK; /* a function makes events of anything */
	return aps_page_check(&answer->page, &part->names, &duty, response->errors, err);
}

bool aps_sync_answer_read(struct aps_sync_run *run, struct aps_sync_answer *answer)
{
	struct aps_gqlhttp_response *response = &answer->outcome.response;
	struct aps_err err;
	bool has_data = response->data.n != 0 && (response->err.code == APS_OK || response->has_value);
	if (answer->is_read || !has_data) return has_data;
	answer->is_read = read_page(run, answer, &err) == APS_OK;
	if (answer->is_read) return true;
	/* where the service says why, that is more */
	if (err.code != APS_E_PROTOCOL || response->err.code == APS_OK) response->err = err;
	return false;
}
