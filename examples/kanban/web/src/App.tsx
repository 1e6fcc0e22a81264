import { useEffect, useState } from "react";

import { LobbyPage } from "./LobbyPage";
import { Login } from "./Login";
import { type User, logOut, me } from "./server";

export function App() {
  const [user, setUser] = useState<User | undefined>();
  const [asked, setAsked] = useState(false);

  useEffect(() => {
    void me()
      .then(setUser)
      .finally(() => setAsked(true));
  }, []);

  if (!asked) return null;
  if (!user) return <Login onLogin={setUser} />;
  return <LobbyPage user={user} onLogout={() => void logOut().then(() => setUser(undefined))} />;
}
