-- One kind of request for many members, chosen at random by a fixed seed; arguments: path with MEMBER in it, file of members and their
-- tokens, and the milliseconds a connection rests between requests on average (0 or none: as fast as it goes).
local path
local rest = 0
local members, tokens = {}, {}
function init(args)
  path = args[1]
  for line in io.lines(args[2]) do
    local member, token = line:match("^(%S+) (%S+)$")
    members[#members + 1], tokens[#tokens + 1] = member, "Bearer " .. token
  end
  math.randomseed(7)
  rest = tonumber(args[3] or "0")
end
function delay()
  -- whole milliseconds, drawn so that connections do not march in step and their mean is the one asked for
  local drawn = math.random() * 2 * rest
  local whole = math.floor(drawn)
  return math.random() < drawn - whole and whole + 1 or whole
end
function request()
  local one = math.random(1, #members)
  return wrk.format("GET", (string.gsub(path, "MEMBER", members[one])), {authorization = tokens[one]})
end
function done(summary, latency, requests)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %.1f %.3f %.3f %.3f %d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000, errors))
end
