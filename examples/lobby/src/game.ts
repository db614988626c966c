// A match of Ink on the server. Players send the turns they would like to take
// and are told what happened; nothing else they send matters.
//
//   op 1  server → players  all there is to know, see view: whenever somebody
//                           comes or goes and when a phase begins
//   op 2  server → players  one step: {left, runners: [[x, y], [x, y]], cells: [[…], […]]},
//                           the cells by who has them now
//   op 3  player → server   {turn}: 0 right, 1 down, 2 left, 3 up
//   op 4  player → server   gives up
import { Arena, HEIGHT, WIDTH } from "./arena";
import { type Record, writeResult } from "./records";

const VIEW = 1;
const STEP = 2;
const TURN = 3;
const GIVE_UP = 4;

const TICK_RATE = 10;
const WAIT_SECONDS = 20; // for both players to join
const COUNTDOWN_SECONDS = 3;
const ROUND_SECONDS = 60; // default, see ROUND_SECONDS in runtime.env
const RESULT_SECONDS = 60; // for which the result is shown

type Phase = "waiting" | "countdown" | "playing" | "over";

interface Player {
  userId: string;
  username: string;
}

interface Result {
  winner: string; // user id, empty for a draw or an aborted match
  why: "score" | "gave up" | "nobody came";
  records?: [Record, Record];
}

// The state of a match may be an instance of a class.
class Game {
  arena = new Arena();
  phase: Phase = "waiting";
  left = WAIT_SECONDS * TICK_RATE; // ticks left in the phase
  present = new Map<string, nkruntime.Presence>(); // by session
  result?: Result;

  constructor(public players: [Player, Player], public roundTicks: number) {}

  seatOf(userId: string): number {
    return this.players.findIndex((player) => player.userId === userId);
  }

  isHere(userId: string): boolean {
    return [...this.present.values()].some((presence) => presence.userId === userId);
  }

  begin(phase: Phase, ticks: number) {
    this.phase = phase;
    this.left = ticks;
  }

  view(): string {
    const { arena, phase, left, result } = this;
    return JSON.stringify({
      phase, left, tickRate: TICK_RATE, width: WIDTH, height: HEIGHT,
      cells: arena.cells.join(""),
      runners: arena.runners.map(({ x, y }) => [x, y]),
      players: this.players.map((player) => ({ ...player, here: this.isHere(player.userId) })),
      result,
    });
  }
}

export const game: nkruntime.MatchHandler<Game> = {
  matchInit(ctx, logger, nk, { players }) {
    const seconds = Number(ctx.env.ROUND_SECONDS) || ROUND_SECONDS;
    const state = new Game(players, seconds * TICK_RATE);
    return { state, tickRate: TICK_RATE, label: JSON.stringify({ game: "ink" }) };
  },

  // Only the two matched players may join, as often as they like: a player who
  // reloads the page continues the match. Meanwhile the runner goes on.
  matchJoinAttempt(ctx, logger, nk, dispatcher, tick, state, presence) {
    const accept = state.seatOf(presence.userId) >= 0;
    return { state, accept, rejectMessage: accept ? undefined : "this match is between others" };
  },

  matchJoin(ctx, logger, nk, dispatcher, tick, state, presences) {
    for (const p of presences) state.present.set(p.sessionId, p);
    if (state.phase === "waiting" && state.players.every((p) => state.isHere(p.userId))) {
      state.begin("countdown", COUNTDOWN_SECONDS * TICK_RATE);
    }
    dispatcher.broadcastMessage(VIEW, state.view());
    return { state };
  },

  matchLeave(ctx, logger, nk, dispatcher, tick, state, presences) {
    for (const p of presences) state.present.delete(p.sessionId);
    dispatcher.broadcastMessage(VIEW, state.view());
    return { state };
  },

  matchLoop(ctx, logger, nk, dispatcher, tick, state, messages) {
    for (const { opCode, sender, data } of messages) {
      const seat = state.seatOf(sender.userId);
      if (state.phase !== "playing") break;
      if (opCode === TURN) state.arena.turn(seat, turnIn(data));
      if (opCode === GIVE_UP) {
        finish(nk, state, state.players[1 - seat].userId, "gave up");
        dispatcher.broadcastMessage(VIEW, state.view());
      }
    }

    if (state.phase === "countdown" || state.phase === "playing") {
      const changed = state.phase === "playing" ? state.arena.step(tick) : [];
      dispatcher.broadcastMessage(STEP, JSON.stringify({
        left: state.left,
        runners: state.arena.runners.map(({ x, y }) => [x, y]),
        cells: [1, 2].map((owner) => changed.filter((cell) => state.arena.cells[cell] === owner)),
      }));
    }

    if (state.phase === "over" && !state.present.size) return null;
    if (--state.left > 0) return { state };
    switch (state.phase) {
      case "waiting":
        finish(nk, state, "", "nobody came");
        break;
      case "countdown":
        state.begin("playing", state.roundTicks);
        break;
      case "playing": {
        const [a, b] = state.arena.score();
        finish(nk, state, a === b ? "" : state.players[a > b ? 0 : 1].userId, "score");
        break;
      }
      case "over":
        return null;
    }
    dispatcher.broadcastMessage(VIEW, state.view());
    return { state };
  },

  matchTerminate(ctx, logger, nk, dispatcher, tick, state, graceSeconds) {
    return { state };
  },

  matchSignal(ctx, logger, nk, dispatcher, tick, state, data) {
    return { state, data: state.view() };
  },

  // With runtime.match_reload: swap a running match moves to changed code. The
  // old state arrives without its classes, since their code has changed.
  matchReload(ctx, logger, nk, dispatcher, tick, old) {
    const state: Game = Object.assign(new Game(old.players, old.roundTicks), old);
    state.arena = Object.assign(new Arena(), old.arena);
    return { state };
  },
};

// finish ends the game and updates the records, if it was played.
function finish(nk: nkruntime.Nakama, state: Game, winner: string, why: Result["why"]) {
  state.result = { winner, why };
  if (why !== "nobody came") {
    const [a, b] = state.players;
    const score = winner === a.userId ? 1 : winner === b.userId ? 0 : 0.5;
    state.result.records = writeResult(nk, [a.userId, b.userId], score);
  }
  state.begin("over", RESULT_SECONDS * TICK_RATE);
}

function turnIn(data: ArrayBuffer | null): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data ?? new ArrayBuffer(0))).turn;
  } catch {
    return undefined; // not a turn
  }
}
