/* What a sending is made of: the entry's row, its operation with temporary ids replaced, the query that looks at its
 * record; and what an answer means to it. @thread core */
#ifndef APS_CLIENT_SENT_ENTRY_H
#define APS_CLIENT_SENT_ENTRY_H

#include "client/sending.h"
#include "sync/in_doubt.h"

APS_BEGIN_DECLS

void aps_sent_entry_init(struct aps_sending *sending);
void aps_sent_entry_clear(struct aps_sending *sending);
/* The row as it is now, and the operation. E_STORAGE: also where there is none. */
enum aps_rc aps_sent_entry_read(struct aps_sending *sending, struct aps_err *err);
/* Those headers, then the call's own. */
enum aps_rc aps_sent_entry_set_headers(struct aps_sending *sending, const struct aps_header_list *headers,
                                       struct aps_err *err);
/* Its record's key in the cache, as long as the sending has its row; empty: that can't be told. */
enum aps_rc aps_sent_entry_key(struct aps_sending *sending, struct aps_str *key, struct aps_err *err);
/* The query for its record. E_USAGE: there can be none. */
enum aps_rc aps_sent_entry_ask(struct aps_sending *sending, struct aps_err *err);
/* Of the answer to that: the record; "null": there is none; empty: the answer doesn't tell. */
struct aps_str aps_sent_entry_record(const struct aps_sending *sending);
/* A root field of the answer isn't null; the name of the root's type is none. */
bool aps_sent_entry_has_value(const struct aps_sending *sending);
/* How many root fields were answered, or would have been. */
unsigned aps_sent_entry_count_roots(const struct aps_sending *sending);
/* Of the answer's errors: the service's record, or empty. */
struct aps_str aps_sent_entry_error_record(const struct aps_sending *sending);
/* The version that its record has by the answer of its one root field; false: it doesn't say. */
bool aps_sent_entry_answer_version(const struct aps_sending *sending, int64_t *version);
enum aps_in_doubt aps_sent_entry_judge(const struct aps_sending *sending);
/* Writes the answer into the cache. False: it waits; written() is called then. */
bool aps_sent_entry_keep(struct aps_sending *sending,
                         void (*written)(struct aps_core *core, struct aps_parked *parked));

APS_END_DECLS

#endif
