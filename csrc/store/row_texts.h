/* The texts of a row, copied before the statement goes on: whoever has the row may run others. */
#ifndef APS_STORE_ROW_TEXTS_H
#define APS_STORE_ROW_TEXTS_H

#include "base/buf.h"
#include "store/db.h"

#define APS_ROW_MAX_TEXTS 8

struct aps_row_texts {
	struct aps_buf *buf;
	struct aps_stmt *stmt;
	struct aps_str *places[APS_ROW_MAX_TEXTS];
	size_t n_places;
};

APS_BEGIN_DECLS

/* What was in `buf` goes. */
void aps_row_texts_init(struct aps_row_texts *texts, struct aps_buf *buf, struct aps_stmt *stmt);
/* *place is set by aps_row_texts_finish(). */
void aps_row_texts_add(struct aps_row_texts *texts, int column, struct aps_str *place);
enum aps_rc aps_row_texts_finish(struct aps_row_texts *texts, struct aps_err *err);

APS_END_DECLS

#endif
