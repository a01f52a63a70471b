/* The other processes that have a store's file, and how they are told that there is something to look at: each has a
 * door (rt/door.h) beside the file, STORE-wake- and the number of its slot (client/claim.h), so whose lock says that it
 * lives has one. A knock says no more than that a look is worth it, and what is found is what the file says: one that
 * is lost, or that no door was there for, costs the time until the next look (client/sharing.h), and one by a stranger
 * nothing but a look. @thread core */
#ifndef APS_CLIENT_NEIGHBOURS_H
#define APS_CLIENT_NEIGHBOURS_H

#include "base/buf.h"
#include "client/claim.h"
#include "rt/door.h"

/* What a knock says, beside that something was committed. */
enum aps_knock {
	APS_KNOCK_URGENT = 1, /* somebody waits for what was committed */
	APS_KNOCK_LEFT = 2,   /* a lead may be free */
};

struct aps_neighbours {
	struct aps_door door;
	char *stem;          /* of doors' paths; NULL: it wasn't opened */
	int folder;          /* that they go by; -1: by its name */
	struct aps_buf here; /* int: slots, as they were known last, in their order */
	bool has_swept;
};

APS_BEGIN_DECLS

void aps_neighbours_init(struct aps_neighbours *neighbours);
/* Opens a door, and knocks at all others; where that can't be it is as if all knocks were lost. `path`: of the file,
 * without links. Again is legal. */
void aps_neighbours_open(struct aps_neighbours *neighbours, const char *path, const struct aps_claim *claim);
/* After the claim was released: the others are told that it is. Twice is legal. */
void aps_neighbours_close(struct aps_neighbours *neighbours);
bool aps_neighbours_are_open(const struct aps_neighbours *neighbours);
/* Who is there now. A door that was removed is made anew. What those have left that are gone is removed: those that
 * were known, and where this process leads, all, once. */
void aps_neighbours_look(struct aps_neighbours *neighbours, const struct aps_claim *claim);
/* Waits for nobody. */
void aps_neighbours_knock(const struct aps_neighbours *neighbours, unsigned char what);
/* True: somebody has knocked; *what: enum aps_knock, or 0. */
bool aps_neighbours_answer(const struct aps_neighbours *neighbours, unsigned *what);

APS_END_DECLS

#endif
