// The room: all made-up players of this tab and their time line. They stay connected while
// other pages are shown.
import { effect, signal } from "@preact/signals";
import { get } from "../lib/api";
import { operator, token } from "../lib/session";
import { type Account, Player, type Server } from "./player";
import { Timeline } from "./timeline";

export const maxPlayers = 16;

export const players = signal<Player[]>([]);
export const timeline = new Timeline();

// listed are the matches that somebody listed or that an RPC returned.
export const listed = signal<string[]>([]);

export function suggest(ids: string[]): void {
  listed.value = [...new Set([...ids, ...listed.peek()])].slice(0, 100);
}

let server: Promise<Server> | null = null;

function settings(): Promise<Server> {
  server ??= get<{ server_key: string }>("client").then((s) => ({ base: new URL("client/", document.baseURI).href, key: s.server_key }));
  server.catch(() => (server = null));
  return server;
}

// accountOf is the account that a player gets unless told. It is the same each time, so
// that there are not ever more accounts.
export function accountOf(number: number): Account {
  const who = (operator.peek()?.username ?? "").replace(/[^\w.-]/g, "-");
  return { kind: "custom", id: `playground-${who}-${number}`, username: `play-${who}-${number}` };
}

// addPlayer adds a player that is not connected.
export async function addPlayer(account?: Account): Promise<Player> {
  const s = await settings();
  const used = new Set(players.peek().map((p) => p.number));
  let number = 1;
  while (used.has(number)) number++;
  if (number > maxPlayers) throw new Error(`There are ${maxPlayers} players already.`);
  const player = new Player(number, account ?? accountOf(number), s, timeline);
  players.value = [...players.peek(), player].sort((a, b) => a.number - b.number);
  return player;
}

// replace gives a player another account.
export async function replace(old: Player, account: Account): Promise<void> {
  const s = await settings();
  old.drop();
  players.value = players.peek().map((p) => (p === old ? new Player(old.number, account, s, timeline) : p));
}

export function removePlayer(player: Player): void {
  player.drop();
  players.value = players.peek().filter((p) => p !== player);
}

// twoInAMatch puts the first two players into a new match.
export async function twoInAMatch(): Promise<void> {
  while (players.peek().length < 2) await addPlayer();
  const [one, two] = players.peek() as [Player, Player];
  await Promise.all([one.connect(), two.connect()]);
  const { match_id } = await one.send("match_create", {});
  await two.send("match_join", { match_id });
}

// Whoever signs out takes the players along.
effect(() => {
  if (token.value) return;
  for (const p of players.peek()) removePlayer(p);
  timeline.clear();
  listed.value = [];
  server = null;
});
