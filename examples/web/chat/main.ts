// A chat room with three members on one page, on the client that the command `types` makes.

import "../../shared/page.css";
import "./page.css";

import { element, panel } from "../shared/dom";
import type { Event, Presence } from "./agents/agents";
import { type AgentClient, connect } from "./agents/client";

const HINT_EVERY = 1_500;
const HINT_LASTS = 3_000;
const HEARTBEAT = 25_000;

const room = new URLSearchParams(location.search).get("room") || "lobby";
document.getElementById("agent")!.textContent = `/agents/chat-room/${room}`;

for (const { name, role } of [
  { name: "Ada", role: "member" },
  { name: "Ben", role: "admin" },
  { name: "Cyd", role: "member" },
]) {
  member(name, role);
}

function member(name: string, role: string) {
  const key = name.toLowerCase();
  const ui = panel(key, {
    panel: HTMLElement,
    "join-form": HTMLFormElement,
    name: HTMLInputElement,
    role: HTMLSelectElement,
    join: HTMLButtonElement,
    leave: HTMLButtonElement,
    presence: HTMLUListElement,
    "topic-form": HTMLFormElement,
    topic: HTMLInputElement,
    messages: HTMLSpanElement,
    log: HTMLOListElement,
    typing: HTMLDivElement,
    "post-form": HTMLFormElement,
    text: HTMLInputElement,
    "report-form": HTMLFormElement,
    "report-text": HTMLInputElement,
    "admin-log": HTMLOListElement,
    notice: HTMLDivElement,
  });
  ui.name.value = name;
  ui.role.value = role;

  let client: AgentClient<"ChatRoom">;
  let users: { [id: string]: Presence } = {};
  let lastHint = 0; // when the last typing hint was sent
  const typists = new Map<string, number>(); // connection id → the timer that removes the hint

  const notice = (text: string) => {
    ui.notice.textContent = text;
  };
  const refused = (what: string) => (error: Error) => notice(`${what}: ${error.message}`);
  const nameOf = (id: string) => users[id]?.name ?? "a member";

  const write = (list: HTMLElement, className: string, ...content: (Node | string)[]) => {
    list.append(element("li", { className }, ...content));
    list.scrollTop = list.scrollHeight;
  };
  const line = (user: string, text: string) => write(ui.log, "message", element("b", {}, user), ` ${text}`);
  const event = (text: string) => write(ui.log, "event", text);

  const showTyping = () => {
    const names = [...typists.keys()].map(nameOf);
    ui.typing.textContent = names.length ? `${names.join(", ")} ${names.length > 1 ? "are" : "is"} typing …` : "";
  };
  const stopTyping = (id: string) => {
    clearTimeout(typists.get(id));
    typists.delete(id);
    showTyping();
  };

  const showPresence = () => {
    const mine = client.connectionId;
    ui.presence.replaceChildren(
      ...Object.entries(users).map(([id, user]) => {
        const badge = user.role === "member" ? "" : ` · ${user.role}`;
        const title = `last seen ${new Date(user.lastSeen).toLocaleTimeString()}`;
        const chip = element("li", { className: id === mine ? "me" : "", title }, user.name + badge);
        chip.dataset.user = user.name;
        if (users[mine]?.role === "admin" && id !== mine) {
          const onclick = () => void client.remove(id).catch(refused("remove"));
          const remove = element("button", { type: "button", title: `Remove ${user.name}`, onclick }, "×");
          remove.dataset.testid = `${key}-remove-${user.name}`;
          chip.append(remove);
        }
        return chip;
      }),
    );
  };

  const receive = (event_: Event) => {
    switch (event_.type) {
      case "presence":
        users = event_.users;
        for (const id of typists.keys()) if (!users[id]) stopTyping(id);
        return showPresence();
      case "join":
        return event(`${event_.user} joined`);
      case "leave":
        return event(`${event_.user} left`);
      case "message":
        for (const id of typists.keys()) if (nameOf(id) === event_.user) stopTyping(id);
        return line(event_.user, event_.text);
      case "user-typing": {
        const { userId } = event_;
        clearTimeout(typists.get(userId));
        typists.set(userId, window.setTimeout(() => stopTyping(userId), HINT_LASTS));
        return showTyping();
      }
      case "report":
        return write(ui["admin-log"], "report", element("b", {}, event_.user), ` ${event_.text}`);
    }
  };

  // The answer contains all posts from before it, and later posts arrive after it. So the page can be
  // cleared, and no post is lost.
  const showHistory = async (username: string) => {
    const posts = await client.history(50);
    for (const old of ui.log.querySelectorAll(".message")) old.remove();
    const events = [...ui.log.children];
    for (const { author, body } of posts) line(author, body);
    ui.log.append(...events);
    event(`you are here as ${username}`);
  };

  const join = () => {
    notice("");
    ui.log.replaceChildren();
    const query: Record<string, string> = { role: ui.role.value };
    const username = ui.name.value.trim();
    if (username) query.username = username;
    client = connect("ChatRoom", room, { query });
    client.onStatus((status, error) => {
      const inside = status !== "closed" && status !== "refused";
      ui.panel.dataset.status = status;
      ui.name.readOnly = ui.role.disabled = inside;
      ui.join.hidden = inside;
      ui.leave.hidden = !inside;
      ui["admin-log"].hidden = !(inside && query.role === "admin");
      notice(error ? `${status === "refused" ? "refused" : "connection lost"}: ${error.message}` : "");
      if (status === "open") {
        showHistory(username).catch(refused("history"));
      } else {
        users = {};
        showPresence();
      }
    });
    client.subscribe(({ topic, messages }) => {
      ui.topic.value = topic;
      ui.messages.textContent = String(messages);
    });
    client.onMessage((message) => {
      if (typeof message === "string" && message.startsWith("{")) receive(JSON.parse(message) as Event);
    });
  };

  ui["join-form"].onsubmit = (submit) => {
    submit.preventDefault();
    if (!ui.join.hidden) join();
  };
  ui.leave.onclick = () => {
    client.close();
    event("you left");
  };
  ui["post-form"].onsubmit = (submit) => {
    submit.preventDefault();
    const text = ui.text.value;
    ui.text.value = "";
    lastHint = 0;
    notice("");
    client.post(text).catch(refused("post"));
  };
  ui["topic-form"].onsubmit = (submit) => {
    submit.preventDefault();
    notice("");
    client.setTopic(ui.topic.value).catch((error: Error) => {
      ui.topic.value = client.state?.topic ?? "";
      refused("topic")(error);
    });
  };
  ui["report-form"].onsubmit = (submit) => {
    submit.preventDefault();
    const text = ui["report-text"].value;
    ui["report-text"].value = "";
    notice("");
    client.report(text).catch(refused("report"));
  };

  ui.text.oninput = () => {
    if (client.status !== "open" || Date.now() - lastHint < HINT_EVERY) return;
    lastHint = Date.now();
    client.typing().catch(refused("typing"));
  };
  // The heartbeat of the presence list: the agent notes the time and answers "pong".
  setInterval(() => {
    if (client.status === "open") client.send("ping");
  }, HEARTBEAT);

  join();
}
