import { type User, logIn } from "./server";
import { field, useWork } from "./useWork";

export function Login({ onLogin }: { onLogin: (user: User) => void }) {
  const [run, error] = useWork();
  const submit = (form: FormData) => run(logIn(field(form, "name"), field(form, "password")).then(onLogin));
  return (
    <main className="login">
      <h1>Boards</h1>
      <form action={submit}>
        <input name="name" aria-label="name" placeholder="ann" required />
        <input name="password" aria-label="password" type="password" placeholder="swordfish" required />
        <button>Log in</button>
      </form>
      <p className="error" role="alert">
        {error}
      </p>
    </main>
  );
}
