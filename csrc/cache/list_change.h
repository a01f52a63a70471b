/* Edits of one list of references that an application knows by its place only: the list isn't read for them. Where no
 * such list stands they do nothing. In an optimistic layer they are its patch as they are; an item that comes last in a
 * long list, or leaves it, writes one block. */
#ifndef APS_CACHE_LIST_CHANGE_H
#define APS_CACHE_LIST_CHANGE_H

#include "cache/write.h"

APS_BEGIN_DECLS

/* `json`: {"__edits":…}, or that in one {"__fields":{…}} in another (cache/edit_value.h). `name`: of the record's
 * field; 0: the entry is a field. *is_done false: it is to be set like any other value. E_NOMEM, E_USAGE; what the
 * backing says. */
enum aps_rc aps_list_change(struct aps_cache_write *write, struct aps_entry *entry, uint32_t name, struct aps_str json,
                            bool *is_done, struct aps_err *err);

APS_END_DECLS

#endif
