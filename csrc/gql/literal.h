/* String literals: their value, and the canonical literal of a value (GraphQL October 2021, section 2.9.4). */
#ifndef APS_GQL_LITERAL_H
#define APS_GQL_LITERAL_H

#include "base/arena.h"
#include "base/buf.h"

APS_BEGIN_DECLS

/* `raw` stands between the quotes and was accepted by the lexer. False when the arena has no memory. The value is `raw`
 * itself where nothing had to be resolved. */
bool aps_gql_literal_value(struct aps_arena *arena, struct aps_str raw, struct aps_str *value);
/* BlockStringValue(): common indentation and the blank lines at both ends go, line ends become LF. */
bool aps_gql_literal_block_value(struct aps_arena *arena, struct aps_str raw, struct aps_str *value);

/* True when a block literal can hold this value: BlockStringValue() would give it back unchanged. */
bool aps_gql_literal_fits_block(struct aps_str value);
void aps_gql_literal_print(struct aps_buf *out, struct aps_str value);
/* `value` must fit. `indent`: spaces after each line end. */
void aps_gql_literal_print_block(struct aps_buf *out, struct aps_str value, size_t indent);

/* Length in UTF-16 units: the unit in which graphql-js measures a line. */
size_t aps_gql_literal_units(struct aps_str text);

APS_END_DECLS

#endif
