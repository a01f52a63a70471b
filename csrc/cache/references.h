/* What content refers to, by number. Damaged content refers to what can be read of it. */
#ifndef APS_CACHE_REFERENCES_H
#define APS_CACHE_REFERENCES_H

#include "cache/cell.h"

enum aps_reference_kind { APS_REFERS_TO_RECORD, APS_REFERS_TO_LONG_LIST, APS_REFERS_TO_BLOCK };

struct aps_reference {
	enum aps_reference_kind kind;
	uint64_t entry;
	uint64_t n_items; /* of a long list */
};

struct aps_reference_sink {
	void (*found)(struct aps_reference_sink *sink, const struct aps_reference *reference);
};

APS_BEGIN_DECLS

/* Of a record. */
void aps_references_of_fields(struct aps_str fields, struct aps_reference_sink *sink);
/* Of a field with arguments, or of a block. */
void aps_references_of_value(struct aps_str value, struct aps_reference_sink *sink);
/* Of a long list: its blocks. */
void aps_references_of_long_list(struct aps_str content, struct aps_reference_sink *sink);
/* Of a layer's patch: also to what leaves a list. */
void aps_references_of_patch(struct aps_str patch, struct aps_reference_sink *sink);

APS_END_DECLS

#endif
