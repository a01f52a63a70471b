const amplifyconfig = ''' {
  "UserAgent": "aws-amplify-cli/2.0",
  "Version": "1.0",
  "api": {"plugins": {"awsAPIPlugin": {"todo": {"endpointType": "GraphQL",
    "endpoint": "https://abc.appsync-api.us-east-1.amazonaws.com/graphql", "region": "us-east-1",
    "authorizationType": "API_KEY", "apiKey": "da2-x"}}}}
}''';
