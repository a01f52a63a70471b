/* An operation that is read again and again: what it selects stays bound to the names that its reader knows, and its
 * memory is kept. */
#ifndef APS_CLIENT_KEPT_READ_H
#define APS_CLIENT_KEPT_READ_H

#include "cache/denormalize.h"

struct aps_kept_read {
	struct aps_gql_document *document; /* a reference of its own; NULL: cleared */
	const struct aps_gql_operation *definition;
	struct aps_read_result result; /* packed; its labels are the binding's */
	struct aps_binding binding;
	struct aps_buf variables; /* that it is bound to */
	bool is_bound;
	uint64_t n_bindings;  /* that there were: each has labels of its own */
	uint64_t n_renamings; /* when it was bound */
	uint32_t n_names;     /* likewise, lent ones aside: a binding knows none of these */
	/* What `result` holds is all that the root has of these variables, as long as it is this moment. */
	uint64_t answer; /* its number, which no other one of the reader has; 0: it isn't, or not all */
	struct aps_buf root;
	struct aps_kept_moment {
		uint64_t n_changes; /* of what the reader shows */
		int64_t time;       /* as far as it matters */
	} moment;
};

/* What a reader binds with. */
struct aps_kept_read_names {
	const struct aps_policies *policies;
	struct aps_names *names;
	uint64_t n_renamings; /* how often names have got other numbers */
};

APS_BEGIN_DECLS

void aps_kept_read_init(struct aps_kept_read *kept, struct aps_gql_document *document,
                        const struct aps_gql_operation *definition);
/* For another operation it begins anew; for the same one it stays as it is. */
void aps_kept_read_turn_to(struct aps_kept_read *kept, struct aps_gql_document *document,
                           const struct aps_gql_operation *definition);
/* Twice is legal. */
void aps_kept_read_clear(struct aps_kept_read *kept);
/* Lets go of all memory but its own: the next read takes it anew. */
void aps_kept_read_rest(struct aps_kept_read *kept);
/* What was read is what a read would find now. */
bool aps_kept_read_holds(const struct aps_kept_read *kept, const struct aps_kept_moment *moment,
                         const struct aps_read_options *options);
/* It was read just now. `number`: see `answer`. */
void aps_kept_read_keep(struct aps_kept_read *kept, const struct aps_kept_moment *moment,
                        const struct aps_read_options *options, uint64_t number);
/* It says nothing any more. */
void aps_kept_read_let_go(struct aps_kept_read *kept);
/* Lets go of what would be too much to keep; what was read isn't needed any more. */
void aps_kept_read_shrink(struct aps_kept_read *kept);
/* Makes kept->binding that of these variables, the JSON text of an object, with as little as has changed. E_NOMEM,
 * E_TOO_BIG, and what is wrong with the variables. */
enum aps_rc aps_kept_read_bind(struct aps_kept_read *kept, const struct aps_kept_read_names *names,
                               struct aps_str variables, struct aps_err *err);
/* aps_data_complete() by the binding, once it is that of the variables. */
enum aps_rc aps_kept_read_complete(struct aps_kept_read *kept, struct aps_str type, struct aps_str data,
                                   struct aps_buf *out, struct aps_err *err);

APS_END_DECLS

#endif
