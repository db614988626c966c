// The page of Ink: a lobby with players and chat, the search for an opponent,
// and the match. The server decides everything; this file shows it and sends
// the player's input.
import { Board } from "./board.js";
import { Nakama, matchData } from "./nakama.js";

// The match's op codes; src/game.ts describes their data.
const VIEW = 1;
const STEP = 2;
const TURN = 3;
const GIVE_UP = 4;

const KEYS = {
  ArrowRight: 0, ArrowDown: 1, ArrowLeft: 2, ArrowUp: 3,
  KeyD: 0, KeyS: 1, KeyA: 2, KeyW: 3,
};

// Maximum rating difference of an opponent, increasing with each attempt.
const WIDTHS = [100, 300, 5000];
const TRY_MS = 6000;

const DOING = { "": "in the lobby", looking: "searching", playing: "in a game" };

const $ = (selector) => document.querySelector(selector);
const board = new Board($("#board"));
const server = new Nakama({ onMessage: receive, onClose: retry });
const people = new Map(); // user id → { username, sessions, status, record }

let channel = ""; // the chat room's id
let search = null; // AbortController of a running search
let match = null; // { id, view }

// --- connection

// Each tab is a player: sessionStorage belongs to the tab and survives
// reloads.
sessionStorage.device ??= [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");

async function start() {
  try {
    await logIn();
    await server.connect();
    $("#me").textContent = server.username;
    await enterLobby();
    $("#connection").textContent = "";
    if (sessionStorage.match) await joinMatch(sessionStorage.match);
    else showLobby();
  } catch (error) {
    lost(error);
    server.close();
    retry();
  }
}

// lost handles errors that only mean a lost connection: what failed is
// repeated after reconnecting.
function lost(error) {
  console.info(error.message);
}

let retryTimer = 0;
function retry() {
  $("#connection").textContent = "reconnecting …";
  stopSearch();
  clearTimeout(retryTimer);
  retryTimer = setTimeout(start, 1000);
}

async function logIn() {
  for (;;) {
    sessionStorage.username ??= newName();
    try {
      return await server.authenticate(sessionStorage.device, sessionStorage.username);
    } catch (error) {
      if (error.code !== 6) throw error;
      delete sessionStorage.username; // taken
    }
  }
}

function newName() {
  const pick = (words) => words[Math.floor(Math.random() * words.length)];
  return pick(["Quiet", "Brave", "Early", "Gentle", "Lucky", "Northern", "Proud", "Silver", "Swift", "Tall"])
    + pick(["Badger", "Falcon", "Fox", "Heron", "Lynx", "Marten", "Otter", "Raven", "Swan", "Wren"])
    + Math.floor(Math.random() * 1000);
}

// receive handles messages pushed by the server.
function receive(kind, value) {
  switch (kind) {
    case "channel_presence_event":
      arrive(value.joins ?? []).catch(lost);
      leave(value.leaves ?? []);
      break;
    case "channel_message":
      if (value.channel_id === channel) $("#messages").append(messageItem(value));
      $("#messages").scrollTop = $("#messages").scrollHeight;
      break;
    case "status_presence_event":
      setStatuses(value.joins ?? []);
      break;
    case "matchmaker_matched":
      if (!match) found(value.match_id);
      break;
    case "match_data":
      if (value.match_id !== match?.id) break;
      if (value.op_code === String(VIEW)) showMatch(matchData(value));
      if (value.op_code === String(STEP)) showStep(matchData(value));
      break;
  }
}

// --- people and chat

async function enterLobby() {
  people.clear();
  $("#messages").replaceChildren();
  const joined = await server.ask("channel_join", { target: "lobby", type: 1, persistence: true });
  channel = joined.id;
  await arrive([...(joined.presences ?? []), joined.self]);

  const { messages = [] } = await server.rest("GET", `/v2/channel/${encodeURIComponent(channel)}?limit=50&forward=false`);
  for (const message of messages) { // newest first
    if (!document.getElementById(message.message_id)) $("#messages").prepend(messageItem(message));
  }
  $("#messages").scrollTop = $("#messages").scrollHeight;
}

async function arrive(presences) {
  const strangers = new Set();
  for (const { user_id, session_id, username } of presences) {
    if (!people.has(user_id)) {
      people.set(user_id, { username, sessions: new Set(), status: "" });
      strangers.add(user_id);
    }
    people.get(user_id).sessions.add(session_id);
  }
  showPeople();
  if (!strangers.size) return;
  const { presences: online = [] } = await server.ask("status_follow", { user_ids: [...strangers] });
  setStatuses(online);
  await loadRecords([...strangers]);
}

function leave(presences) {
  for (const { user_id, session_id } of presences) {
    const person = people.get(user_id);
    person?.sessions.delete(session_id);
    if (!person?.sessions.size) people.delete(user_id);
  }
  showPeople();
}

function setStatuses(presences) {
  const back = []; // after a game, which may have changed the record
  for (const { user_id, status = "" } of presences) {
    const person = people.get(user_id);
    if (!person) continue;
    if (person.status === "playing" && status !== "playing") back.push(user_id);
    person.status = status;
  }
  showPeople();
  if (back.length) loadRecords(back).catch(lost);
}

async function loadRecords(userIds) {
  const object_ids = userIds.map((user_id) => ({ collection: "ink", key: "record", user_id }));
  const { objects = [] } = await server.rest("POST", "/v2/storage", { object_ids });
  for (const { user_id, value } of objects) setRecord(user_id, JSON.parse(value));
}

function setRecord(userId, record) {
  const person = people.get(userId);
  if (person) person.record = record;
  showPeople();
}

function showPeople() {
  const mine = ([id]) => (id === server.userId ? 0 : 1);
  const items = [...people].sort((a, b) => mine(a) - mine(b) || a[1].username.localeCompare(b[1].username)).map(([id, person]) => {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = person.username + (id === server.userId ? " (you)" : "");
    const small = document.createElement("small");
    const wins = person.record?.wins ?? 0;
    small.textContent = person.status ? DOING[person.status] ?? person.status : wins ? `${wins} ${wins === 1 ? "win" : "wins"}` : DOING[""];
    item.append(name, small);
    return item;
  });
  $("#people").replaceChildren(...items);
}

function messageItem({ message_id, username, content, create_time }) {
  const item = document.createElement("li");
  item.id = message_id;
  const time = document.createElement("time");
  time.textContent = new Date(create_time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const name = document.createElement("b");
  name.textContent = username;
  item.append(time, name, " ", JSON.parse(content).text ?? "");
  return item;
}

$("#say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { text } = event.target.elements;
  if (!text.value.trim()) return;
  try {
    await server.ask("channel_message_send", { channel_id: channel, content: JSON.stringify({ text: text.value }) });
    text.value = "";
    $("#refused").textContent = "";
  } catch (error) {
    $("#refused").textContent = error.message;
  }
});

// --- finding an opponent

// find searches for an opponent of similar rating, and widens the search over
// time.
async function find() {
  if (match) leaveMatch();
  const mine = (search = new AbortController());
  setStatus("looking");
  card("searching", { "#width": "" });
  $("#cancel").onclick = () => {
    stopSearch();
    showLobby();
  };
  try {
    for (const width of WIDTHS) {
      const last = width === WIDTHS.at(-1);
      $("#width").textContent = last ? "Anybody will do now." : `Somebody within ${width} points of your rating would be best.`;
      const { ticket } = await server.ask("matchmaker_add", { min_count: 2, max_count: 2, query: "*", numeric_properties: { width } });
      await pause(last ? Infinity : TRY_MS, mine.signal);
      await server.ask("matchmaker_remove", { ticket }).catch(() => {}); // already removed if it matched
      if (mine.signal.aborted) return;
    }
  } catch (error) {
    if (!mine.signal.aborted) showLobby(error.message);
  }
}

function stopSearch() {
  search?.abort();
  search = null;
}

// pause waits for a time, or until the signal is aborted.
function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", resolve);
    if (ms !== Infinity) setTimeout(resolve, ms);
  });
}

function found(matchId) {
  stopSearch();
  if (document.hidden) document.title = "▶ Ink: your match begins";
  joinMatch(matchId);
}
document.addEventListener("visibilitychange", () => (document.title = "Ink"));

// --- the match

async function joinMatch(id) {
  match = { id, view: null };
  sessionStorage.match = id; // to return to after a reload
  setStatus("playing");
  try {
    await server.ask("match_join", { match_id: id });
  } catch (error) {
    if (error.code === undefined) return lost(error); // the match may still exist
    leaveMatch();
    showLobby("That match is over.");
  }
}

function leaveMatch() {
  server.ask("match_leave", { match_id: match.id }).catch(lost);
  match = null;
  delete sessionStorage.match;
  document.body.classList.remove("playing");
}

// showMatch applies a full view of the match.
function showMatch(view) {
  match.view = view;
  document.body.classList.add("playing");
  board.show(view);
  showScore(view.left);
  $("#leave").hidden = view.phase !== "playing";
  const other = view.players.find(({ userId }) => userId !== server.userId);
  switch (view.phase) {
    case "waiting":
      card("notice", { h2: `Waiting for ${other.username}` });
      break;
    case "countdown":
      break; // the countdown comes with the steps
    case "playing":
      card();
      break;
    case "over":
      showResult(view, other);
      break;
  }
}

function showStep(step) {
  if (!match.view) return;
  board.step(step);
  showScore(step.left);
  if (match.view.phase === "countdown") {
    card("notice", { h2: Math.ceil(step.left / match.view.tickRate) });
    $("#card").classList.add("count");
  }
}

function showScore(left) {
  const { players, phase, tickRate, width, height } = match.view;
  const shares = board.shares().map((cells) => (100 * cells) / (width * height));
  ["one", "two"].forEach((seat, i) => {
    const { userId, username, here } = players[i];
    const name = $(`.name.${seat}`);
    name.textContent = `${Math.round(shares[i])} % ${username}${userId === server.userId ? " (you)" : here ? "" : " (away)"}`;
    name.classList.toggle("away", !here);
    $(`#bar .${seat}`).style.width = `${shares[i]}%`;
  });
  $("#clock").textContent = phase === "playing" ? Math.ceil(left / tickRate) : "";
}

function showResult({ result, players }, other) {
  const verdict = result.winner === server.userId ? "You win" : result.winner ? `${other.username} wins` : "A draw";
  const details = { score: "", "gave up": result.winner === server.userId ? `${other.username} gave up.` : "You gave up.", "nobody came": `${other.username} did not come.` };
  players.forEach(({ userId }, i) => result.records && setRecord(userId, result.records[i]));
  card("result", { h2: result.why === "nobody came" ? "No match" : verdict, ".detail": details[result.why], ".record": recordText() });
  $("#again").onclick = find;
  $("#back").onclick = () => {
    leaveMatch();
    showLobby();
  };
}

function turn(direction) {
  if (match?.view?.phase === "playing") server.sendMatch(match.id, TURN, { turn: direction });
}

$("#leave").onclick = () => server.sendMatch(match.id, GIVE_UP, {});

document.addEventListener("keydown", (event) => {
  if (match?.view?.phase !== "playing" || event.target.matches("input") || !(event.code in KEYS)) return;
  event.preventDefault();
  if (!event.repeat) turn(KEYS[event.code]);
});

// A swipe turns the runner; direction changes within one swipe count too.
let swipe = null;
$("#board").addEventListener("pointerdown", ({ clientX, clientY }) => (swipe = { x: clientX, y: clientY, turn: -1 }));
document.addEventListener("pointerup", () => (swipe = null));
document.addEventListener("pointermove", ({ clientX, clientY }) => {
  if (!swipe) return;
  const [dx, dy] = [clientX - swipe.x, clientY - swipe.y];
  if (Math.hypot(dx, dy) < 18) return;
  const direction = Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? 0 : 2) : dy > 0 ? 1 : 3;
  if (direction !== swipe.turn) turn(direction);
  swipe = { x: clientX, y: clientY, turn: direction };
});

// --- the card over the board

function showLobby(problem = "") {
  board.rest();
  setStatus("");
  card("welcome", { ".record": problem || recordText() });
  $("#find").onclick = find;
}

function recordText() {
  const record = people.get(server.userId)?.record;
  if (!record) return "";
  return `${record.wins} won, ${record.losses} lost${record.draws ? `, ${record.draws} drawn` : ""} · rating ${record.rating}`;
}

// card shows a template in the card, with texts by selector; without a
// template it hides the card.
function card(template, texts = {}) {
  const element = $("#card");
  element.className = "";
  element.replaceChildren(template ? $(`#${template}`).content.cloneNode(true) : "");
  for (const [selector, text] of Object.entries(texts)) element.querySelector(selector).textContent = text;
}

function setStatus(status) {
  server.ask("status_update", { status }).catch(lost);
}

start();
