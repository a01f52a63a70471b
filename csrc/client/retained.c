#include "client/retained.h"

#include "base/mem.h"

bool aps_retentions_add(struct aps_retentions *all, uint64_t id, struct aps_operation *operation)
{
	struct aps_retained *retained = aps_calloc(1, sizeof *retained);
	if (retained == NULL) return false;
	retained->id = id;
	retained->operation = *operation;
	*operation = (struct aps_operation){.document = NULL};
	retained->next = all->first;
	all->first = retained;
	return true;
}

static void end_reading(struct aps_retentions *all)
{
	if (all->reading != NULL) aps_hold_clear(&all->hold);
	all->reading = NULL;
}

void aps_retentions_remove(struct aps_retentions *all, uint64_t id)
{
	struct aps_retained **at = &all->first;
	while (*at != NULL && (*at)->id != id) at = &(*at)->next;
	struct aps_retained *retained = *at;
	if (retained == NULL) return;
	if (all->reading == retained) end_reading(all);
	*at = retained->next;
	aps_operation_clear(&retained->operation);
	aps_free(retained);
}

void aps_retentions_clear(struct aps_retentions *all)
{
	while (all->first != NULL) aps_retentions_remove(all, all->first->id);
}

void aps_retentions_begin(struct aps_retentions *all)
{
	end_reading(all);
	for (struct aps_retained *retained = all->first; retained != NULL; retained = retained->next)
		retained->is_held = false;
}

static struct aps_retained *next_to_hold(const struct aps_retentions *all)
{
	struct aps_retained *retained = all->first;
	while (retained != NULL && retained->is_held) retained = retained->next;
	return retained;
}

bool aps_retentions_are_held(const struct aps_retentions *all)
{
	return next_to_hold(all) == NULL;
}

static enum aps_rc begin_reading(struct aps_retentions *all, struct aps_collect *collect, struct aps_err *err)
{
	struct aps_retained *retained = next_to_hold(all);
	if (retained == NULL) return APS_OK;
	const struct aps_operation *operation = &retained->operation;
	enum aps_rc rc = aps_hold_init(&all->hold, collect, operation->document, operation->definition,
	                               aps_operation_variables(operation), err);
	if (rc == APS_OK)
		all->reading = retained;
	else
		aps_hold_clear(&all->hold);
	return rc;
}

enum aps_rc aps_retentions_step(struct aps_retentions *all, struct aps_collect *collect, size_t max_rows, bool *is_done,
                                struct aps_err *err)
{
	enum aps_rc rc = all->reading == NULL ? begin_reading(all, collect, err) : APS_OK;
	*is_done = false;
	if (rc != APS_OK) return rc;
	*is_done = all->reading == NULL;
	if (*is_done) return APS_OK;
	bool is_read;
	rc = aps_hold_step(&all->hold, max_rows, &is_read, err);
	if (rc != APS_OK || !is_read) return rc;
	all->reading->is_held = true;
	end_reading(all);
	return APS_OK;
}
