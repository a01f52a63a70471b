#include "store/row_texts.h"

void aps_row_texts_init(struct aps_row_texts *texts, struct aps_buf *buf, struct aps_stmt *stmt)
{
	*texts = (struct aps_row_texts){.buf = buf, .stmt = stmt};
	aps_buf_reset(buf);
}

/* The buffer may still move: only the length is kept. */
void aps_row_texts_add(struct aps_row_texts *texts, int column, struct aps_str *place)
{
	struct aps_str text = aps_stmt_column_str(texts->stmt, column);
	APS_ASSERT(texts->n_places < APS_ROW_MAX_TEXTS);
	place->n = text.n;
	texts->places[texts->n_places++] = place;
	aps_buf_add_str(texts->buf, text);
}

enum aps_rc aps_row_texts_finish(struct aps_row_texts *texts, struct aps_err *err)
{
	const char *p = texts->buf->n != 0 ? texts->buf->p : "";
	bool is_short = texts->buf->rc != APS_OK;
	for (size_t i = 0; i < texts->n_places; i++) {
		if (is_short) texts->places[i]->n = 0;
		texts->places[i]->p = is_short ? "" : p;
		p += texts->places[i]->n;
	}
	return is_short ? aps_fail(err, APS_E_NOMEM, "no memory for a row of the outbox") : APS_OK;
}
