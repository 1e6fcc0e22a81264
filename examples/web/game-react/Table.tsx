// The view of the game: all data comes in as properties, and all clicks go out as callbacks.

import type { Game, Permissions } from "./agents/agents";
import type { Toast } from "./toasts";

export type TableProps = {
  status: "connecting" | "open" | "lost" | "refused";
  game: Game | undefined;
  permissions: Permissions | null;
  toasts: readonly Toast[];
  onClaim: (cell: number) => void;
  onPlay: () => void;
  onWatch: () => void;
  onRestart: () => void;
};

export function Table({ status, game, permissions, toasts, onClaim, onPlay, onWatch, onRestart }: TableProps) {
  const canEdit = permissions?.canEdit ?? false;
  const mode = permissions ? (canEdit ? "player" : "spectator") : "unknown";
  const seatOf = (owner: string | null) => game?.players.findIndex(({ id }) => id === owner) ?? -1;
  return (
    <main data-testid="table" data-status={status} data-mode={mode}>
      <section className="panel">
        <div className="board">
          {game?.cells.map((owner, cell) => (
            <button
              key={cell}
              type="button"
              aria-label={`cell ${cell}`}
              data-testid={`cell-${cell}`}
              data-owner={owner ? seatOf(owner) : undefined}
              onClick={() => onClaim(cell)}
            />
          ))}
        </div>
      </section>
      <aside className="panel">
        <header>
          <span className="dot" />
          <h2 data-testid="mode">{mode}</h2>
          <span className="soft">{status}</span>
        </header>
        <div className="row">
          <button className="main" type="button" disabled={!permissions || canEdit} onClick={onPlay}>
            Play
          </button>
          <button type="button" disabled={!canEdit} onClick={onWatch}>
            Watch
          </button>
          <button type="button" disabled={!canEdit} onClick={onRestart}>
            New game
          </button>
        </div>
        <ol className="seats" aria-label="players" data-testid="seats">
          {game?.players.map(({ id, name }, seat) => (
            <li key={id}>
              <span data-owner={seat} /> {name}
              {id === permissions?.connectionId && " (you)"}
            </li>
          ))}
        </ol>
        <ul className="toasts" role="status" data-testid="toasts">
          {toasts.map(({ key, text }) => (
            <li key={key}>{text}</li>
          ))}
        </ul>
      </aside>
    </main>
  );
}
