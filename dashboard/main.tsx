import { render } from 'preact';
import { App } from './app.tsx';
import { listen, live } from './live.ts';
import { followLinks } from './path.ts';

const FIRST_WORD_MS = 2_000;

/** What came with the page stays until there is something newer. */
async function firstWord(): Promise<void> {
  const began = performance.now();
  while (live.get().link === 'joining' && performance.now() - began < FIRST_WORD_MS)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

followLinks();
listen();
await firstWord();
const app = document.getElementById('app');
if (app) {
  app.replaceChildren();
  render(<App />, app);
}
