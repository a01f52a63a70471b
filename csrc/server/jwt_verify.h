/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3, "RS256"). */
#ifndef APS_SERVER_JWT_VERIFY_H
#define APS_SERVER_JWT_VERIFY_H

#include "base/err.h"
#include "base/str.h"

APS_BEGIN_DECLS

/* *is_valid tells whether `signature` (raw bytes) is the key's over `data`. `pem`: a public key or a certificate.
 * E_USAGE when the PEM text holds no RSA key. */
enum aps_rc aps_jwt_verify_rs256(struct aps_str pem, struct aps_str data, struct aps_str signature, bool *is_valid,
                                 struct aps_err *err);
/* Of PEM texts that ask for a password: none. libcrypto's own callback would ask at the terminal, and wait. */
int aps_pem_no_password(char *buf, int size, int is_writing, void *context);

APS_END_DECLS

#endif
