// Socket.IO with the Redis adapter, as its users run it: a room per table, an op with an acknowledgement, stored in
// Redis (AOF always) before it is emitted. Run one process per core; PORT, PEER_REDIS_PORT.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { Redis } = require("ioredis");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/redis-adapter");

const redis = new Redis({ port: Number(process.env.PEER_REDIS_PORT), host: "127.0.0.1", enableAutoPipelining: true });
redis.defineCommand("cart", { numberOfKeys: 4, lua: fs.readFileSync(path.join(__dirname, "..", "cart.lua"), "utf8") });

const server = http.createServer((request, response) => response.end("ok"));
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
io.adapter(createAdapter(redis.duplicate({ enableAutoPipelining: false }), redis.duplicate({ enableAutoPipelining: false })));

io.on("connection", (socket) => {
  const { table, guest } = socket.handshake.auth;
  socket.join(table);
  socket.on("op", async (op, answer) => {
    const at = new Date().toISOString();
    const data = { op_id: op.op_id, line: op.line, by: guest, dish_id: op.dish_id };
    const rest = JSON.stringify({ type: op.op, at, data }).slice(1);
    const seq = await redis.cart(`${table}:seq`, `${table}:cart`, `${table}:log`, `${table}:op:${op.op_id}`, op.op, op.line, rest, "");
    io.to(table).emit("event", { seq, type: op.op, at, data });
    answer({ seq });
  });
});
server.listen(Number(process.env.PORT), "127.0.0.1");
