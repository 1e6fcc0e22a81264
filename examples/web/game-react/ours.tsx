// The game on the hook that the server's program writes, `types --react`.

import { useEffect, useState } from "react";

import { type PlayProps, show } from "./App";
import { Table } from "./Table";
import type { Permissions } from "./agents/agents";
import { useAgent } from "./agents/react";
import { useToasts } from "./toasts";

function Play({ name, table }: PlayProps) {
  const [toasts, toast] = useToasts();
  const [permissions, setPermissions] = useState<Permissions | null>(null);
  const game = useAgent("BoardGame", table, {
    query: { name },
    onStateRejected: (error) => toast(error.message),
    onStatus: (status, error) => {
      if (status === "refused") toast(`refused: ${error?.message}`);
    },
  });
  const { client, status } = game;

  // Called after each connect: the first one and each reconnect.
  useEffect(() => {
    if (status === "open") client.getMyPermissions().then(setPermissions, () => setPermissions(null));
  }, [client, status]);

  const attempt = async (work: Promise<unknown>) => {
    try {
      await work;
      setPermissions(await client.getMyPermissions());
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error));
    }
  };

  return (
    <Table
      status={status === "closed" ? "lost" : status}
      game={game.state}
      permissions={permissions}
      toasts={toasts}
      onClaim={(cell) => void attempt(game.claim(cell))}
      onPlay={() => void attempt(game.joinAsPlayer())}
      onWatch={() => void attempt(game.startSpectating())}
      onRestart={() => void attempt(game.restart())}
    />
  );
}

show(Play, "our own useAgent");
