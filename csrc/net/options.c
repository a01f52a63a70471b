#include "net/options.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>

void aps_net_options_clear(struct aps_net_options *options)
{
	aps_free(options->proxy);
	aps_free(options->ca_file);
	aps_free(options->cert_file);
	aps_free(options->key_file);
	*options = (struct aps_net_options){.verify = true};
}

static bool dup_text(const char *text, char **out)
{
	if (!text) return true;
	*out = aps_strndup(text, strlen(text));
	return *out != NULL;
}

bool aps_net_options_dup(const struct aps_net_options *options, struct aps_net_options *out)
{
	*out = (struct aps_net_options){.verify = options->verify};
	if (dup_text(options->proxy, &out->proxy) && dup_text(options->ca_file, &out->ca_file) &&
	    dup_text(options->cert_file, &out->cert_file) && dup_text(options->key_file, &out->key_file))
		return true;
	aps_net_options_clear(out);
	return false;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool aps_net_options_is_same(const struct aps_net_options *a, const struct aps_net_options *b)
{
	return a->verify == b->verify && is_same_text(a->proxy, b->proxy) && is_same_text(a->ca_file, b->ca_file) &&
	       is_same_text(a->cert_file, b->cert_file) && is_same_text(a->key_file, b->key_file);
}

static enum aps_rc check_file(const char *path, const char *word, const char *what, struct aps_err *err)
{
	const char *fault = path ? aps_file_unfit(path) : NULL;
	if (!fault) return APS_OK;
	return aps_fail_word(err, APS_E_TLS, word, 0, "the %s %s cannot be used: %s", what, path, fault);
}

enum aps_rc aps_net_options_check_files(const struct aps_net_options *options, struct aps_err *err)
{
	enum aps_rc rc = check_file(options->ca_file, "ca_file", "CA file", err);
	if (rc == APS_OK) rc = check_file(options->cert_file, "client_certificate", "client certificate", err);
	if (rc == APS_OK)
		rc = check_file(options->key_file, "client_certificate", "key of the client certificate", err);
	return rc;
}
