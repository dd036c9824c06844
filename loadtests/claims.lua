-- wrk's script for flash claims: a fresh idempotency key each, signed tokens taken in turn, answers counted by status.
-- Arguments: file with a bearer token per line · Host header · path · prefix of this round's keys.
-- One line of JSON at the end, for loadtests/wrk.py. One thread (-t1): the counts are that thread's.
local heads, count, keys, sent = {}, 0, "", 0
statuses = {}
sold_out = 0

local threads = {}
function setup(thread) table.insert(threads, thread) end

function init(args)
  keys = args[4] .. "-"
  for token in io.lines(args[1]) do
    count = count + 1
    heads[count] = "POST " .. args[3] .. " HTTP/1.1\r\nHost: " .. args[2]
      .. "\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: 14"
      .. "\r\nAuthorization: Bearer " .. token .. "\r\nIdempotency-Key: "
  end
end

function request()
  sent = sent + 1
  return heads[(sent - 1) % count + 1] .. keys .. sent .. '\r\n\r\n{"quantity":1}'
end

function response(status, headers, body)
  statuses[status] = (statuses[status] or 0) + 1
  if status == 409 and string.find(body, '"sold_out"', 1, true) then sold_out = sold_out + 1 end
end

function done(summary, latency, requests)
  local counts = {}
  for status, number in pairs(threads[1]:get("statuses")) do
    table.insert(counts, string.format('"%d":%d', status, number))
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"duration_us":%d,"statuses":{%s},"sold_out":%d,"broken":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.duration, table.concat(counts, ","), threads[1]:get("sold_out"),
    errors.connect + errors.read + errors.write, latency:percentile(50), latency:percentile(99)))
end
