/* Pages whose tokens lead in a circle, so that the pass would never end: a page brings the records and the token that
 * one before it has brought. Found in no more pages than three times the circle and what is before it (Brent's
 * algorithm), whatever they are. */
#ifndef APS_SYNC_PAGE_CIRCLE_H
#define APS_SYNC_PAGE_CIRCLE_H

#include "sync/page.h"

/* Zero-initialise it, also for the first page of another pass and for a page that is asked for again. */
struct aps_page_circle {
	uint64_t mark;    /* a page before */
	uint64_t n_since; /* pages since then */
	uint64_t n_most;  /* when the mark moves on; 0: there is none yet */
};

APS_BEGIN_DECLS

/* The next page, and the token of the one behind it. True: it was there before. */
bool aps_page_circle_closes(struct aps_page_circle *circle, const struct aps_page *page, struct aps_str token);

APS_END_DECLS

#endif
