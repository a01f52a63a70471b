#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

void aps_buf_init(struct aps_buf *buf, size_t max_bytes)
{
	*buf = (struct aps_buf){.max_bytes = max_bytes};
}

void aps_buf_clear(struct aps_buf *buf)
{
	aps_free(buf->p);
	aps_buf_init(buf, buf->max_bytes);
}

void aps_buf_reset(struct aps_buf *buf)
{
	buf->n = 0;
	buf->rc = APS_OK;
}

char *aps_buf_reserve(struct aps_buf *buf, size_t n)
{
	if (buf->rc != APS_OK) return NULL;
	if (n > buf->max_bytes || buf->n > buf->max_bytes - n) {
		buf->rc = APS_E_TOO_BIG;
		return NULL;
	}
	if (buf->n + n + 1 > buf->capacity) {
		size_t capacity = buf->capacity < 64 ? 64 : buf->capacity;
		while (capacity < buf->n + n + 1) capacity += capacity / 2;
		char *grown = aps_realloc(buf->p, capacity);
		if (grown == NULL) {
			buf->rc = APS_E_NOMEM;
			return NULL;
		}
		buf->p = grown;
		buf->capacity = capacity;
	}
	return buf->p + buf->n;
}

void aps_buf_add(struct aps_buf *buf, const void *p, size_t n)
{
	char *at = aps_buf_reserve(buf, n);
	if (at == NULL) return;
	if (n != 0) memcpy(at, p, n);
	at[n] = '\0';
	buf->n += n;
}

void aps_buf_add_str(struct aps_buf *buf, struct aps_str text)
{
	aps_buf_add(buf, text.p, text.n);
}

void aps_buf_add_text(struct aps_buf *buf, const char *zero_terminated)
{
	aps_buf_add(buf, zero_terminated, strlen(zero_terminated));
}

void aps_buf_add_byte(struct aps_buf *buf, char byte)
{
	aps_buf_add(buf, &byte, 1);
}

void aps_buf_addf(struct aps_buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *at = n < 0 ? NULL : aps_buf_reserve(buf, (size_t)n);
	if (at == NULL) return;
	va_start(args, format);
	vsnprintf(at, (size_t)n + 1, format, args);
	va_end(args);
	buf->n += (size_t)n;
}

struct aps_str aps_buf_str(const struct aps_buf *buf)
{
	return (struct aps_str){buf->p != NULL ? buf->p : "", buf->n};
}

char *aps_buf_take(struct aps_buf *buf, size_t *n_bytes)
{
	if (buf->rc != APS_OK) {
		aps_buf_clear(buf);
		return NULL;
	}
	if (buf->p == NULL) aps_buf_add(buf, "", 0);
	char *taken = buf->p;
	if (n_bytes != NULL) *n_bytes = buf->n;
	aps_buf_init(buf, buf->max_bytes);
	return taken;
}
