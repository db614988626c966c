-- The words the filter stars out. A module is a file; its name is its path with
-- dots: require("words.rude").
local rude = { "darn", "heck", "frick" }

local M = {}

function M.clean(text)
  return (text:gsub("%a+", function(word)
    for _, r in ipairs(rude) do
      if word:lower() == r then
        return ("*"):rep(#word)
      end
    end
  end))
end

return M
