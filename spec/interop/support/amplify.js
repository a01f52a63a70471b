// aws-amplify 6, configured for one server.
'use strict';

const environment = require('./environment');
const { Amplify } = require('aws-amplify');
const { generateClient } = require('aws-amplify/api');
const { decodeJWT } = require('aws-amplify/auth');
const { credentialsProvider } = require('./credentials');
const { API_KEY } = require('./server');

/** A client of the server. `authMode`: "apiKey", "iam", "userPool" with a `token`, "lambda" with an `authToken`. */
function client(server, authMode, { modelIntrospection, apiKey = API_KEY, token, authToken } = {}) {
	if (server.endpoint.startsWith('http:')) environment.servePlainly(server.port);
	Amplify.configure(
		{ API: { GraphQL: { endpoint: server.endpoint, region: 'us-east-1', defaultAuthMode: authMode, apiKey,
			modelIntrospection } } },
		{ Auth: { credentialsProvider, tokenProvider: token && {
			getTokens: async () => ({ accessToken: decodeJWT(token), idToken: decodeJWT(token) }),
		} } },
	);
	return generateClient(authToken ? { authMode, authToken } : { authMode });
}

module.exports = { client };
