export default {
  graphqlEndpoint: 'https://abc.appsync-api.us-east-1.amazonaws.com/graphql',
  "region": "eu-west-1",
  authenticationType: `API_KEY`,
  apiKey: 'da2-\u0041\x42',
};
