/* Whether two JSON texts have the same value: what was sent, and what a selection shows of it. Two pull readers: no
 * tree, no allocation, a bound on the time. */
#ifndef APS_SYNC_SAME_JSON_H
#define APS_SYNC_SAME_JSON_H

#include "codec/json_reader.h"

enum aps_same_json {
	APS_SAME_JSON_YES,
	APS_SAME_JSON_NO,
	APS_SAME_JSON_UNCLEAR /* no JSON, too deep, or the budget is spent */
};

#define APS_SAME_JSON_BYTES     ((size_t)32 * 1024 * 1024) /* that are read, by all comparisons of one judgement */
#define APS_SAME_JSON_MAX_DEPTH 24

APS_BEGIN_DECLS

/* Numbers by value; an integer and a string that has its digits are the same, as an ID of either kind is read as a
 * string (GraphQL, October 2021, 3.5.5). In objects null is absent; a member that `shown` lacks wasn't selected and
 * says nothing; one that `sent` lacks must be null there, unless it is __typename. Lists have the same length and
 * order. *budget, which begins at APS_SAME_JSON_BYTES, is lessened by what was read: a peer's megabytes of members in
 * another order don't hold up the thread. */
enum aps_same_json aps_same_json(struct aps_str sent, struct aps_str shown, size_t *budget);

APS_END_DECLS

#endif
