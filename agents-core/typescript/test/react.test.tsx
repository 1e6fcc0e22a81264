// @vitest-environment jsdom
// The hook in React, against a real server.

import { act, Component, type ReactNode, StrictMode, Suspense, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { type AgentError, connect } from "../src/client.js";
import { type UseAgentOptions, type UsedAgent, useAgent } from "../src/react.js";
import { Server, uniqueName, until } from "./server.js";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

// Sockets cause updates outside of `act`.
const { error } = console;
console.error = (text: unknown, ...rest: unknown[]) => {
  if (!String(text).includes("was not wrapped in act")) error(text, ...rest);
};

let server: Server;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  server = await Server.start();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => server.stop());

const FAST = { minReconnectDelay: 20, maxReconnectDelay: 200 };

/** Renders into a page of its own. */
async function render(content: ReactNode) {
  const container = document.body.appendChild(document.createElement("div"));
  const root = createRoot(container);
  let mounted = true;
  const unmount = async () => {
    if (mounted) await act(async () => root.unmount());
    mounted = false;
  };
  ends.push(unmount);
  await act(async () => root.render(content));
  return {
    text: () => container.textContent,
    rerender: (content: ReactNode) => act(async () => root.render(content)),
    unmount,
  };
}

/** Waits until a condition holds. React applies updates when an `act` ends, so each step of the wait is an `act`. */
const settled = (condition: () => unknown, what?: string) =>
  until(async () => {
    await act(() => new Promise((resolve) => setTimeout(resolve, 10)));
    return condition();
  }, what);

/** Returns a client with which the test observes the agent from outside. */
function observer(name: string, at: Server = server) {
  const client = connect("TestCounter", name, { host: at.host, ...FAST });
  ends.push(() => client.close());
  return client;
}

type Props = { name: string; at?: Server; label?: string; see?: (agent: UsedAgent<"TestCounter">) => void } & UseAgentOptions;

function Counter({ name, at = server, label = "", see, ...options }: Props) {
  const agent = useAgent("TestCounter", name, { host: at.host, ...FAST, ...options });
  see?.(agent);
  return (
    <p>
      {label}
      {agent.status}:{agent.state?.count ?? "none"};
    </p>
  );
}

class Boundary extends Component<{ children: ReactNode }, { error?: AgentError }> {
  override state: { error?: AgentError } = {};
  static getDerivedStateFromError(error: AgentError) {
    return { error };
  }
  override render() {
    return this.state.error ? `failed: ${this.state.error.code}` : this.props.children;
  }
}

test("S110 the hook renders status and state, and renders again when they change", async () => {
  const name = uniqueName();
  let agent!: UsedAgent<"TestCounter">;
  const page = await render(<Counter name={name} see={(seen) => (agent = seen)} />);
  expect(page.text()).toBe("connecting:none;");
  await settled(() => page.text() === "open:0;");
  await act(() => agent.increment());
  expect(page.text()).toBe("open:1;");
  await observer(name).increment();
  await settled(() => page.text() === "open:2;");
  // A rendering keeps its values, and the client has the newest ones.
  const before = agent;
  await act(() => agent.increment());
  expect([before.state?.count, agent.state?.count, before.client.state?.count]).toEqual([2, 3, 3]);
  expect(agent.client).toBe(before.client);
  expect(agent.increment).toBe(before.increment);
});

test("StrictMode makes one socket, and an unmount closes it", async () => {
  const name = uniqueName();
  const watching = observer(name);
  let effects = 0;
  function Twice() {
    const { client } = useAgent("TestCounter", name, { host: server.host, ...FAST });
    useEffect(() => void (effects += 1), [client]);
    return null;
  }
  const page = await render(
    <StrictMode>
      <Twice />
    </StrictMode>,
  );
  expect(effects).toBe(2);
  await settled(async () => (await watching.connectionIds()).length === 2);
  // A second socket would be open by now.
  await act(() => watching.slow(100));
  expect((await watching.connectionIds()).length).toBe(2);
  await page.unmount();
  await settled(async () => (await watching.connectionIds()).length === 1, "the end of the socket");
});

test("components with the same agent and options share one connection, others do not", async () => {
  const name = uniqueName();
  const watching = observer(name);
  const page = await render(
    <>
      <Counter name={name} />
      <Counter name={name} />
      <Counter name={name} query={{ mode: "view" }} />
    </>,
  );
  await settled(() => page.text() === "open:0;open:0;open:0;");
  expect((await watching.connectionIds()).length).toBe(3);
  await page.rerender(<Counter name={name} />);
  await settled(async () => (await watching.connectionIds()).length === 2, "the end of the viewer");
  expect(page.text()).toBe("open:0;");
});

test("another name or query is another connection", async () => {
  const [one, two] = [uniqueName(), uniqueName()];
  await observer(two).setCount(7);
  const page = await render(<Counter name={one} />);
  await settled(() => page.text() === "open:0;");
  await page.rerender(<Counter name={two} />);
  await settled(() => page.text() === "open:7;");
  const watching = observer(one);
  await settled(async () => (await watching.connectionIds()).length === 1, "the end of the first");
});

test("a query function is called again when its dependencies change, and not otherwise", async () => {
  const name = uniqueName();
  const asked: string[] = [];
  const counter = (user: string) => (
    <Counter name={name} query={async () => (asked.push(user), { user })} queryDeps={[user]} />
  );
  const page = await render(counter("ann"));
  await settled(() => page.text() === "open:0;");
  await page.rerender(counter("ann"));
  await page.rerender(counter("ann"));
  expect(asked).toEqual(["ann"]);
  await page.rerender(counter("ben"));
  await settled(() => page.text() === "open:0;" && asked.length === 2);
  expect(asked).toEqual(["ann", "ben"]);
});

test("with `suspense` the fallback shows until the agent has accepted the client", async () => {
  const name = uniqueName();
  let token!: (query: Record<string, string>) => void;
  const query = () => new Promise<Record<string, string>>((resolve) => (token = resolve));
  const page = await render(
    <StrictMode>
      <Suspense fallback="waiting">
        <Counter name={name} suspense query={query} />
      </Suspense>
    </StrictMode>,
  );
  expect(page.text()).toBe("waiting");
  await settled(() => token);
  expect(page.text()).toBe("waiting");
  await act(async () => token({}));
  await settled(() => page.text() === "open:0;");
  expect((await observer(name).connectionIds()).length).toBe(2);
});

test("S21 a refusal shows, and with `suspense` goes to the error boundary", async () => {
  const name = uniqueName();
  const page = await render(<Counter name={name} query={{ token: "bad" }} />);
  await settled(() => page.text() === "refused:none;");
  const silent = console.error;
  console.error = () => {};
  ends.push(() => (console.error = silent));
  const other = await render(
    <Boundary>
      <Suspense fallback="waiting">
        <Counter name={name} suspense query={{ token: "bad", n: 2 }} />
      </Suspense>
    </Boundary>,
  );
  await settled(() => other.text() === "failed: refused");
});

test("handlers are those of the last rendering", async () => {
  const name = uniqueName();
  const heard: string[] = [];
  const counter = (label: string) => (
    <Counter
      name={name}
      query={{ mode: "view" }}
      onStatus={(status) => heard.push(`${label} ${status}`)}
      onStateRejected={(error) => heard.push(`${label} ${error.code}`)}
      onMessage={(message) => heard.push(`${label} ${String(message)}`)}
      see={(seen) => (agent = seen)}
    />
  );
  let agent!: UsedAgent<"TestCounter">;
  const page = await render(counter("first"));
  await settled(() => page.text() === "open:0;");
  await page.rerender(counter("second"));
  await act(async () => agent.setState({ ...agent.state!, count: 5 }));
  await settled(() => heard.includes("second readonly"));
  await observer(name).broadcast("hello");
  await settled(() => heard.some((line) => line.startsWith("second") && line.includes("hello")));
  expect(heard[0]).toBe("first open");
  expect(page.text()).toBe("open:0;");
});

test("on a server the hook does not connect, and there is no state", () => {
  const name = uniqueName();
  expect(renderToString(<Counter name={name} />)).toContain("connecting");
});

test("fifty hooks reconnect after a crash, and show the same state", async () => {
  const own = await Server.start();
  ends.push(() => own.stop());
  const name = uniqueName();
  const agents: UsedAgent<"TestCounter">[] = [];
  const page = await render(
    <StrictMode>
      {Array.from({ length: 50 }, (_, n) => (
        <Counter key={n} name={name} at={own} query={{ n }} see={(agent) => (agents[n] = agent)} />
      ))}
    </StrictMode>,
  );
  await settled(() => page.text() === "open:0;".repeat(50));
  const pending = agents.map((agent) => agent.slow(60_000).then(() => "done", (error: AgentError) => error.code));
  await act(() => own.kill());
  expect(new Set(await act(() => Promise.all(pending)))).toEqual(new Set(["disconnected"]));
  await settled(() => page.text() === "lost:0;".repeat(50));
  const waiting = agents.map((agent) => agent.increment());
  await act(() => own.startAgain());
  await act(() => Promise.all(waiting));
  await settled(() => page.text() === "open:50;".repeat(50), "the same state everywhere");
}, 60_000);
