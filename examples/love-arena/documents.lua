return {
  sign_in = "mutation SignIn($name: String!) { signIn(name: $name) { name token } }",
  move = "mutation Move($x: Float!, $y: Float!) { move(x: $x, y: $y) { id x y } }",
  say = "mutation Say($text: String!) { say(text: $text) { id name text } }",
  save_score = "mutation SaveScore($points: Int!) { saveScore(points: $points) { id points } }",
  leaderboard = "query Leaderboard { leaderboard { id points } }",
  on_move = "subscription OnMove { onMove { id x y } }",
  on_say = "subscription OnSay { onSay { id name text } }",
  on_score = "subscription OnScore { onScore { id points } }",
}
