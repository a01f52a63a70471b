/* A row of the store that optimistic layers may cover: what is made of it lives as long as the row is looked at. */
#ifndef APS_CLIENT_COVERED_ROW_H
#define APS_CLIENT_COVERED_ROW_H

#include "cache/entry.h"

struct aps_covered_row {
	struct aps_buf text;    /* the key, then the content and a zero */
	struct aps_buf patches; /* of the layers */
	struct aps_buf content; /* what they make of it */
};

APS_BEGIN_DECLS

/* With copies of both. */
void aps_covered_row_init(struct aps_covered_row *kept, struct aps_str key, struct aps_str content);
void aps_covered_row_clear(struct aps_covered_row *kept);
/* Puts what the patches make of the row into it. E_NOMEM, what applying them says. */
enum aps_rc aps_covered_row_apply(struct aps_covered_row *kept, struct aps_entries *entries, struct aps_entry_row *row,
                                  struct aps_err *err);

APS_END_DECLS

#endif
