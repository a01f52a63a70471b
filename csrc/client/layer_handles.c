#include "client/layer_handles.h"

struct aps_layer_handle {
	uint64_t handle, id;
	bool is_passing;
	bool is_new;  /* it came in this turn */
	bool is_over; /* it ended in this turn */
};

void aps_layer_handles_init(struct aps_layer_handles *handles)
{
	*handles = (struct aps_layer_handles){.is_paid = false};
	aps_buf_init(&handles->known, APS_BUF_ANY_SIZE);
	aps_buf_init(&handles->owed, APS_BUF_ANY_SIZE);
}

void aps_layer_handles_clear(struct aps_layer_handles *handles)
{
	aps_buf_clear(&handles->known);
	aps_buf_clear(&handles->owed);
	handles->is_paid = false;
}

static struct aps_layer_handle *all_of(const struct aps_layer_handles *handles)
{
	return (struct aps_layer_handle *)(void *)handles->known.p;
}

static size_t count(const struct aps_layer_handles *handles)
{
	return handles->known.n / sizeof(struct aps_layer_handle);
}

/* Also for what it may be owed one day: that must not fail. */
bool aps_layer_handles_reserve(struct aps_layer_handles *handles)
{
	size_t n_owed = (count(handles) + 1) * sizeof(uint64_t);
	if (aps_buf_reserve(&handles->known, sizeof(struct aps_layer_handle)) != NULL &&
	    aps_buf_reserve(&handles->owed, n_owed) != NULL)
		return true;
	handles->known.rc = handles->owed.rc = APS_OK;
	return false;
}

void aps_layer_handles_add(struct aps_layer_handles *handles, uint64_t handle, uint64_t id, bool is_passing)
{
	const struct aps_layer_handle one = {handle, id, is_passing, true, false};
	aps_buf_add(&handles->known, &one, sizeof one);
}

uint64_t aps_layer_handles_find(const struct aps_layer_handles *handles, uint64_t handle)
{
	const struct aps_layer_handle *all = all_of(handles);
	for (size_t i = count(handles); i-- > 0;)
		if (all[i].handle == handle) return all[i].is_over ? 0 : all[i].id;
	return 0;
}

static void owe(struct aps_layer_handles *handles, uint64_t id)
{
	aps_buf_add(&handles->owed, &id, sizeof id);
	handles->is_paid = false;
}

/* Those of which `stays` isn't true go. */
static void keep(struct aps_layer_handles *handles, bool (*stays)(const struct aps_layer_handle *handle))
{
	struct aps_layer_handle *all = all_of(handles);
	size_t n = count(handles), n_kept = 0;
	for (size_t i = 0; i < n; i++)
		if (stays(&all[i])) all[n_kept++] = all[i];
	handles->known.n = n_kept * sizeof *all;
}

void aps_layer_handles_end(struct aps_layer_handles *handles, uint64_t id, bool is_written)
{
	struct aps_layer_handle *all = all_of(handles);
	for (size_t i = 0; i < count(handles); i++) {
		bool ends = (all[i].id == id || id == 0) && (is_written || all[i].is_passing);
		if (!ends || all[i].is_over) continue;
		all[i].is_over = true;
		if (!is_written) owe(handles, all[i].id);
	}
}

static bool is_known(const struct aps_layer_handles *handles, uint64_t id)
{
	const struct aps_layer_handle *all = all_of(handles);
	for (size_t i = 0; i < count(handles); i++)
		if (all[i].id == id && !all[i].is_over) return true;
	return false;
}

bool aps_layer_handles_owe_others(struct aps_layer_handles *handles, const struct aps_buf *ids)
{
	const uint64_t *all = (const uint64_t *)(const void *)ids->p;
	if (ids->n != 0 && aps_buf_reserve(&handles->owed, ids->n + handles->known.n) == NULL) {
		handles->owed.rc = APS_OK;
		return false;
	}
	for (size_t i = 0; i < ids->n / sizeof *all; i++)
		if (!is_known(handles, all[i])) owe(handles, all[i]);
	return true;
}

static bool lasts(const struct aps_layer_handle *handle)
{
	return !handle->is_over;
}

static bool was_there(const struct aps_layer_handle *handle)
{
	return !handle->is_over && !handle->is_new;
}

void aps_layer_handles_committed(struct aps_layer_handles *handles)
{
	struct aps_layer_handle *all = all_of(handles);
	if (handles->is_paid) handles->owed.n = 0;
	handles->is_paid = false;
	if (handles->known.n == 0) return;
	keep(handles, lasts);
	for (size_t i = 0; i < count(handles); i++) all[i].is_new = false;
}

void aps_layer_handles_failed(struct aps_layer_handles *handles)
{
	struct aps_layer_handle *all = all_of(handles);
	for (size_t i = 0; i < count(handles); i++) {
		if (all[i].is_over && !all[i].is_new && all[i].is_passing) owe(handles, all[i].id);
		if (!all[i].is_passing) all[i].is_over = false;
	}
	handles->is_paid = false; /* it is to be paid again */
	keep(handles, was_there);
}
