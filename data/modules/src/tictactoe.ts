// Tic-tac-toe for two, refereed by the server. The Lua and Go samples play the
// same game with the same messages, so any client plays them all.
//
//   op 1  server → players  {board, marks, turn, winner}
//   op 2  player → server   {cell: 0…8}
//   op 3  server → player   {reason}, why a move was refused

const STATE = 1;
const MOVE = 2;
const REFUSED = 3;
const TICK_RATE = 5;
const IDLE_SECONDS = 60;

const LINES = [
  [0, 1, 2], [3, 4, 5], [6, 7, 8],
  [0, 3, 6], [1, 4, 7], [2, 5, 8],
  [0, 4, 8], [2, 4, 6],
];

type Mark = "X" | "O";

// State is kept as it is between ticks, so a Map or a class instance is fine.
class Game {
  board: (Mark | "")[] = Array(9).fill("");
  marks = new Map<string, Mark>(); // user id → mark
  present = new Map<string, nkruntime.Presence>(); // session id → presence
  turn: Mark = "X";
  winner: Mark | "draw" | "" = "";
  idleTicks = 0;

  play(userId: string, cell: unknown): string | null {
    if (this.winner) return "the game is over";
    if (this.marks.size < 2) return "wait for the other player";
    if (this.marks.get(userId) !== this.turn) return "it is not your turn";
    if (!Number.isInteger(cell) || this.board[cell as number] !== "") return "that cell is not free";
    this.board[cell as number] = this.turn;
    if (LINES.some((line) => line.every((i) => this.board[i] === this.turn))) {
      this.winner = this.turn;
    } else if (this.board.every((mark) => mark)) {
      this.winner = "draw";
    }
    this.turn = this.turn === "X" ? "O" : "X";
    return null;
  }

  view(): string {
    const { board, turn, winner } = this;
    return JSON.stringify({ board, marks: Object.fromEntries(this.marks), turn, winner });
  }
}

const label = (game: Game) => JSON.stringify({ game: "tictactoe", open: game.marks.size < 2 ? 1 : 0 });

const refuse = (dispatcher: nkruntime.MatchDispatcher, to: nkruntime.Presence, reason: string) =>
  dispatcher.broadcastMessage(REFUSED, JSON.stringify({ reason }), [to]);

export const ticTacToe: nkruntime.MatchHandler<Game> = {
  matchInit(ctx, logger, nk, params) {
    const game = new Game();
    return { state: game, tickRate: TICK_RATE, label: label(game) };
  },

  // Two players, and a player who lost the connection may come back.
  matchJoinAttempt(ctx, logger, nk, dispatcher, tick, game, presence) {
    const known = game.marks.has(presence.userId);
    if (!known && game.marks.size === 2) {
      return { state: game, accept: false, rejectMessage: "the game is full" };
    }
    if (!known) {
      game.marks.set(presence.userId, game.marks.size === 0 ? "X" : "O");
    }
    return { state: game, accept: true };
  },

  matchJoin(ctx, logger, nk, dispatcher, tick, game, presences) {
    for (const p of presences) game.present.set(p.sessionId, p);
    dispatcher.matchLabelUpdate(label(game));
    dispatcher.broadcastMessage(STATE, game.view());
    return { state: game };
  },

  matchLeave(ctx, logger, nk, dispatcher, tick, game, presences) {
    for (const p of presences) game.present.delete(p.sessionId);
    return { state: game };
  },

  matchLoop(ctx, logger, nk, dispatcher, tick, game, messages) {
    let changed = false;
    for (const message of messages) {
      if (message.opCode !== MOVE) continue;
      let cell: unknown;
      try {
        cell = JSON.parse(nk.binaryToString(message.data)).cell;
      } catch {
        refuse(dispatcher, message.sender, "a move is {\"cell\": 0…8}");
        continue;
      }
      const reason = game.play(message.sender.userId, cell);
      if (reason) refuse(dispatcher, message.sender, reason);
      else changed = true;
    }
    if (changed) dispatcher.broadcastMessage(STATE, game.view());

    game.idleTicks = game.present.size ? 0 : game.idleTicks + 1;
    const over = game.winner && !game.present.size;
    return over || game.idleTicks > IDLE_SECONDS * TICK_RATE ? null : { state: game };
  },

  matchTerminate(ctx, logger, nk, dispatcher, tick, game, graceSeconds) {
    return { state: game };
  },

  // With runtime.match_reload=swap a running game moves to the code that was just
  // saved. The state arrives as plain data and becomes a Game of the new class.
  matchReload(ctx, logger, nk, dispatcher, tick, game) {
    return { state: Object.assign(new Game(), game) };
  },

  // Anyone on the server may ask how the game stands.
  matchSignal(ctx, logger, nk, dispatcher, tick, game, data) {
    return { state: game, data: game.view() };
  },
};

// RPC: makes a match and gives its id. The payload may name another handler:
// {"handler": "tictactoe_lua"}.
export const createGame: nkruntime.RpcFunction = (ctx, logger, nk, payload) => {
  const { handler = "tictactoe" } = JSON.parse(payload || "{}");
  if (!/^tictactoe(_\w+)?$/.test(handler)) {
    throw { message: `${handler} is not a tic-tac-toe handler`, code: 3 };
  }
  return JSON.stringify({ match_id: nk.matchCreate(handler, {}) });
};
