// A small React application on `useAgent`: a counter that shows its rights.

import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { useAgent } from "agents/react";

function Counter({ name, query }) {
  const [notice, setNotice] = useState("");
  const [canEdit, setCanEdit] = useState(null);
  const [chunks, setChunks] = useState([]);
  const [servers, setServers] = useState(null);
  const [seen, setSeen] = useState(null);

  const agent = useAgent({
    agent: "TestCounter",
    name,
    query,
    minReconnectionDelay: 50,
    maxReconnectionDelay: 200,
    onStateUpdate: (state, source) => setSeen(`${source}:${state.count}`),
    onStateUpdateError: (error) => setNotice(error),
    onMcpUpdate: (mcp) => setServers(Object.keys(mcp.servers).length),
    onConnectionError: ({ code, reason }) => setNotice(`${code} ${reason}`),
  });

  useEffect(() => {
    agent.call("whoami").then(
      ({ readonly }) => setCanEdit(!readonly),
      () => setCanEdit(false),
    );
  }, [agent]);

  const attempt = (work) => work().catch((error) => setNotice(error.message));
  return (
    <main>
      <p data-testid="identified">{String(agent.identified)}</p>
      <p data-testid="name">{agent.name}</p>
      <p data-testid="count">{agent.state?.count ?? "no state"}</p>
      <p data-testid="seen">{seen}</p>
      <p data-testid="servers">{servers ?? "none yet"}</p>
      <p data-testid="notice">{notice}</p>
      <p data-testid="chunks">{chunks.join(" ")}</p>
      <button
        data-testid="increment"
        disabled={!canEdit}
        onClick={() => attempt(() => agent.call("increment"))}
      >
        increment
      </button>
      <button
        data-testid="try"
        onClick={() => attempt(() => agent.stub.increment())}
      >
        increment without asking
      </button>
      <button
        data-testid="push"
        onClick={() => agent.setState({ count: 100 })}
      >
        push 100
      </button>
      <button
        data-testid="stream"
        onClick={() =>
          attempt(async () => {
            const result = await agent.call("streamNumbers", [4], {
              stream: { onChunk: (n) => setChunks((all) => [...all, n]) },
            });
            setChunks((all) => [...all, `= ${result}`]);
          })
        }
      >
        stream
      </button>
    </main>
  );
}

const root = createRoot(document.body.appendChild(document.createElement("div")));

window.test = {
  mount: (props) => root.render(<Counter {...props} />),
  unmount: () => root.render(<p data-testid="gone">gone</p>),
};
