/* What a service's `errors` say, however they are shaped: a list, a single object, a text. AppSync's are flat
 * ("errorType", "message", on the realtime connection "errorCode"), other AWS services say "__type" or "code". */
#ifndef APS_PROTO_ERROR_LIST_H
#define APS_PROTO_ERROR_LIST_H

#include "base/arena.h"
#include "base/err.h"
#include "proto/error_type.h"

struct aps_error_list {
	size_t n_errors;
	struct aps_str type;    /* of the first error, decoded; borrowed from the text or from `arena` */
	struct aps_str message; /* likewise */
	int64_t number;         /* errorCode of the first; 0 where there is none */
	/* Of the most specific one: E_AUTH, then E_CONFLICT, else E_GRAPHQL. */
	enum aps_rc code;
	enum aps_error_family family;
	const char *word;
};

#define APS_ERROR_LINE_CHARS 200 /* fits into the message of a struct aps_err with some words before it */

APS_BEGIN_DECLS

/* Where in a payload the errors are: its member `errors`, or the payload itself when it is a list or has a message.
 * Empty: none. */
struct aps_str aps_error_list_find(struct aps_str payload);
/* E_NOMEM; E_SYNTAX and the like when it is no JSON. An empty list has no errors. */
enum aps_rc aps_error_list_read(struct aps_str json, struct aps_arena *arena, struct aps_error_list *out);
/* By type, by message, or by errorCode 401 or 403. */
bool aps_error_list_is_auth(const struct aps_error_list *list);
/* One line for a message: the first error's message, else its type, else "an error without a message"; cut at a code
 * point, line breaks and tabs become spaces. */
void aps_error_list_line(const struct aps_error_list *list, char out[APS_ERROR_LINE_CHARS + 1]);

APS_END_DECLS

#endif
