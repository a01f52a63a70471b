/* Which entries a reader has read, for the core to know what was used: each once a minute. */
#ifndef APS_CLIENT_USES_H
#define APS_CLIENT_USES_H

#include "base/buf.h"
#include "cache/number_set.h"

struct aps_uses {
	bool is_noting;
	int64_t minute;              /* of the read; 0: nobody knows */
	struct aps_number_set noted; /* in this minute */
	struct aps_buf untold;       /* uint64_t: of them those that the core isn't told of */
	int64_t told_s;
};

APS_BEGIN_DECLS

void aps_uses_init(struct aps_uses *uses);
void aps_uses_clear(struct aps_uses *uses);
/* Entries have other numbers from now on. */
void aps_uses_forget(struct aps_uses *uses);
void aps_uses_begin_minute(struct aps_uses *uses, int64_t minute);
/* Without memory it wasn't used. */
void aps_uses_note(struct aps_uses *uses, uint64_t number);
/* Those that the core isn't told of yet, at most `max`. 0: it isn't worth a message, until a minute is over or there
 * are so many. */
size_t aps_uses_take(struct aps_uses *uses, int64_t now_s, uint64_t *numbers, size_t max);

APS_END_DECLS

#endif
