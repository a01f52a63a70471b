#include "net/global.h"

#include <curl/curl.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode result;

static void init_curl(void)
{
	result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum aps_rc aps_net_global_init(struct aps_err *err)
{
	pthread_once(&once, init_curl);
	if (result == CURLE_OK) return APS_OK;
	return aps_fail_word(err, APS_E_SYSTEM, NULL, (long)result, "cannot start libcurl: %s",
	                     curl_easy_strerror(result));
}
