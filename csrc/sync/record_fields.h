/* A record as a list of its fields: names, and JSON texts of their values, all borrowed or in an arena. In a record
 * null is absent; in a change of a record null clears the field. Pure. */
#ifndef APS_SYNC_RECORD_FIELDS_H
#define APS_SYNC_RECORD_FIELDS_H

#include "base/arena.h"
#include "codec/json_writer.h"

#include <stdint.h>

#define APS_RECORD_FIELDS_MAX 4096 /* more is no record of a model */

struct aps_record_field {
	struct aps_str name;
	struct aps_str value; /* JSON text */
};

struct aps_record_fields {
	struct aps_record_field *items; /* in the arena of whoever adds */
	size_t n, capacity;
};

APS_BEGIN_DECLS

/* The members of the JSON text of an object, the last one of a name; values stay with `json`. `keeps_null`: of a
 * change. E_SYNTAX and the like; E_PROTOCOL: it is no object, or has too many members; E_NOMEM. */
enum aps_rc aps_record_fields_read(struct aps_record_fields *fields, struct aps_str json, bool keeps_null,
                                   struct aps_arena *arena, struct aps_err *err);
/* Empty: there is none. */
struct aps_str aps_record_fields_get(const struct aps_record_fields *fields, struct aps_str name);
/* In the place of what is there; false: no memory (arena->rc). */
bool aps_record_fields_set(struct aps_record_fields *fields, struct aps_str name, struct aps_str value,
                           struct aps_arena *arena);
/* A list of its own with the same texts. */
bool aps_record_fields_copy(struct aps_record_fields *to, const struct aps_record_fields *from,
                            struct aps_arena *arena);
/* The change is made to the record: null takes a field away. */
bool aps_record_fields_apply(struct aps_record_fields *record, const struct aps_record_fields *change,
                             struct aps_arena *arena);
void aps_record_fields_write(const struct aps_record_fields *fields, struct aps_json_writer *w);
/* Two values are the same: empty and null are; numbers by value, objects by members, lists in order. What is too deep
 * to be compared is the same only byte by byte. */
bool aps_record_value_is_same(struct aps_str a, struct aps_str b);
/* An integer field such as "_version"; false: there is none. */
bool aps_record_fields_int(const struct aps_record_fields *fields, const char *name, int64_t *value);
bool aps_record_fields_is_true(const struct aps_record_fields *fields, const char *name);

APS_END_DECLS

#endif
