/* How values are kept: a tag and what belongs to it, without padding, the same in memory and in the store. Equal values
 * are equal bytes. Numbers marked v are LEB128 (least significant seven bits first).
 *
 *   NULL FALSE TRUE
 *   INT        v: zigzag
 *   DOUBLE     8 bytes, little endian: a number that was written with a fraction or an exponent, be it integral
 *   NUMBER     v n, n bytes: a number that neither holds exactly, as the service wrote it
 *   STRING     v n, n bytes of UTF-8
 *   JSON       v n, n bytes: an object or list that was selected as a leaf, as the service wrote it
 *   REF        v: the number of the entry
 *   LIST       v bytes that follow, v items, the items
 *   LONG_LIST  v: the number of the entry that has its blocks; v items
 *   OBJECT     v bytes that follow, its fields; an object without an identity
 *
 * Only in a patch (cache/patch.h), in the place of a value:
 *   GONE       the field is no more
 *   PATCH      v bytes that follow, fields: what is other in an embedded object
 *   EDIT       v bytes that follow: what is other in a list
 *
 * The fields of an object or a record: v number of the field's name, its value; in the order of the numbers. 0: the
 * name has arguments and follows as v n, n bytes; these come first, in the order of their bytes.
 *
 * What is read may come from a file that others can damage: no length and no tag is believed. */
#ifndef APS_CACHE_CELL_H
#define APS_CACHE_CELL_H

#include "base/buf.h"

/* X(name) */
#define APS_CELL_MAP(X)                                                                                                \
	X(NULL)                                                                                                        \
	X(FALSE)                                                                                                       \
	X(TRUE)                                                                                                        \
	X(INT)                                                                                                         \
	X(DOUBLE)                                                                                                      \
	X(NUMBER)                                                                                                      \
	X(STRING)                                                                                                      \
	X(JSON)                                                                                                        \
	X(REF)                                                                                                         \
	X(LIST)                                                                                                        \
	X(LONG_LIST)                                                                                                   \
	X(OBJECT)                                                                                                      \
	X(GONE)                                                                                                        \
	X(PATCH)                                                                                                       \
	X(EDIT)

enum aps_cell_tag {
#define APS_CELL_ENUM(name) APS_CELL_##name,
	APS_CELL_MAP(APS_CELL_ENUM)
#undef APS_CELL_ENUM
	        APS_CELL_COUNT
};

/* Deeper values are refused when they are read and when they are written. */
#define APS_CELL_MAX_DEPTH 128

struct aps_cell {
	enum aps_cell_tag tag;
	struct aps_str whole; /* tag and all */
	struct aps_str text;  /* NUMBER, STRING, JSON, EDIT; LIST: its items; OBJECT, PATCH: its fields */
	union {
		int64_t integer; /* INT */
		double number;   /* DOUBLE */
		uint64_t entry;  /* REF, LONG_LIST */
	} as;
	uint64_t n_items; /* LIST, LONG_LIST */
};

/* One field of an object or a record. */
struct aps_cell_field {
	uint32_t name;       /* number; 0: */
	struct aps_str text; /* … the name with its arguments */
	struct aps_str whole;
	struct aps_cell value;
};

APS_BEGIN_DECLS

/* Takes the value that `rest` begins with; false: it is damaged. */
bool aps_cell_take(struct aps_str *rest, struct aps_cell *value);
/* Likewise a field. */
bool aps_cell_take_field(struct aps_str *rest, struct aps_cell_field *field);
/* False: there is none of this name, or the fields are damaged. */
bool aps_cell_find_field(struct aps_str fields, uint32_t name, struct aps_cell *value);
bool aps_cell_find_text_field(struct aps_str fields, struct aps_str text, struct aps_cell *value);
/* By number, then by text. */
int aps_cell_compare_names(uint32_t a, struct aps_str a_text, uint32_t b, struct aps_str b_text);

/* Takes a number marked v above. */
bool aps_cell_take_count(struct aps_str *rest, uint64_t *n);

/* A failure is in out->rc. */
void aps_cell_put_count(struct aps_buf *out, uint64_t n);
void aps_cell_put_tag(struct aps_buf *out, enum aps_cell_tag tag);
void aps_cell_put_int(struct aps_buf *out, int64_t integer);
void aps_cell_put_double(struct aps_buf *out, double number);
/* NUMBER, STRING, JSON */
void aps_cell_put_text(struct aps_buf *out, enum aps_cell_tag tag, struct aps_str text);
void aps_cell_put_ref(struct aps_buf *out, uint64_t entry);
void aps_cell_put_long_list(struct aps_buf *out, uint64_t entry, uint64_t n_items);
/* What was appended to `out` since `at`, n_items values, becomes a LIST. */
void aps_cell_close_list(struct aps_buf *out, size_t at, uint64_t n_items);
/* What was appended to `out` since `at`, fields in order, becomes an OBJECT. */
void aps_cell_close_object(struct aps_buf *out, size_t at);
/* Likewise a PATCH or an EDIT. */
void aps_cell_close(struct aps_buf *out, enum aps_cell_tag tag, size_t at);
/* The name of a field; its value is put next. */
void aps_cell_put_name(struct aps_buf *out, uint32_t name, struct aps_str text);

APS_END_DECLS

#endif
