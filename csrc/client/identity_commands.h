/* What the application says of identities: new ones, fresh material, failures, farewells. @thread app */
#ifndef APS_CLIENT_IDENTITY_COMMANDS_H
#define APS_CLIENT_IDENTITY_COMMANDS_H

#include "client/identity.h"

struct aps_identity_command {
	struct aps_command head;
	enum aps_auth_mode mode;
	bool is_dynamic;
	bool has_material;
	struct aps_auth_material material; /* moved out by the core */
	char *region;
	char *service;
	struct aps_err err;
};

enum aps_identity_verb { APS_IDENTITY_ADD, APS_IDENTITY_SET, APS_IDENTITY_FAIL, APS_IDENTITY_DROP };

APS_BEGIN_DECLS

struct aps_identity_command *aps_identity_command_new(enum aps_identity_verb verb, uint64_t client, uint64_t identity);

APS_END_DECLS

#endif
