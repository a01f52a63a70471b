#include "codec/json_writer.h"

#include "codec/decimal.h"
#include "codec/json_scan.h"

#include <math.h>

void aps_json_writer_init(struct aps_json_writer *w, struct aps_buf *buf)
{
	w->buf = buf;
	w->needs_comma = false;
	aps_err_clear(&w->err);
}

/* One token: the comma that is due and n bytes. Returns where to write them, or NULL after a failure. */
static char *begin(struct aps_json_writer *w, size_t n)
{
	if (w->err.code != APS_OK) return NULL;
	size_t comma = w->needs_comma ? 1 : 0;
	char *at = aps_buf_reserve(w->buf, comma + n);
	if (at == NULL) return NULL;
	if (comma != 0) *at = ',';
	return at + comma;
}

static void end(struct aps_json_writer *w, char *behind, bool needs_comma)
{
	*behind = '\0';
	w->buf->n = (size_t)(behind - w->buf->p);
	w->needs_comma = needs_comma;
}

static void write_token(struct aps_json_writer *w, const char *text, size_t n)
{
	char *at = begin(w, n);
	if (at == NULL) return;
	if (n != 0) memcpy(at, text, n);
	end(w, at + n, true);
}

static void write_open(struct aps_json_writer *w, char bracket)
{
	char *at = begin(w, 1);
	if (at == NULL) return;
	*at = bracket;
	end(w, at + 1, false);
}

static void write_close(struct aps_json_writer *w, char bracket)
{
	w->needs_comma = false;
	char *at = begin(w, 1);
	if (at == NULL) return;
	*at = bracket;
	end(w, at + 1, true);
}

void aps_json_write_object(struct aps_json_writer *w)
{
	write_open(w, '{');
}

void aps_json_write_object_end(struct aps_json_writer *w)
{
	write_close(w, '}');
}

void aps_json_write_array(struct aps_json_writer *w)
{
	write_open(w, '[');
}

void aps_json_write_array_end(struct aps_json_writer *w)
{
	write_close(w, ']');
}

static void add_escape(struct aps_buf *buf, unsigned char c)
{
	static const char HEX[] = "0123456789abcdef";
	static const char SHORT[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	char name = c < 0x20 ? SHORT[c] : (char)c;
	if (name != '\0')
		aps_buf_add(buf, (char[]){'\\', name}, 2);
	else
		aps_buf_add(buf, (char[]){'\\', 'u', '0', '0', HEX[c >> 4], HEX[c & 15]}, 6);
}

/* The text between the quotes, from p on, which must be escaped. */
static bool add_escaped(struct aps_json_writer *w, struct aps_str text, const char *p)
{
	const char *from = text.p;
	const char *text_end = text.p + text.n;
	for (;;) {
		aps_buf_add(w->buf, from, (size_t)(p - from));
		if (p == text_end) return true;
		if ((unsigned char)*p >= 0x80) {
			long offset = (long)(p - text.p);
			aps_fail_word(&w->err, APS_E_UTF8, NULL, offset, "invalid UTF-8 at byte %ld of a string",
			              offset);
			return false;
		}
		add_escape(w->buf, (unsigned char)*p);
		from = p + 1;
		p = aps_json_scan(from, text_end);
	}
}

static void write_text(struct aps_json_writer *w, struct aps_str text, bool is_key)
{
	if (text.n > APS_BUF_ANY_SIZE) text.n = APS_BUF_ANY_SIZE; /* the sum below can't wrap; the ceiling refuses it */
	char *at = begin(w, text.n + (is_key ? 3 : 2));
	if (at == NULL) return;
	*at++ = '"';
	const char *text_end = text.n != 0 ? text.p + text.n : text.p; /* which may be NULL */
	const char *special = text.n != 0 ? aps_json_scan(text.p, text_end) : text.p;
	if (special == text_end) {
		if (text.n != 0) memcpy(at, text.p, text.n);
		at += text.n;
	} else {
		end(w, at, false);
		if (!add_escaped(w, text, special)) return;
		at = aps_buf_reserve(w->buf, 2);
		if (at == NULL) return;
	}
	*at++ = '"';
	if (is_key) *at++ = ':';
	end(w, at, !is_key);
}

void aps_json_write_key(struct aps_json_writer *w, struct aps_str key)
{
	write_text(w, key, true);
}

void aps_json_write_string(struct aps_json_writer *w, struct aps_str text)
{
	write_text(w, text, false);
}

void aps_json_write_int(struct aps_json_writer *w, int64_t value)
{
	char text[20];
	write_token(w, text, aps_decimal_print_int(value, text));
}

static bool check_finite(struct aps_json_writer *w, double value)
{
	if (!isfinite(value) && w->err.code == APS_OK)
		aps_fail(&w->err, APS_E_USAGE, "JSON has no NaN and no infinity");
	return isfinite(value);
}

void aps_json_write_double(struct aps_json_writer *w, double value)
{
	char text[APS_DECIMAL_CHARS];
	if (check_finite(w, value)) write_token(w, text, aps_decimal_print(value, text));
}

void aps_json_write_float(struct aps_json_writer *w, double value)
{
	char text[APS_DECIMAL_CHARS];
	if (check_finite(w, value)) write_token(w, text, aps_decimal_print_float(value, text));
}

void aps_json_write_bool(struct aps_json_writer *w, bool value)
{
	write_token(w, value ? "true" : "false", value ? 4 : 5);
}

void aps_json_write_null(struct aps_json_writer *w)
{
	write_token(w, "null", 4);
}

void aps_json_write_raw(struct aps_json_writer *w, struct aps_str json)
{
	write_token(w, json.p, json.n);
}

void aps_json_write_member(struct aps_json_writer *w, const char *key, struct aps_str text)
{
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_string(w, text);
}

enum aps_rc aps_json_writer_finish(struct aps_json_writer *w)
{
	if (w->err.code != APS_OK || w->buf->rc == APS_OK) return w->err.code;
	if (w->buf->rc == APS_E_TOO_BIG)
		return aps_fail(&w->err, APS_E_TOO_BIG, "JSON text above %zu bytes", w->buf->max_bytes);
	return aps_fail(&w->err, w->buf->rc, "out of memory");
}
