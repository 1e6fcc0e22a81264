// Visits the chat room of the examples with the generated types. This file is compiled and then run.

import type { AgentClient } from "agents/client";

import { agents } from "./chat/agents.js";
import type { ChatRoom, Event, Post, Room } from "./chat/agents.js";

export const name: "chat-room" = agents.ChatRoom.name;

export interface Visit {
  posts: Post[];
  topic: string | undefined;
  heard: Event[];
}

export async function talk(room: AgentClient<ChatRoom, Room>): Promise<Visit> {
  const heard: Event[] = [];
  room.addEventListener("message", ({ data }: MessageEvent) => {
    const event = JSON.parse(data) as Event | { type: `cf_agent_${string}` };
    if (event.type === "message") {
      heard.push(event);
    }
  });
  await room.call("post", ["one"]);
  await room.stub.post("two");
  await room.stub.setTopic("greetings");
  const posts: Post[] = await room.call("history");
  const last: Post[] = await room.stub.history(1);
  const same: Post[] = await room.call("history", [null]);
  if (last[0]?.body !== posts[1]?.body || same.length !== posts.length) {
    throw new Error("the history is not one");
  }
  return { posts, topic: room.state?.topic, heard };
}
