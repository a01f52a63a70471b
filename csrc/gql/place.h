/* Places in GraphQL text, and the ceilings of the parser. */
#ifndef APS_GQL_PLACE_H
#define APS_GQL_PLACE_H

#include "base/str.h"

/* Where a text was refused: line and column count from 1, columns in code points. */
struct aps_gql_place {
	unsigned line;
	unsigned column;
};

#define APS_GQL_MAX_TEXT_BYTES  ((size_t)1024 * 1024)
#define APS_GQL_MAX_PRINT_BYTES ((size_t)4 * 1024 * 1024) /* indentation makes a print larger than its text */
#define APS_GQL_MAX_TOKENS      ((size_t)256 * 1024)
#define APS_GQL_MAX_DEPTH       200u /* selection sets, list and object values, list types */

#endif
