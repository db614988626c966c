// The load generator's functions in plain JavaScript. It keeps to what every
// server of this protocol accepts: named global functions, one statement per
// registration.

function InitModule(ctx, logger, nk, initializer) {
  initializer.registerRpc("echo_js", echo);
  initializer.registerRpc("json_js", bumpCounter);
  initializer.registerRpc("fill_board_js", fillBoard);
  initializer.registerRpc("fib_js", fibonacci);
  initializer.registerRpc("players_js", players);
  initializer.registerStorageIndex("bench_players", "bench_players", "", ["level", "rating", "region"], ["rating"], 1000000, false);
  initializer.registerRpc("create_match_js", createMatch);
  initializer.registerMatch("bench_js", {
    matchInit: matchInit,
    matchJoinAttempt: matchJoinAttempt,
    matchJoin: matchJoin,
    matchLeave: matchLeave,
    matchLoop: matchLoop,
    matchTerminate: matchTerminate,
    matchSignal: matchSignal
  });
}

function echo(ctx, logger, nk, payload) {
  return payload;
}

// bumpCounter reads an object, counts it up, adds a field and writes it.
function bumpCounter(ctx, logger, nk, payload) {
  var value = JSON.parse(payload);
  value.counter = (value.counter || 0) + 1;
  value.seen = true;
  return JSON.stringify(value);
}

function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

function fibonacci(ctx, logger, nk, payload) {
  return String(fib(20));
}

// createMatch takes {"maxTicks": n}: the match ends by itself after that many
// ticks, or never when n is 0 or missing.
function createMatch(ctx, logger, nk, payload) {
  var params = payload ? JSON.parse(payload) : {};
  return nk.matchCreate("bench_js", params);
}

function matchInit(ctx, logger, nk, params) {
  return {
    state: { maxTicks: (params && params.maxTicks) || 0, order: [], players: {} },
    tickRate: 10,
    label: ""
  };
}

function matchJoinAttempt(ctx, logger, nk, dispatcher, tick, state, presence, metadata) {
  return { state: state, accept: true };
}

function matchJoin(ctx, logger, nk, dispatcher, tick, state, presences) {
  presences.forEach(function (p) {
    state.players[p.sessionId] = { x: 500, y: 500 };
    state.order.push(p.sessionId);
  });
  return { state: state };
}

// matchLeave ends the match with its last player, so that runs leave nothing
// behind.
function matchLeave(ctx, logger, nk, dispatcher, tick, state, presences) {
  presences.forEach(function (p) {
    delete state.players[p.sessionId];
    state.order = state.order.filter(function (id) { return id !== p.sessionId; });
  });
  return state.order.length === 0 ? null : { state: state };
}

// keepInside keeps coordinates three digits long, so that every state is
// equally large.
function keepInside(v) {
  return v < 100 ? 999 : v > 999 ? 100 : v;
}

function matchLoop(ctx, logger, nk, dispatcher, tick, state, messages) {
  if (state.maxTicks > 0 && tick >= state.maxTicks) {
    return null;
  }
  if (state.order.length === 0) {
    return { state: state };
  }
  messages.forEach(function (m) {
    var input = JSON.parse(nk.binaryToString(m.data));
    var player = state.players[m.sender.sessionId];
    if (player) {
      player.x = keepInside(player.x + input.x);
      player.y = keepInside(player.y + input.y);
    }
  });
  var view = {
    tick: tick,
    room: "bench arena",
    players: state.order.map(function (id) { return state.players[id]; })
  };
  dispatcher.broadcastMessage(1, JSON.stringify(view));
  return { state: state };
}

function matchTerminate(ctx, logger, nk, dispatcher, tick, state, graceSeconds) {
  return { state: state };
}

function matchSignal(ctx, logger, nk, dispatcher, tick, state, data) {
  return { state: state, data: data };
}

// fillBoard writes the records from and to of the board of the scenario
// leaderboard, which it makes.
function fillBoard(ctx, logger, nk, payload) {
  const part = JSON.parse(payload);
  nk.leaderboardCreate("bench", false, "descending", "set", "", {}, true);
  for (let i = part.from; i < part.to; i++) {
    const hex = ("0000000" + i.toString(16)).slice(-8);
    nk.leaderboardRecordWrite("bench", hex + "-0000-4000-8000-000000000000", "", Math.floor(Math.random() * 1000000), 0, {});
  }
}

// players writes the objects from and to of the scenario storage-index, or lists those
// that a query finds in the index.
function players(ctx, logger, nk, payload) {
  const p = JSON.parse(payload);
  if (p.query !== undefined) {
    return JSON.stringify(nk.storageIndexList("bench_players", p.query, 10, p.order).objects.map(o => o.value));
  }
  const writes = [];
  for (let i = p.from; i < p.to; i++) {
    const value = {
      level: Math.floor(Math.random() * 100), rating: Math.floor(Math.random() * 100000),
      region: ["africa", "asia", "eu", "us"][i % 4], name: "player " + i
    };
    writes.push({ collection: "bench_players", key: "p" + i, userId: "00000000-0000-0000-0000-000000000000", value, permissionRead: 2 });
  }
  nk.storageWrite(writes);
}
