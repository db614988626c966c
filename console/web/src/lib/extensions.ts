// What there is beside the console itself: pages of the game's own, in the folder console
// among its modules, and a Satori server.
import { signal } from "@preact/signals";
import { get } from "./api";

export interface GamePage {
  title: string;
  path: string; // relative to the console's address
}

export const gamePages = signal<GamePage[]>([]);

// satori says whether there is a Satori server.
export const satori = signal(false);

// loadExtensions asks for them.
export async function loadExtensions(): Promise<void> {
  const extensions = await get<{ pages?: GamePage[]; satori: boolean }>("extensions");
  gamePages.value = extensions.pages ?? [];
  satori.value = extensions.satori;
}
