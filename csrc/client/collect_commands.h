/* What the application says about what a cache keeps; made on its thread. `cache`: the partition's number. NULL when
 * memory is out. @thread app */
#ifndef APS_CLIENT_COLLECT_COMMANDS_H
#define APS_CLIENT_COLLECT_COMMANDS_H

#include "client/command.h"
#include "proto/operation.h"

struct aps_retain_command {
	struct aps_command head;
	uint64_t retention; /* its number */
	struct aps_operation operation;
};

APS_BEGIN_DECLS

/* The RESULT of the call tells how many records have left. */
struct aps_command *aps_collect_command_new(uint64_t client, uint64_t cache, uint64_t call);
/* What the operation reads stays. */
struct aps_retain_command *aps_retain_command_new(uint64_t client, uint64_t cache, uint64_t retention);
struct aps_command *aps_release_command_new(uint64_t client, uint64_t cache, uint64_t retention);
/* These entries were read; the numbers are copied. */
struct aps_command *aps_used_command_new(uint64_t client, uint64_t cache, const uint64_t *numbers, size_t n);
/* The partition is emptied: aps_reader_clear() was called. */
struct aps_command *aps_clear_command_new(uint64_t client, uint64_t cache);
/* The same, and the RESULT of the call tells when nothing of it is left in the file. */
struct aps_command *aps_wipe_command_new(uint64_t client, uint64_t cache, uint64_t call);

APS_END_DECLS

#endif
