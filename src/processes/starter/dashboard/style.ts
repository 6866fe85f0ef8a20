import { createHash } from 'node:crypto';

/** The one style sheet; it stands inside the page, and the page's policy allows it by its hash alone. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --card: #fff; --back: #f6f8fa; --good: #1a7f37; --bad: #cf222e; --wait: #9a6700; --link: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f6fc; --soft: #9198a1; --line: #3d444d; --card: #151b23; --back: #0d1117; --good: #3fb950; --bad: #f85149; --wait: #d29922; --link: #4493f8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 72rem; margin: 0 auto; padding: 1rem 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0; } h3 { font-size: .95rem; margin: 1rem 0 .25rem; }
a { color: var(--link); } .soft { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.25rem; margin-bottom: 1rem; }
.head { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; }
.badge { border-radius: 999px; padding: 0 .6rem; font-size: .85rem; border: 1px solid currentColor; }
.good { color: var(--good); } .bad { color: var(--bad); } .wait { color: var(--wait); }
dl { display: flex; flex-wrap: wrap; gap: .5rem 1.75rem; margin: .75rem 0; }
dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
progress { width: 100%; height: .75rem; accent-color: var(--good); }
table { width: 100%; border-collapse: collapse; } th, td { text-align: left; padding: .3rem .5rem .3rem 0; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; font-size: .8rem; } td:last-child { width: 55%; }
code { font: .9em ui-monospace, monospace; }
form { display: flex; gap: .5rem; margin-top: 1rem; } input { flex: 1; } input, button { font: inherit; padding: .35rem .6rem; }
`;

const hash = createHash('sha256').update(STYLE).digest('base64');

/** Nothing is loaded, run or framed; forms go to us alone. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
