#include "client/late_request.h"

#include "base/clock.h"

void aps_late_request_begin(struct aps_late_request *request)
{
	*request = (struct aps_late_request){.has_begun = true, .begun_ms = aps_clock_mono_ms()};
}

/* By the clock on the wall: a moment that can't be is now. */
void aps_late_request_find(struct aps_late_request *request, int64_t lease_ms)
{
	if (request->has_begun) return;
	int64_t age_ms = aps_clock_wall_ms() - (lease_ms - APS_QUEUE_LEASE_MS);
	aps_late_request_begin(request);
	if (lease_ms != 0 && age_ms > 0) request->begun_ms -= age_ms;
}

int64_t aps_late_request_left_ms(const struct aps_late_request *request, const struct aps_queue *queue,
                                 const struct aps_safety *safety)
{
	bool is_merged = queue->merges && safety->class == APS_SAFETY_VERSIONED;
	int64_t lifetime_ms = queue->settings.request_lifetime_ms;
	if (lifetime_ms < 0) lifetime_ms = is_merged ? APS_LATE_REQUEST_MS : 0;
	int64_t age_ms = aps_clock_mono_ms() - request->begun_ms;
	return age_ms < lifetime_ms ? lifetime_ms - age_ms : 0;
}

enum aps_rc aps_late_request_learn(struct aps_queue *queue, const struct aps_safety *safety, int64_t version,
                                   struct aps_err *err)
{
	bool merges = safety->class == APS_SAFETY_VERSIONED && version > safety->version + 1;
	if (!merges) return APS_OK;
	queue->merges = true;
	return aps_queue_note_fact(queue, APS_OUTBOX_FACT_MERGES, err);
}
