/* Where a mutation of the outbox stands: its row id is its owner, its authentication mode and its number, so that a
 * lane (what one sender sends in order) is one range of rows. Outside it goes by "<nonce>-<number>": numbers are those
 * of one store, and the nonce tells stores apart. Pure. */
#ifndef APS_STORE_ENTRY_ID_H
#define APS_STORE_ENTRY_ID_H

#include "base/str.h"

#define APS_ENTRY_MAX_OWNER  ((INT64_C(1) << 19) - 1)
#define APS_ENTRY_MAX_NUMBER ((INT64_C(1) << 40) - 1)
#define APS_ENTRY_TEXT_CHARS 22

/* In files: a mode keeps its number. X(name, number) */
#define APS_ENTRY_MODE_MAP(X)                                                                                          \
	X(NONE, 0)                                                                                                     \
	X(API_KEY, 1)                                                                                                  \
	X(AWS_IAM, 2)                                                                                                  \
	X(AMAZON_COGNITO_USER_POOLS, 3)                                                                                \
	X(OPENID_CONNECT, 4)                                                                                           \
	X(AWS_LAMBDA, 5)

enum aps_entry_mode {
#define APS_ENTRY_MODE_ENUM(name, number) APS_ENTRY_##name = (number),
	APS_ENTRY_MODE_MAP(APS_ENTRY_MODE_ENUM)
#undef APS_ENTRY_MODE_ENUM
	        APS_ENTRY_MODE_COUNT
};

/* Row ids, both included. */
struct aps_entry_range {
	int64_t first, last;
};

APS_BEGIN_DECLS

int64_t aps_entry_id(int64_t owner, enum aps_entry_mode mode, int64_t number);
int64_t aps_entry_owner(int64_t id);
/* APS_ENTRY_MODE_COUNT and more: of no mode that is known. */
enum aps_entry_mode aps_entry_mode(int64_t id);
int64_t aps_entry_number(int64_t id);
/* The same entry of another owner. */
int64_t aps_entry_id_of(int64_t id, int64_t owner);

struct aps_entry_range aps_entry_lane(int64_t owner, enum aps_entry_mode mode);
struct aps_entry_range aps_entry_owned(int64_t owner);
struct aps_entry_range aps_entry_all(void);

/* "API_KEY"; NULL for an unknown one. */
const char *aps_entry_mode_name(enum aps_entry_mode mode);
bool aps_entry_mode_find(struct aps_str name, enum aps_entry_mode *mode);

/* Zero-terminated. */
void aps_entry_text(uint32_t nonce, int64_t number, char text[APS_ENTRY_TEXT_CHARS + 1]);
/* False, and *number 0: it isn't one that aps_entry_text() wrote with this nonce. */
bool aps_entry_text_read(struct aps_str text, uint32_t nonce, int64_t *number);

APS_END_DECLS

#endif
