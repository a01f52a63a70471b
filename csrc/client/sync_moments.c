#include "client/sync_moments.h"

#include "base/mem.h"

#include <string.h>

void aps_sync_moments_keep(struct aps_sync_moments **first, const struct aps_sync_moments *moments)
{
	struct aps_sync_moments *kept = aps_malloc(sizeof *kept);
	if (kept == NULL) return;
	*kept = *moments;
	kept->next = *first;
	*first = kept;
}

void aps_sync_moments_take(struct aps_sync_moments **first, const char *name, struct aps_sync_moments *taken)
{
	*taken = (struct aps_sync_moments){.next = NULL};
	while (*first != NULL && strcmp((*first)->name, name) != 0) first = &(*first)->next;
	struct aps_sync_moments *kept = *first;
	if (kept == NULL) return;
	*first = kept->next;
	*taken = *kept;
	aps_free(kept);
}

void aps_sync_moments_free(struct aps_sync_moments **first)
{
	while (*first != NULL) {
		struct aps_sync_moments *kept = *first;
		*first = kept->next;
		aps_free(kept);
	}
}
