/* Growable bytes with a ceiling. A failure is sticky: appends after it do nothing, and the writer looks at
 * `rc` once, at the end. The bytes are always followed by a zero that is not counted, once one byte was added. */
#ifndef APS_BASE_BUF_H
#define APS_BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct aps_buf {
	char *p;
	size_t n;
	size_t capacity;
	size_t max_bytes;
	enum aps_rc rc; /* APS_OK, APS_E_NOMEM or APS_E_TOO_BIG */
};

#define APS_BUF_ANY_SIZE (SIZE_MAX / 4)

APS_BEGIN_DECLS

/* No allocation. `max_bytes`: the ceiling; APS_BUF_ANY_SIZE where the size is our own choice. */
void aps_buf_init(struct aps_buf *buf, size_t max_bytes);
/* Frees the bytes; the ceiling stays, the buffer can be used again. */
void aps_buf_clear(struct aps_buf *buf);
/* Empties it and keeps the memory. */
void aps_buf_reset(struct aps_buf *buf);
void aps_buf_add(struct aps_buf *buf, const void *p, size_t n);
void aps_buf_add_str(struct aps_buf *buf, struct aps_str text);
void aps_buf_add_text(struct aps_buf *buf, const char *zero_terminated);
void aps_buf_add_byte(struct aps_buf *buf, char byte);
void aps_buf_addf(struct aps_buf *buf, const char *format, ...) APS_PRINTF(2, 3);
/* Room for n more bytes, or NULL; write there, then add to buf->n. */
char *aps_buf_reserve(struct aps_buf *buf, size_t n);
struct aps_str aps_buf_str(const struct aps_buf *buf);
/* Moves the bytes out (zero-terminated; aps_free them); the buffer is empty then. NULL on a sticky failure. */
char *aps_buf_take(struct aps_buf *buf, size_t *n_bytes);

APS_END_DECLS

#endif
