// Whether players may sign in.
import { signal } from "@preact/signals";
import { get } from "./api";
import type { Time } from "./types";

export interface Maintenance {
  active: boolean;
  message: string;
  start_time: Time;
  disconnect_time: Time;
  operator: string;
}

export const maintenance = signal<Maintenance | null>(null);

// loadMaintenance asks whether there is maintenance.
export async function loadMaintenance(): Promise<void> {
  maintenance.value = await get<Maintenance>("maintenance");
}
