// Uses the types of the chat room with the official clients. Each line that must not compile is marked.

import { AgentClient } from "agents/client";
import { useAgent } from "agents/react";

import type { ChatRoom, ChatRoomWrites, Event, Post, Room } from "./chat/agents.js";

const room = new AgentClient<ChatRoom, Room>({
  host: "127.0.0.1:8787",
  agent: "ChatRoom",
  name: "lobby",
  onStateUpdate: (state) => {
    const topic: string = state.topic;
    // @ts-expect-error the state has no such field
    state.title;
    return topic;
  },
});

export async function calls() {
  const posts: Post[] = await room.call("history", [10]);
  const reached: number = await room.stub.report("noise");
  const nothing: void = await room.stub.typing();
  room.setState({ topic: "tea", messages: 1 });
  // @ts-expect-error the state lacks a field
  room.setState({ topic: "tea" });
  // @ts-expect-error no such method
  await room.call("pots", ["hello"]);
  // @ts-expect-error a number is not a body
  await room.call("post", [1]);
  // @ts-expect-error the body is missing
  await room.call("post", []);
  // @ts-expect-error the body is missing
  await room.call("post");
  // @ts-expect-error one argument too many
  await room.call("post", ["hello", "again"]);
  // @ts-expect-error no such method
  await room.stub.pots("hello");
  // @ts-expect-error the body is missing
  await room.stub.post();
  // @ts-expect-error posts are not a text
  const text: string = await room.stub.history();
  return [posts, reached, nothing, text];
}

export async function Page() {
  const agent = useAgent<ChatRoom, Room>({ agent: "chat-room", onStateUpdate: ({ messages }) => messages + 1 });
  const posts: Post[] = await agent.stub.history();
  const topic: string | undefined = agent.state?.topic;
  await agent.call("post", ["hello"]);
  // @ts-expect-error a number is not a body
  await agent.call("post", [1]);
  // @ts-expect-error no such method
  await agent.stub.pots("hello");
  return [posts, topic];
}

export function told(event: Event): string {
  switch (event.type) {
    case "join":
    case "message":
    case "leave":
    case "report":
      return event.user;
    case "user-typing":
      return event.userId;
    case "presence":
      return Object.values(event.users).map(({ name, role }) => `${name} (${role})`).join();
  }
}

// @ts-expect-error nothing is marked
export const write: ChatRoomWrites = "post";
