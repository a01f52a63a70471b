// aws-amplify 6, configured for one server.
'use strict';

const environment = require('./environment');
const { Amplify } = require('aws-amplify');
const { generateClient } = require('aws-amplify/api');
const { decodeJWT } = require('aws-amplify/auth');
const { API_KEY, ACCESS_KEY_ID, SECRET_ACCESS_KEY } = require('./server');

// In the place of a Cognito identity pool.
const credentialsProvider = {
	getCredentialsAndIdentityId: async () => ({
		credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY },
	}),
	clearCredentialsAndIdentityId: () => {},
};

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
