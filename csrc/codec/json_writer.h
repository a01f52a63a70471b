/* The one JSON writer: appends to a buffer, places commas itself. Numbers are independent of the locale; doubles are
 * the shortest text that reads back the same; integral doubles are written as integers, never with an exponent.
 * The first failure is sticky in w->err: E_UTF8 (byte offset in the string), E_USAGE (NaN, infinity), E_NOMEM,
 * E_TOO_BIG. */
#ifndef APS_CODEC_JSON_WRITER_H
#define APS_CODEC_JSON_WRITER_H

#include "base/buf.h"
#include "base/err.h"

struct aps_json_writer {
	struct aps_buf *buf;
	bool needs_comma;
	struct aps_err err;
};

APS_BEGIN_DECLS

void aps_json_writer_init(struct aps_json_writer *w, struct aps_buf *buf);
void aps_json_write_object(struct aps_json_writer *w);
void aps_json_write_object_end(struct aps_json_writer *w);
void aps_json_write_array(struct aps_json_writer *w);
void aps_json_write_array_end(struct aps_json_writer *w);
void aps_json_write_key(struct aps_json_writer *w, struct aps_str key);
void aps_json_write_string(struct aps_json_writer *w, struct aps_str text);
void aps_json_write_int(struct aps_json_writer *w, int64_t value);
void aps_json_write_double(struct aps_json_writer *w, double value);
/* With a fraction or an exponent, so that it isn't read back as an integer. */
void aps_json_write_float(struct aps_json_writer *w, double value);
void aps_json_write_bool(struct aps_json_writer *w, bool value);
void aps_json_write_null(struct aps_json_writer *w);
/* Text that is JSON already. */
void aps_json_write_raw(struct aps_json_writer *w, struct aps_str json);
/* Shorthand for key and string. */
void aps_json_write_member(struct aps_json_writer *w, const char *key, struct aps_str text);
/* w->err.code, or the failure of the buffer. */
enum aps_rc aps_json_writer_finish(struct aps_json_writer *w);

APS_END_DECLS

#endif
