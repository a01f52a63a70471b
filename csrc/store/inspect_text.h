/* What is read of a store's file, as members of a JSON object. */
#ifndef APS_STORE_INSPECT_TEXT_H
#define APS_STORE_INSPECT_TEXT_H

#include "codec/json_writer.h"

APS_BEGIN_DECLS

/* What somebody else wrote may be no UTF-8. */
void aps_inspect_put_text(struct aps_json_writer *w, const char *name, struct aps_str text);
void aps_inspect_put_count(struct aps_json_writer *w, const char *name, uint64_t n);

APS_END_DECLS

#endif
