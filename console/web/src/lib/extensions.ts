// What the game adds to the console: pages of its own, in the folder console among its
// modules.
import { signal } from "@preact/signals";
import { get } from "./api";

export interface GamePage {
  title: string;
  path: string; // relative to the console's address
}

export const gamePages = signal<GamePage[]>([]);

// loadExtensions asks for them.
export async function loadExtensions(): Promise<void> {
  gamePages.value = (await get<{ pages?: GamePage[] }>("extensions")).pages ?? [];
}
