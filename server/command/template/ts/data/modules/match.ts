// The match that plays the game. Its messages, all of them JSON:
//
//   op 1  server → players  {stones, players, turn, winner}
//   op 2  player → server   {take: 1…3}
//   op 3  server → player   {reason}, why a move was refused

import { Game } from "./rules";

const STATE = 1;
const TAKE = 2;
const REFUSED = 3;
const TICK_RATE = 5;
const IDLE_SECONDS = 60;

interface State {
  game: Game;
  present: number;
  idleTicks: number;
}

const label = (game: Game) => JSON.stringify({ open: game.players.length < 2 ? 1 : 0 });

// What a player wants to take, or undefined if the message is not JSON.
function taken(nk: nkruntime.Nakama, message: nkruntime.MatchMessage): unknown {
  try {
    return JSON.parse(nk.binaryToString(message.data)).take;
  } catch {
    return undefined;
  }
}

export const stones: nkruntime.MatchHandler<State> = {
  matchInit(ctx, logger, nk, params) {
    const game = new Game();
    return { state: { game, present: 0, idleTicks: 0 }, tickRate: TICK_RATE, label: label(game) };
  },

  // Two players may join; one who lost the connection may come back.
  matchJoinAttempt(ctx, logger, nk, dispatcher, tick, state, presence) {
    const { players } = state.game;
    if (!players.includes(presence.userId)) {
      if (players.length === 2) return { state, accept: false, rejectMessage: "the game is full" };
      players.push(presence.userId);
    }
    return { state, accept: true };
  },

  matchJoin(ctx, logger, nk, dispatcher, tick, state, presences) {
    state.present += presences.length;
    dispatcher.matchLabelUpdate(label(state.game));
    dispatcher.broadcastMessage(STATE, JSON.stringify(state.game));
    return { state };
  },

  matchLeave(ctx, logger, nk, dispatcher, tick, state, presences) {
    state.present -= presences.length;
    return { state };
  },

  matchLoop(ctx, logger, nk, dispatcher, tick, state, messages) {
    const { game } = state;
    for (const message of messages) {
      if (message.opCode !== TAKE) continue;
      const reason = game.take(message.sender.userId, taken(nk, message));
      if (reason) {
        dispatcher.broadcastMessage(REFUSED, JSON.stringify({ reason }), [message.sender]);
        continue;
      }
      dispatcher.broadcastMessage(STATE, JSON.stringify(game));
      if (game.winner) nk.leaderboardRecordWrite("wins", game.winner, message.sender.username, 1);
    }
    // Returning null ends the match: some time after everybody has left.
    state.idleTicks = state.present > 0 ? 0 : state.idleTicks + 1;
    return state.idleTicks > IDLE_SECONDS * TICK_RATE ? null : { state };
  },

  matchTerminate(ctx, logger, nk, dispatcher, tick, state, graceSeconds) {
    return { state };
  },

  matchSignal(ctx, logger, nk, dispatcher, tick, state, data) {
    return { state, data: JSON.stringify(state.game) };
  },
};
