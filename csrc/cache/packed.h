/* What a read hands to who makes values of it in the same process, so that nothing is printed to be parsed again. Never
 * kept and never sent. A value is
 *
 *   NULL FALSE TRUE INT DOUBLE STRING   as in cache/cell.h
 *   NUMBER JSON                         likewise: JSON text of one value, which is for a JSON reader
 *   OBJECT      n fields, then of each: its label, its value
 *   LIST        n items, the items
 *
 * n and labels are four bytes, as the machine has them. A label is the number of a response key among the binding's:
 * whoever makes values makes each key once. Equal values of one binding are equal bytes. */
#ifndef APS_CACHE_PACKED_H
#define APS_CACHE_PACKED_H

#include "cache/cell.h"

#define APS_PACKED_HEAD_BYTES 5 /* of an OBJECT, of a LIST */

struct aps_packed {
	struct aps_str bytes;
	const struct aps_str *labels; /* response keys, by number */
	size_t n_labels;
};

/* Where a table is; false: it is none, or there is no such value. */
static inline APS_UNUSED bool aps_packed_take_head(struct aps_str *rest, enum aps_cell_tag tag, uint32_t *n)
{
	if (rest->n < APS_PACKED_HEAD_BYTES || rest->p[0] != (char)tag) return false;
	memcpy(n, rest->p + 1, sizeof *n);
	rest->p += APS_PACKED_HEAD_BYTES;
	rest->n -= APS_PACKED_HEAD_BYTES;
	return true;
}

/* A STRING whose length is one byte. */
static inline APS_UNUSED bool aps_packed_take_short_string(struct aps_str *rest, struct aps_str *text)
{
	if (rest->n < 2 || rest->p[0] != APS_CELL_STRING || (rest->p[1] & 0x80) != 0) return false;
	size_t n = (unsigned char)rest->p[1];
	if (rest->n - 2 < n) return false;
	*text = (struct aps_str){rest->p + 2, n};
	rest->p += n + 2;
	rest->n -= n + 2;
	return true;
}

static inline APS_UNUSED bool aps_packed_take_label(struct aps_str *rest, uint32_t *label)
{
	if (rest->n < sizeof *label) return false;
	memcpy(label, rest->p, sizeof *label);
	rest->p += sizeof *label;
	rest->n -= sizeof *label;
	return true;
}

#endif
