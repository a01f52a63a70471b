/* What becomes of the records of a page or an event. */
#ifndef APS_CLIENT_SYNC_JUDGEMENT_H
#define APS_CLIENT_SYNC_JUDGEMENT_H

#include "base/buf.h"

/* X(name): what becomes of a record. */
#define APS_SYNC_FATE_MAP(X)                                                                                           \
	X(NEW)     /* newer than all that is known */                                                                  \
	X(SAME)    /* nobody can tell, or it is what is known */                                                       \
	X(PARTIAL) /* an event whose nulls say nothing: the mutation hasn't selected the version, or there is none */  \
	X(OLD)     /* something newer is known: a page may tell what that lacks */                                     \
	X(DELETED) /* it is no more */                                                                                 \
	X(BAD)     /* it can't be taken */

enum aps_sync_fate {
#define APS_SYNC_FATE_ENUM(name) APS_SYNC_IS_##name,
	APS_SYNC_FATE_MAP(APS_SYNC_FATE_ENUM)
#undef APS_SYNC_FATE_ENUM
};

struct aps_sync_judged {
	enum aps_sync_fate fate;
	bool stays_out; /* OLD, an event or of what was deleted, or the page has a newer state: no list has it for that
	                 */
	bool fills;     /* OLD, of a page: what nobody knows of it is taken from there, unless it stays out */
	size_t key_at, n_key; /* in the keys, "RPost:1"; n 0: it has no identity */
};

struct aps_sync_judgement {
	struct aps_buf records; /* struct aps_sync_judged, one for each of the page */
	struct aps_buf keys;
	size_t n_of[APS_SYNC_IS_BAD + 1];
	bool has_partial; /* something of it, whatever its fate, didn't tell the version: it has to be fetched */
};

APS_BEGIN_DECLS

/* An empty one. */
void aps_sync_judgement_init(struct aps_sync_judgement *judgement);
/* Twice is legal. */
void aps_sync_judgement_clear(struct aps_sync_judgement *judgement);

APS_END_DECLS

#endif
