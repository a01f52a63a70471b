#include "sync/sync_progress.h"

uint64_t aps_sync_max_records(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint)
{
	if (options->max_records == 0) return 0;
	return checkpoint->max_records > options->max_records ? checkpoint->max_records : options->max_records;
}

bool aps_sync_is_partial(const struct aps_checkpoint *checkpoint)
{
	return checkpoint->base.is_open || checkpoint->is_truncated;
}

static void begin(struct aps_sync_pass *pass, int64_t made_ms, int64_t since_ms)
{
	struct aps_buf token = pass->token;
	*pass = (struct aps_sync_pass){.began_ms = made_ms, .since_ms = since_ms, .token = token};
}

static void add_page(struct aps_sync_pass *pass, const struct aps_sync_page_facts *page)
{
	pass->is_open = true;
	pass->n_pages++;
	pass->n_records += page->n_records;
	pass->n_bytes += page->n_bytes;
	aps_buf_reset(&pass->token);
	aps_buf_add_str(&pass->token, page->token);
}

/* Its counts stay: they say how much the last pass has brought. */
static void end(struct aps_sync_pass *pass)
{
	pass->is_open = false;
	aps_buf_reset(&pass->token);
}

static void add_base_page(struct aps_checkpoint *c, const struct aps_delta_sync_options *options,
                          const struct aps_sync_place *place, struct aps_sync_progress *progress)
{
	uint64_t max_records = aps_sync_max_records(options, c);
	if (place->is_first) begin(&c->base, place->made_ms, place->known_ms);
	add_page(&c->base, place->page);
	c->max_records = max_records;
	bool is_complete = place->page->token.n == 0;
	c->is_truncated = !is_complete && max_records > 0 && c->base.n_records >= max_records;
	progress->is_last = is_complete || c->is_truncated;
	progress->list = is_complete       ? APS_SYNC_LIST_COMPLETE
	                 : c->is_truncated ? APS_SYNC_LIST_SHOW
	                 : place->is_first ? APS_SYNC_LIST_BEGIN
	                                   : APS_SYNC_LIST_ADD;
	progress->begins_and_completes = place->is_first && progress->is_last;
	if (!progress->is_last) return;
	c->base_ms = c->base.began_ms;
	c->last_sync_ms = c->base.since_ms;
	c->n_base_records = c->base.n_records;
	c->has_missed = place->has_gap;
	end(&c->delta);
	if (is_complete) end(&c->base);
	c->base.is_open = false;
}

static void add_delta_page(struct aps_checkpoint *c, const struct aps_sync_place *place,
                           struct aps_sync_progress *progress)
{
	if (place->is_first) begin(&c->delta, place->known_ms, place->since_ms);
	add_page(&c->delta, place->page);
	progress->is_last = place->page->token.n == 0;
	if (!progress->is_last) return;
	end(&c->delta);
	/* What the pages of a base pass don't show is known up to then. */
	if (aps_sync_is_partial(c)) c->base.since_ms = c->delta.began_ms;
	if (place->is_inside) return; /* of what is shown meanwhile, older changes may be missing */
	c->last_sync_ms = c->delta.began_ms;
	c->has_missed = place->has_gap;
}

int64_t aps_sync_seen_ms(const struct aps_checkpoint *known, int64_t now_ms)
{
	const int64_t times[] = {known->base_ms, known->last_sync_ms, known->base.began_ms};
	for (size_t i = 0; i < APS_COUNTOF(times); i++)
		if (times[i] > now_ms) now_ms = times[i];
	return now_ms;
}

/* What is older than a deletion may come behind it: events that were late. That the pass has begun later proves
 * nothing: the clock that has seen the deletion may have stood still, with the device. The pass before it has, too. */
static int64_t forgets_before_ms(const struct aps_checkpoint *before, const struct aps_checkpoint *next,
                                 const struct aps_delta_sync_options *options, const struct aps_sync_place *place)
{
	int64_t began_ms = 0;
	if (place->query == APS_SYNC_BASE_QUERY)
		began_ms = before->base_ms < next->base_ms ? before->base_ms : next->base_ms;
	else if (!options->has_base)
		began_ms = before->last_sync_ms < next->last_sync_ms ? before->last_sync_ms : next->last_sync_ms;
	return began_ms > APS_SYNC_REMEMBERED_MS ? began_ms - APS_SYNC_REMEMBERED_MS : 0;
}

enum aps_rc aps_sync_progress(struct aps_checkpoint *next, const struct aps_checkpoint *checkpoint,
                              const struct aps_delta_sync_options *options, const struct aps_sync_place *place,
                              struct aps_sync_progress *progress, struct aps_err *err)
{
	struct aps_checkpoint made;
	aps_checkpoint_init(&made);
	enum aps_rc rc = aps_checkpoint_copy(&made, checkpoint, err);
	if (rc != APS_OK) return rc;
	*progress = (struct aps_sync_progress){.list = APS_SYNC_LIST_NONE};
	if (place->query == APS_SYNC_BASE_QUERY)
		add_base_page(&made, options, place, progress);
	else
		add_delta_page(&made, place, progress);
	if (made.base.token.rc != APS_OK || made.delta.token.rc != APS_OK) {
		aps_checkpoint_clear(&made);
		return aps_fail(err, APS_E_NOMEM, "no memory for the checkpoint of a sync");
	}
	if (progress->is_last) progress->forgets_before_ms = forgets_before_ms(checkpoint, &made, options, place);
	aps_checkpoint_clear(next);
	*next = made;
	return APS_OK;
}
