/* The one JSON reader: a pull parser (RFC 8259) over text in memory. It copies nothing and allocates nothing. Refused,
 * with the byte offset: anything after the value, trailing commas, comments, control bytes in strings, leading zeros,
 * depth above the limit. Duplicate keys are passed on; a byte order mark at the start is passed over. Of strings that
 * services cut, a lone surrogate or bytes that aren't UTF-8 decode to U+FFFD, unless that is switched off. */
#ifndef APS_CODEC_JSON_READER_H
#define APS_CODEC_JSON_READER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum aps_json_token {
	APS_JSON_ERROR, /* r->err tells; every further call gives it again */
	APS_JSON_END,   /* the text was one complete value */
	APS_JSON_OBJECT,
	APS_JSON_OBJECT_END,
	APS_JSON_ARRAY,
	APS_JSON_ARRAY_END,
	APS_JSON_KEY,    /* r->text, r->has_escapes */
	APS_JSON_STRING, /* r->text, r->has_escapes */
	APS_JSON_INT,    /* r->integer: exact, fits in int64_t; also r->number */
	APS_JSON_BIGINT, /* an integer outside int64_t: r->text (its digits), r->number (rounded) */
	APS_JSON_DOUBLE, /* r->number: correctly rounded, independent of the locale; r->text */
	APS_JSON_TRUE,
	APS_JSON_FALSE,
	APS_JSON_NULL
};

#define APS_JSON_MAX_DEPTH 512 /* the highest limit that a reader can be given */

/* What RFC 8259 section 8 leaves to the receiver: escapes of one half of a pair of surrogates, and bytes that aren't
 * UTF-8 (one character for each ill-formed sequence: Unicode 15, section 3.9, "U+FFFD Substitution of Maximal
 * Subparts"). */
enum aps_json_strictness {
	APS_JSON_LENIENT, /* both become U+FFFD: for text of the network */
	APS_JSON_UTF8,    /* bytes that aren't UTF-8 are refused */
	APS_JSON_STRICT   /* both are refused */
};

struct aps_json_reader {
	const char *start;
	const char *at;
	const char *end;
	struct aps_str text;                 /* raw: what stands between the quotes, or the digits of a number */
	bool has_escapes;                    /* the raw text of a string isn't what it decodes to */
	enum aps_json_strictness strictness; /* may be set after init */
	int64_t integer;
	double number;
	unsigned depth;
	unsigned max_depth;
	unsigned state;                              /* private */
	size_t n_broken;                             /* private: ill-formed sequences in the raw text */
	uint64_t is_object[APS_JSON_MAX_DEPTH / 64]; /* private: one bit a level */
	struct aps_err err;                          /* E_SYNTAX, E_UTF8 or E_DEPTH; err.native is the byte offset */
};

APS_BEGIN_DECLS

/* `text` must outlive the reader. max_depth 0 means 128. */
void aps_json_reader_init(struct aps_json_reader *r, struct aps_str text, unsigned max_depth);
enum aps_json_token aps_json_next(struct aps_json_reader *r);
/* Reads one whole value (the next one) with all checks; *span is its text. E_* as in r->err. */
enum aps_rc aps_json_skip_value(struct aps_json_reader *r, struct aps_str *span);
/* After APS_JSON_OBJECT or APS_JSON_ARRAY was returned: reads to its end, whole. */
enum aps_rc aps_json_skip_rest(struct aps_json_reader *r);
/* The decoded bytes of the KEY or STRING just read: r->text itself when it has no escapes, else a copy in `arena`,
 * which stays in place whatever is decoded after it. {NULL, 0} when memory is out. */
struct aps_str aps_json_unescape(const struct aps_json_reader *r, struct aps_arena *arena);
/* The most bytes that it may decode to. */
size_t aps_json_unescape_room(const struct aps_json_reader *r);
/* The same into `out`, which has that much room; returns how many they are. */
size_t aps_json_unescape_to(const struct aps_json_reader *r, char *out);
/* True when the KEY or STRING just read decodes to exactly these bytes. */
bool aps_json_text_is(const struct aps_json_reader *r, const char *zero_terminated);
/* True when the KEY or STRING that each has just read decode to the same bytes. */
bool aps_json_text_eq(const struct aps_json_reader *a, const struct aps_json_reader *b);
/* Their order by these bytes, as of aps_str_cmp(). */
int aps_json_text_cmp(const struct aps_json_reader *a, const struct aps_json_reader *b);

APS_END_DECLS

#endif
