// The game on `useAgent` of the npm package `agents`, with the types that the server's program writes.

import { useAgent } from "agents/react";
import { useCallback, useState } from "react";

import { type PlayProps, show } from "./App";
import { Table, type TableProps } from "./Table";
import type { BoardGame, Game, Permissions } from "./agents/agents";
import { useToasts } from "./toasts";

function Play({ name, table }: PlayProps) {
  const [toasts, toast] = useToasts();
  const [permissions, setPermissions] = useState<Permissions | null>(null);
  const [status, setStatus] = useState<TableProps["status"]>("connecting");

  const agent = useAgent<BoardGame, Game>({
    agent: "BoardGame",
    name: table,
    query: { name },
    minReconnectionDelay: 300,
    maxReconnectionDelay: 5_000,
    // Called after each connect: the first one and each reconnect.
    onIdentity: () => {
      setStatus("open");
      void ask();
    },
    onClose: () => setStatus((now) => (now === "refused" ? now : "lost")),
    onConnectionError: ({ code, reason }) => {
      setStatus("refused");
      toast(`refused: ${code} ${reason}`);
    },
    onStateUpdateError: toast,
  });

  const ask = () => agent.stub.getMyPermissions().then(setPermissions, () => setPermissions(null));
  const attempt = useCallback(
    async (work: Promise<unknown>) => {
      try {
        await work;
        setPermissions(await agent.stub.getMyPermissions());
      } catch (error) {
        toast(error instanceof Error ? error.message : String(error));
      }
    },
    [agent, toast],
  );

  return (
    <Table
      status={status}
      game={agent.state}
      permissions={permissions}
      toasts={toasts}
      onClaim={(cell) => void attempt(agent.stub.claim(cell))}
      onPlay={() => void attempt(agent.stub.joinAsPlayer())}
      onWatch={() => void attempt(agent.stub.startSpectating())}
      onRestart={() => void attempt(agent.stub.restart())}
    />
  );
}

show(Play, "useAgent of agents/react");
