/* The ids that a mutation names, in the JSON text of its variables: temporary ones, for which it waits, and those of
 * the records that it touches (outbox = {order = "entity"}). One pass without a tree. */
#ifndef APS_SYNC_NAMED_IDS_H
#define APS_SYNC_NAMED_IDS_H

#include "base/err.h"
#include "base/str.h"
#include "gql/document.h"

enum aps_named_id {
	APS_NAMED_ID_UUID = 1, /* a string value of the form of a UUID, at any depth */
	/* the value of a member that is called id, _id or ID, or …Id, …ID, …_id; one of a list that is called so, or
	 * ids, …Ids, …IDs, …_ids */
	APS_NAMED_ID_MEMBER = 2
};

/* Takes an id: its text, which is gone after the call, and `how` it is one: bits of enum aps_named_id. The same id may
 * come several times. */
typedef void aps_named_ids_sink(void *context, struct aps_str text, unsigned how);

APS_BEGIN_DECLS

/* Strings come decoded, numbers in the text that a record's key has of them. E_SYNTAX, E_DEPTH, E_NOMEM; ids that stand
 * before the fault have come then. */
enum aps_rc aps_named_ids_scan(struct aps_str json, aps_named_ids_sink *sink, void *context, struct aps_err *err);
/* Of the values of variables those that the operation declares as of type ID or a list of these, whatever they are
 * called. */
enum aps_rc aps_named_ids_scan_declared(struct aps_str json, const struct aps_gql_operation *operation,
                                        aps_named_ids_sink *sink, void *context, struct aps_err *err);
/* Whether a member of this name has an id; a list of them. */
bool aps_named_ids_is_name(struct aps_str name);
bool aps_named_ids_is_list_name(struct aps_str name);
/* Those of a record's key: of "Todo:1" the "1", of "Post:{\"blogId\":\"b\",\"slug\":\"s\"}" both values. */
enum aps_rc aps_named_ids_scan_key(struct aps_str key, aps_named_ids_sink *sink, void *context, struct aps_err *err);
/* Of an id's text, to compare ids by: the same for a value of the variables and for one of a key. Not to be kept: it is
 * another one on a machine of the other byte order. */
uint64_t aps_named_ids_hash(struct aps_str text);

APS_END_DECLS

#endif
