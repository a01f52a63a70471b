local plural_of = require("appsync.schema.plural")

describe("the plural of", function()
  for word, plural in pairs({ Todo = "Todos", Blog = "Blogs", Category = "Categories", Day = "Days", Box = "Boxes", Match = "Matches",
    Class = "Classes", Person = "People", BlogPerson = "BlogPeople", Child = "Children", Hero = "Heroes", Photo = "Photos",
    Knife = "Knives",
    Leaf = "Leaves", Chef = "Chefs", Index = "Indices", Matrix = "Matrices", Analysis = "Analyses", Status = "Statuses", Alias = "Aliases",
    Datum = "Data", Criterion = "Criteria", Man = "Men", Woman = "Women", Human = "Humans", Mouse = "Mice", Sheep = "Sheep", Fish = "Fish",
    News = "News", Series = "Series", Information = "Information", PostLabels = "PostLabels", E = "ES", User = "Users", Quiz = "Quizzes",
    Foot = "Feet", Bus = "Buses", Company = "Companies", Key = "Keys", Equipment = "Equipment", Address = "Addresses", Axis = "Axes",
    Soliloquy = "Soliloquies", Proof = "Proofs", Gas = "Gases", Data = "Data", OneOf = "Oneoves",
    PluginY = "Pluginies", URIs = "URises", MyUS = "Myuses", BOX = "BOXES", Foci = "Foci", MyAgenda = "MyAgenda", Life = "Lives",
    Canvas = "Canvas", My = "Mies", Itself = "Themselves", I = "WE", House = "Houses", Mice = "Mice" }) do
    it(word .. " is " .. plural, function() assert.equal(plural, plural_of(word)) end)
  end
end)
