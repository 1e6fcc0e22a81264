// Uses the declarations of `types --js` as a program does. This file is compiled, and run without changes.

import { AgentError, connect, type AgentClient, type AgentStream } from "./agents/client.js";
import { agents, schemaHash, type ChatRoom, type Post } from "./agents/agents.js";

export async function visit(host: string, name: string, WebSocket?: unknown) {
  const room: AgentClient<"ChatRoom"> = connect("ChatRoom", name, { host, WebSocket, query: { username: "Ada" } });
  await room.ready;
  await room.post("one");
  const posts: Post[] = await room.history(5);
  const refused = await room.setTopic("news").catch((error: AgentError) => error.code);
  const topic: string | undefined = room.state?.topic;
  room.close();
  return { bodies: posts.map(({ body }) => body), refused, topic, ended: (await room.closed).code, schemaHash, agent: agents.ChatRoom.name };
}

export function refused(room: AgentClient<"ChatRoom">, methods: ChatRoom, words: AgentStream<string, number>) {
  void methods.post("a");
  // @ts-expect-error no such class
  connect("ChatRooms", "a");
  // @ts-expect-error a text is needed
  void room.post(1);
  // @ts-expect-error no such method
  void room.pots("a");
  // @ts-expect-error a chunk is a text
  void words.next().then(({ value }) => value?.toFixed());
}
