#include "client/parking.h"

void aps_parking_add(struct aps_parking *parking, struct aps_parked *parked, uint64_t question)
{
	parked->next = NULL;
	parked->parking = parking;
	parked->question = question;
	if (parking->last != NULL)
		parking->last->next = parked;
	else
		parking->first = parked;
	parking->last = parked;
}

bool aps_parking_tell(struct aps_parking *parking, uint64_t question, struct aps_asked *asked,
                      struct aps_asked_merges *merges)
{
	struct aps_parked *parked = parking->first;
	while (parked != NULL && parked->question != question) parked = parked->next;
	if (parked == NULL) return false;
	parked->question = 0;
	if (asked != NULL) parked->asked = asked;
	if (merges != NULL) parked->merges = merges;
	return true;
}

struct aps_parked *aps_parking_first(const struct aps_parking *parking)
{
	struct aps_parked *parked = parking->first;
	return parked != NULL && parked->question == 0 ? parked : NULL;
}

void aps_parking_take(struct aps_parking *parking, struct aps_parked *parked)
{
	parking->first = parked->next;
	if (parking->first == NULL) parking->last = NULL;
	parked->next = NULL;
	parked->parking = NULL;
	aps_asked_unref(parked->asked);
	aps_asked_merges_unref(parked->merges);
	parked->asked = NULL;
	parked->merges = NULL;
}

void aps_parking_clear(struct aps_parking *parking)
{
	for (struct aps_parked *parked = parking->first; parked != NULL; parked = parked->next) {
		parked->question = 0;
		parked->is_dropped = true;
	}
}
