/** Shown instead of a page that has no token, or one that the server does not take. */
import { useState } from "preact/hooks";
import { rememberToken } from "./address.ts";
import type { Words } from "./words.ts";

export function TokenForm({ branch, words, refusal }: { branch: string; words: Words; refusal: number | null }) {
  const [token, setToken] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    if (!token.trim()) return;
    rememberToken(branch, token.trim());
    // A refused token in the fragment would win over the one just typed in.
    history.replaceState(null, "", location.pathname + location.search);
    location.reload();
  };
  return (
    <main class="token-form">
      <form onSubmit={submit}>
        <h1>{words.say("token.title")}</h1>
        <p>{words.say("token.explain", { branch })}</p>
        {refusal !== null && <p class="alert" role="alert">{words.say(words.has(`token.refused.${refusal}`) ? `token.refused.${refusal}` : "token.refused.4401")}</p>}
        <label for="token">{words.say("token.label")}</label>
        <input id="token" data-testid="token" type="password" autocomplete="off" spellcheck={false} value={token} onInput={(event) => setToken(event.currentTarget.value)} />
        <button class="primary" type="submit" data-testid="use-token">{words.say("token.use")}</button>
      </form>
    </main>
  );
}
