// Two players play tic-tac-toe on a running Kumi server, through the published
// Nakama client for JavaScript.
//
//   npm ci && node play.mjs [--handler tictactoe_lua] [--format protobuf] [--port 7350]
import { parseArgs } from "node:util";
import { Client } from "@heroiclabs/nakama-js";
import { WebSocketAdapterPb } from "@heroiclabs/nakama-js-protobuf";
import WebSocket from "ws";

globalThis.WebSocket ??= WebSocket;

const { values: options } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "7350" },
    key: { type: "string", default: "defaultkey" },
    handler: { type: "string", default: "tictactoe" },
    format: { type: "string", default: "json" },
  },
});

const STATE = 1;
const MOVE = 2;
const REFUSED = 3;

// Cells in the order they are played; X completes the diagonal 0-4-8.
const script = [0, 1, 4, 2, 8];

async function connect(name) {
  const client = new Client(options.key, options.host, options.port, false);
  const session = await client.authenticateDevice(`play-${name}-device-id`, true, `play_${name}`);
  const adapter = options.format === "protobuf" ? new WebSocketAdapterPb() : undefined;
  const socket = client.createSocket(false, false, adapter);
  await socket.connect(session, true);
  return { name, client, session, socket };
}

function show(board) {
  const cell = (i) => board[i] || ".";
  return [0, 3, 6].map((row) => [0, 1, 2].map((i) => cell(row + i)).join(" ")).join("\n");
}

const ann = await connect("ann");
const ben = await connect("ben");

const { payload } = await ann.client.rpc(ann.session, "tictactoe_create", { handler: options.handler }).catch(async (answer) => {
  console.error(`tictactoe_create: ${(await answer.json?.())?.message ?? answer}. Are the sample modules loaded?`);
  process.exit(1);
});
const matchId = payload.match_id;
console.log(`match ${matchId}`);

const over = new Promise((resolve, reject) => {
  for (const player of [ann, ben]) {
    player.socket.onmatchdata = (message) => {
      const data = JSON.parse(new TextDecoder().decode(message.data));
      if (message.op_code === REFUSED) {
        reject(new Error(`${player.name}'s move was refused: ${data.reason}`));
      } else if (message.op_code === STATE) {
        onState(player, data).then((done) => done && resolve(data), reject);
      }
    };
  }
});

async function onState(player, state) {
  if (state.winner) return true;
  const mark = state.marks[player.session.user_id];
  const played = state.board.filter(Boolean).length;
  const ready = Object.keys(state.marks).length === 2;
  if (ready && mark === state.turn) {
    await player.socket.sendMatchState(matchId, MOVE, JSON.stringify({ cell: script[played] }));
  }
  return false;
}

await ann.socket.joinMatch(matchId);
await ben.socket.joinMatch(matchId);

const timeout = setTimeout(() => {
  console.error("the game did not end");
  process.exit(1);
}, 20_000);
const state = await over;
clearTimeout(timeout);

console.log(show(state.board));
console.log(state.winner === "draw" ? "a draw" : `${state.winner} wins`);
for (const { socket } of [ann, ben]) socket.disconnect(false);
process.exit(state.winner === "X" ? 0 : 1);
