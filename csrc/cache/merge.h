/* What is new, merged into what is known, field by field: a field that isn't there stays, an embedded object is merged,
 * everything else is replaced. Items of a list that are embedded objects are merged with those at the same place
 * (apollo-cache-inmemory 1.6, writeToStore.ts: their generated ids are their places). Objects of two types are not
 * merged. Where a reference comes for an embedded object, what that knew goes into the record, as far as the record
 * doesn't know better; an item of a list takes nothing. Tells exactly which fields of which entries have another
 * value. */
#ifndef APS_CACHE_MERGE_H
#define APS_CACHE_MERGE_H

#include "cache/cell.h"
#include "cache/write.h"

struct aps_settling;

struct aps_merge {
	struct aps_cache_write *write;
	struct aps_buf out;                  /* between two merges it is empty, and keeps its memory */
	uint32_t typename;                   /* the number of "__typename" */
	const struct aps_entry *entry;       /* that is merged: its content stays where it is meanwhile */
	const struct aps_settling *settling; /* likewise: records that take what embedded objects knew */
	bool replaces;                       /* embedded objects are what they are given as, and nothing else */
};

APS_BEGIN_DECLS

/* False: memory is out. */
bool aps_merge_init(struct aps_merge *merge, struct aps_cache_write *write);
void aps_merge_clear(struct aps_merge *merge);

/* `fields`: in the order of records, borrowed. Failures are in the write. True when something is new. */
bool aps_merge_into_record(struct aps_merge *merge, struct aps_entry *record, struct aps_str fields);
/* `value`: the new value of a field with arguments. */
bool aps_merge_into_field(struct aps_merge *merge, struct aps_entry *field, struct aps_str value);
/* Appends a field's two values, which came under two aliases, as one. */
void aps_merge_two(struct aps_merge *merge, struct aps_str first, struct aps_str second, struct aps_buf *out);

APS_END_DECLS

#endif
