// Requests beside the WebSocket: the login and files.

import type { FileInfo } from "./agents/agents";

export interface User {
  name: string;
}

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T;
  const body = (await response.json().catch(() => ({}))) as { message?: string };
  throw new Error(body.message ?? response.statusText);
}

/** Returns the user of the session; `undefined` without one. */
export async function me(): Promise<User | undefined> {
  const response = await fetch("/me");
  return response.status === 401 ? undefined : answer<User>(response);
}

export async function logIn(name: string, password: string): Promise<User> {
  const headers = { "content-type": "application/json" };
  return answer(await fetch("/login", { method: "POST", headers, body: JSON.stringify({ name, password }) }));
}

export async function logOut(): Promise<void> {
  await fetch("/logout", { method: "POST" });
}

/** Uploads a file to a card, or without a card for an import. */
export async function upload(board: string, file: File, card?: number): Promise<FileInfo> {
  const query = new URLSearchParams({ name: file.name, ...(card !== undefined && { card: String(card) }) });
  return answer(await fetch(`/agents/board/${board}/files?${query}`, { method: "POST", body: file }));
}

export const fileUrl = (board: string, file: number) => `/agents/board/${board}/files/${file}`;
