import { useEffect, useState } from "react";

import type { Member, Role } from "./agents/agents";
import type { AgentClient } from "./agents/client";
import { field, useWork } from "./useWork";

/** The members of a board, for its owners. */
export function Members({ board }: { board: AgentClient<"Board"> }) {
  const [run, error] = useWork();
  const [members, setMembers] = useState<Member[]>([]);
  const load = () => board.members().then(setMembers);
  const share = (user: string, role: Role | null) => run(board.share(user, role).then(load));
  useEffect(() => void run(load()), [board]);

  return (
    <section>
      <h2>Members</h2>
      <ul>
        {members.map(({ name, role }) => (
          <li key={name}>
            {name} <small>{role}</small> <button onClick={() => void share(name, null)}>Remove</button>
          </li>
        ))}
      </ul>
      <form action={(form) => share(field(form, "user"), field(form, "role") as Role)}>
        <input name="user" aria-label="a user" placeholder="bob" required />
        <select name="role" aria-label="a role" defaultValue="viewer">
          <option>viewer</option>
          <option>editor</option>
          <option>owner</option>
        </select>
        <button>Share</button>
      </form>
      <p className="error" role="alert">
        {error}
      </p>
    </section>
  );
}
