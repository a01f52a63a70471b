-- Which literal of a script is the configuration.
local choose = require "appsync.config.choose"

-- As config.load ranks: `url` stands for an API, `auth` for the rest of a configuration.
local function rank_of(value)
  if type(value) ~= "table" then return 0 end
  return value.url and 2 or value.auth and 1 or 0
end

local function chosen(text)
  local value, message = choose.literal(text, rank_of)
  return value and (value.url or value.auth), message
end

describe("of a script's literals", function()
  it("the exported one is the configuration, not the first", function()
    local before = "import x from 'y';\nconst oauth = {url: 'wrong', a: 1};\nconst aws = {url: 'right', oauth};\n"
    for _, ending in ipairs { "export default aws;", "export default aws", "module.exports = aws;", "module.exports = { url: 'right' }",
      "exports.default = aws;", "export { aws as default };", "export { aws };", "export = aws;", "exports.config = aws",
      "module.exports.aws = aws;", "export default Object.freeze(aws);", "export default { ...aws };", "export default aws as any;",
      "export default (aws)", "export default {...oauth, ...aws, oauth: aws.oauth};", "export default <any>aws;" } do
      assert.equal("right", (chosen(before .. ending)), ending)
    end
  end)

  it("it may be declared where it is exported", function()
    for _, text in ipairs { "export const aws = {url: 'right'}", "export let aws: Config = {url: 'right'};",
      "export default {url: 'right'}", "module.exports = {url: 'right'}", "export const aws: {url: string, b?: () => void} = {url: 'right'} as const" } do
      assert.equal("right", (chosen("const first = {url: 'wrong'};\n" .. text)), text)
    end
  end)

  it("it may be declared without being exported, or be handed to a function", function()
    for _, text in ipairs { "const aws = {url: 'right'}", "var aws = {url: 'right'};", "aws = {url: 'right'}", "window.aws = {url: 'right'};",
      "Amplify.configure({url: 'right'})", "Amplify.configure({\n  url: 'right'\n}, {ssr: true});",
      "export const client = new Client({url: 'right'});", "function f() { return {url: 'right'} }",
      "if (/[{]/.test('x')) { f(`${{}}`, {url: 'right'}) }", "/* {url: 'wrong'} */ // {url: 'wrong'}\n{url: 'right'}" } do
      assert.equal("right", (chosen(text)), text)
    end
  end)

  it("names and members of other declarations count", function()
    assert.equal("https://id.example/g", (chosen([[
      const ID = 'id', other = 1
      const HOST = `${ID}.example`
      const parts = { path: { name: '/g' } }
      export default { url: 'https://' + HOST + parts.path.name }
    ]])))
  end)

  it("a member is taken where the whole isn't one", function()
    assert.equal("right", (chosen("export const environment = {production: false, aws: {url: 'right'}, other: {a: 1}}")))
    assert.equal("right", (chosen("const aws = {url: 'right'}; module.exports = { aws, version: 1 }")))
  end)

  it("Dart's text is read", function()
    for _, text in ipairs { "const amplifyconfig = ''' {\n \"url\": \"right\"\n}''';", "const String c = r'''{\"url\": \"right\"}''';",
      "const c = \"\"\"{\"url\": \"right\"}\"\"\";", "final Map<String, dynamic> c = <String, dynamic>{'url': 'right'};" } do
      assert.equal("right", (chosen(text)), text)
    end
  end)

  it("TypeScript's types aren't literals", function()
    assert.equal("right", (chosen("type T = { url: string };\ninterface I { url: string; auth?: I }\nexport const c: T = { url: 'right' };")))
  end)

  it("the default export wins where it is a configuration without an API", function()
    assert.equal("right", (chosen("const api = {url: 'wrong'}; export default {auth: 'right'}")))
    assert.equal("right", (chosen("export const api = {url: 'wrong'}; export default {auth: 'right'}")))
  end)

  it("an API wins among other exports", function()
    assert.equal("right", (chosen("export const a = {auth: 'wrong'}, b = 1; export const c = {url: 'right'}")))
    assert.equal("right", (chosen("export const a = {auth: 'right'}; export const b = {auth: 'wrong'}")))
  end)

  it("several APIs are refused by their names", function()
    local value, message = chosen("const dev = {url: '1'}, x = 0; const prod = {url: '2'}; export default isProd ? prod : dev")
    assert.is_nil(value)
    assert.equal("has several configurations (dev, prod): give the one that is meant, as a table or a text", message)
    value, message = chosen("export const dev = {url: '1'}; export const prod = {url: '2'};")
    assert.is_nil(value)
    assert.matches("%(dev, prod%)", message)
    assert.equal("1", (chosen("export const dev = {url: '1'}; export { dev as default }; export { dev as same }")))
  end)

  it("what is wrong is told with its line", function()
    local rows = {
      { "line 1: there is no object literal", "" },
      { "line 1: there is no object literal", "just words" },
      { "line 1: there is no object literal", "import {a} from 'b'" },
      { "line 2: aws has no value in this file", "import aws from 'b'\nexport default aws" },
      { "line 2: aws has no value in this file", "declare const aws: Record<string, any>;\nexport default aws;" },
      { "line 3: ',' or '}' was expected", "const aws = {\n  url: 'x'\n  auth: 'y'\n};\nexport default aws;" },
      { "line 1: ',' or '}' was expected", "export default {url: 'x'" },
      { "line 1: a comment has no end", "const a = 1; /* {}" },
      { "its export is process.env.X in line 1, which isn't a literal; code is never run", "export default process.env.X" },
    }
    for _, row in ipairs(rows) do
      local value, message = chosen(row[2])
      assert.is_nil(value, row[2])
      assert.equal(row[1], message, row[2])
    end
    assert.same({}, { chosen("export default {a: 1}") })
  end)

  it("a script that is too long for one isn't searched", function()
    local value, message = chosen("export default {url: 'x'} //" .. ("x"):rep(256 * 1024))
    assert.is_nil(value)
    assert.equal("it is longer than 256 KB", message)
  end)

  it("a circle of names ends", function()
    assert.same({}, { chosen("const a = {b}; const b = {a}; export default {c: a}") })
    local chain = { "const n0 = {url: 'x'}" }
    for i = 1, 500 do chain[#chain + 1] = ("const n%d = n%d"):format(i, i - 1) end
    chosen(table.concat(chain, "\n") .. "\nexport default n500")
  end)
end)
