// What the scripts that drive several players share.
import { Client } from "@heroiclabs/nakama-js";
import { WebSocketAdapterPb } from "@heroiclabs/nakama-js-protobuf";
import WebSocket from "ws";

globalThis.WebSocket ??= WebSocket;

export const [port, format] = process.argv.slice(2);
export const client = new Client("defaultkey", "127.0.0.1", port, false);
export const tag = `${format}${Date.now()}`;

export async function player(name) {
  const session = await client.authenticateDevice(`device-${name}-${tag}`, true, `${name}_${tag}`);
  const socket = client.createSocket(false, false, format === "protobuf" ? new WebSocketAdapterPb() : undefined);
  await socket.connect(session, true);
  return { name, session, socket, id: session.user_id };
}

// next resolves with the next event of a kind that is accepted.
export function next(who, event, accept = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${who.name} got no ${event}`)), 10_000);
    who.socket[event] = (value) => {
      if (!accept(value)) return;
      clearTimeout(timer);
      resolve(value);
    };
  });
}
