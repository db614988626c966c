// The matches of bench restart: they count the numbered messages of their players, and
// tell all of them the counts in each tick.

function InitModule(ctx, logger, nk, initializer) {
  initializer.registerRpc("create_restart", createMatch);
  initializer.registerMatch("bench_restart", {
    matchInit: matchInit,
    matchJoinAttempt: matchJoinAttempt,
    matchJoin: matchJoin,
    matchLeave: matchLeave,
    matchLoop: matchLoop,
    matchTerminate: matchTerminate,
    matchSignal: matchSignal
  });
}

function createMatch(ctx, logger, nk, payload) {
  return nk.matchCreate("bench_restart", {});
}

function matchInit(ctx, logger, nk, params) {
  return { state: { joins: 0, leaves: 0, players: {} }, tickRate: 10, label: "restart" };
}

function matchJoinAttempt(ctx, logger, nk, dispatcher, tick, state, presence, metadata) {
  return { state: state, accept: true };
}

// matchJoin keeps players by user, who may come back with another session.
function matchJoin(ctx, logger, nk, dispatcher, tick, state, presences) {
  presences.forEach(function (p) {
    state.joins++;
    state.players[p.userId] = state.players[p.userId] || { counted: 0, last: 0, again: 0 };
  });
  return { state: state };
}

// matchLeave ends the match when as many have left as have joined.
function matchLeave(ctx, logger, nk, dispatcher, tick, state, presences) {
  state.leaves += presences.length;
  return state.leaves >= state.joins ? null : { state: state };
}

function matchLoop(ctx, logger, nk, dispatcher, tick, state, messages) {
  messages.forEach(function (m) {
    const player = state.players[m.sender.userId];
    const number = Number(nk.binaryToString(m.data));
    player.counted++;
    if (number <= player.last) {
      player.again++;
    } else {
      player.last = number;
    }
  });
  dispatcher.broadcastMessage(1, JSON.stringify({ tick: tick, joins: state.joins, leaves: state.leaves, players: state.players }));
  return { state: state };
}

function matchTerminate(ctx, logger, nk, dispatcher, tick, state, graceSeconds) {
  return { state: state };
}

function matchSignal(ctx, logger, nk, dispatcher, tick, state, data) {
  return { state: state, data: data };
}
