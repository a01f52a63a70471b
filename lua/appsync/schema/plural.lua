---English plurals, as the npm package `pluralize`, which Amplify has, makes them.
local function words(text)
  local set = {}
  for word in text:gmatch("%S+") do set[word] = true end
  return set
end

local UNCOUNTABLE = words([[adulthood advice agenda aid aircraft alcohol ammo analytics anime athletics audio bison blood
bream buffalo butter carp cash chassis chess clothing cod commerce cooperation corps debris diabetes digestion elk energy
equipment excretion expertise firmware flounder fun gallows garbage graffiti hardware headquarters health herpes highjinks
homework housework information jeans justice kudos labour literature machinery mackerel mail media mews moose music mud
manga news only personnel pike plankton pliers police pollution premises rain research rice salmon scissors series sewage
shambles shrimp software staff swine tennis traffic transportation trout tuna wealth welfare whiting wildebeest wildlife
you]])

local UNCOUNTABLE_ENDINGS = { "pokemon$", "[^aeiou]ese$", "deer$", "fish$", "measles$", "ois$", "ous$", "pox$", "sheep$" }

local IRREGULAR = {
  i = "we", me = "us", he = "they", she = "they", them = "them", is = "are", was = "were", has = "have", this = "these",
  that = "those", myself = "ourselves", yourself = "yourselves", itself = "themselves", herself = "themselves",
  himself = "themselves", themself = "themselves", echo = "echoes", dingo = "dingoes",
  volcano = "volcanoes", tornado = "tornadoes", torpedo = "torpedoes", genus = "genera", viscus = "viscera",
  stigma = "stigmata", stoma = "stomata", dogma = "dogmata", lemma = "lemmata", schema = "schemata",
  anathema = "anathemata", ox = "oxen", axe = "axes", die = "dice", yes = "yeses", foot = "feet", eave = "eaves",
  goose = "geese", tooth = "teeth", quiz = "quizzes", human = "humans", proof = "proofs", carve = "carves",
  valve = "valves", looey = "looies", thief = "thieves", groove = "grooves", pickaxe = "pickaxes",
  passerby = "passersby", thou = "you", mouse = "mice", louse = "lice",
  titmouse = "titmice",
}

local PLURALS = {}
for _, plural in pairs(IRREGULAR) do PLURALS[plural] = true end

-- {endings with their stem, how many letters go, what comes}; the first that fits counts.
local RULES = {
  { "man men", 2, "en" },
  { "eaux", 0, "" },
  { "children", 0, "" }, { "child", 0, "ren" },
  { "people", 0, "" }, { "person", 4, "ople" },
  { "matrix codex codix murex silex vertex index indix appendix appendex", 2, "ices" },
  { "x ch ss sh zz", 0, "es" },
  { "quy", 1, "ies" },
  { "[^aeiouy]y", 1, "ies" },
  { "[^ch][ieo][ln]ey", 2, "ies" },
  { "knife wife life", 2, "ves" },
  { "arf lf eaf eof oaf hoof", 1, "ves" },
  { "sis", 2, "es" },
  { "aphelion hyperbaton perihelion asyndeton noumenon phenomenon criterion organon prolegomenon hedron automaton", 2, "a" },
  { "addendum millennium datum extremum bacterium desideratum stratum candelabrum erratum ovum symposium curriculum quorum",
    2, "a" },
  { "data bacteria criteria phenomena symposia curricula strata agenda addenda millennia extrema desiderata candelabra errata",
    0, "" },
  { "ova quora automata aphelia hyperbata perihelia asyndeta noumena organa prolegomena hedra alumnae algae vertebrae", 0, "" },
  { "alumni syllabi viri radii nuclei fungi cacti stimuli termini bacilli foci uteri loci strati seraphim cherubim", 0, "" },
  { "hero ato gro", 0, "es" },
  { "seraph cherub", 0, "im" },
  { "alumna alga vertebra", 0, "e" },
  { "alumnus syllabus virus radius nucleus fungus cactus stimulus terminus bacillus focus uterus locus stratus", 2, "i" },
  { "[^l]ias [aeiou]las [ejzr]as [iu]am", 0, "" },
  { "emu enu", 0, "s" }, { "emus enus", 0, "" },
  { "alias [^aou]us tlas tmas gas ris", 0, "es" },
  { "axis testis", 2, "es" },
  { "s", 0, "" },
}

-- By rule: endings that are letters alone, by their length, and patterns.
for _, rule in ipairs(RULES) do
  rule.plain, rule.lengths, rule.patterns = {}, {}, {}
  local has_length = {}
  for ending in rule[1]:gmatch("%S+") do
    if ending:find("%W") then
      table.insert(rule.patterns, ending .. "$")
    else
      rule.plain[ending] = true
      if not has_length[#ending] then table.insert(rule.lengths, #ending) end
      has_length[#ending] = true
    end
  end
end

-- How many letters of the end a rule speaks of; nil where it doesn't fit.
local function fit(rule, token)
  for _, length in ipairs(rule.lengths) do
    local ending = token:sub(-length)
    if rule.plain[ending] then return #ending end
  end
  for _, pattern in ipairs(rule.patterns) do
    local start = token:find(pattern)
    if start then return #token - start + 1 end
  end
  return nil
end

local function is_uncountable(token)
  if UNCOUNTABLE[token] then return true end
  for _, ending in ipairs(UNCOUNTABLE_ENDINGS) do
    if token:find(ending) then return true end
  end
  return false
end

-- What stands for a part of a word has its case, by its first letter where it's mixed.
local function in_case_of(part, text)
  if part == part:lower() then return text:lower() end
  if part == part:upper() then return text:upper() end
  if part:find("^%u") then return text:sub(1, 1):upper() .. text:sub(2):lower() end
  return text:lower()
end

---The English plural of a type's name, in its case.
---@param word string
---@return string
return function(word)
  local token = word:lower()
  if IRREGULAR[token] then return word == token and IRREGULAR[token] or in_case_of(word, IRREGULAR[token]) end
  if PLURALS[token] or is_uncountable(token) then return word end
  for _, rule in ipairs(RULES) do
    local n_letters = fit(rule, token)
    if n_letters then
      local part = word:sub(-n_letters)
      return word:sub(1, -n_letters - 1) .. in_case_of(part, part:sub(1, n_letters - rule[2]) .. rule[3])
    end
  end
  return word .. in_case_of(word:sub(-1), "s")
end
