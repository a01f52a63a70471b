/* What the application says of credentials: new ones, fresh material, failures, farewells. @thread app */
#ifndef APS_CLIENT_CREDENTIAL_COMMANDS_H
#define APS_CLIENT_CREDENTIAL_COMMANDS_H

#include "client/credential.h"

enum aps_credential_verb { APS_CREDENTIAL_ADD, APS_CREDENTIAL_SET, APS_CREDENTIAL_FAIL, APS_CREDENTIAL_DROP };

struct aps_credential_command {
	struct aps_command head;
	enum aps_credential_verb verb;
	enum aps_auth_mode mode;
	bool is_dynamic;
	bool has_material;
	struct aps_auth_material material; /* moved out by the core */
	char *region;
	char *service;
	struct aps_err err;
};

APS_BEGIN_DECLS

struct aps_credential_command *aps_credential_command_new(enum aps_credential_verb verb, uint64_t client,
                                                          uint64_t credential);

APS_END_DECLS

#endif
