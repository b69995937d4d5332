/** The page's style. One hue, as in the editor; predictable text stays plain; the top two bands carry an underline as well. */
export const htmlStyle = `
:root { color-scheme: light dark; --hue: 130 80 223; --a1: .07; --a2: .13; --a3: .21; --a4: .31; --a5: .43; --fore: #1f1f1f; --back: #fff; --quiet: #5f5f5f; --line: #d8d8d8; }
@media (prefers-color-scheme: dark) {
  :root { --hue: 163 113 247; --a1: .12; --a2: .20; --a3: .30; --a4: .42; --a5: .58; --fore: #dcdcdc; --back: #1f1f1f; --quiet: #a0a0a0; --line: #3c3c3c; }
}
body { margin: 2rem auto; max-width: 62rem; padding: 0 1.25rem; background: var(--back); color: var(--fore); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.25rem; font-weight: 600; margin: 0 0 .25rem; overflow-wrap: anywhere; }
p { margin: 0 0 .75rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 0 0 .75rem; padding: 0; font-size: .85rem; }
dl { display: flex; flex-wrap: wrap; gap: .25rem 2rem; margin: 0; font-variant-numeric: tabular-nums; }
dt { color: var(--quiet); font-size: .8rem; }
dd { margin: 0; }
pre { margin: 1rem 0; padding: 1rem 0; border-block: 1px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; font: 15px/1.65 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
footer, .empty { color: var(--quiet); font-size: .8rem; }
.b1, .b2, .b3, .b4, .b5 { border-radius: 3px; }
.b1 { background: rgb(var(--hue) / var(--a1)); }
.b2 { background: rgb(var(--hue) / var(--a2)); }
.b3 { background: rgb(var(--hue) / var(--a3)); }
.b4 { background: rgb(var(--hue) / var(--a4)); text-decoration: underline dashed 2px rgb(var(--hue)); text-underline-offset: 3px; }
.b5 { background: rgb(var(--hue) / var(--a5)); text-decoration: underline solid 2px rgb(var(--hue)); text-underline-offset: 3px; }
.unscored { text-decoration: underline dotted 1px var(--quiet); text-underline-offset: 3px; }
.gap { outline: 1px dotted var(--quiet); }
.legend span { padding: 0 .25rem; }
pre span:hover { outline: 1px solid rgb(var(--hue)); border-radius: 3px; }
@media (forced-colors: active) { .b1, .b2, .b3 { text-decoration: underline dotted 1px; } .b4 { text-decoration: underline dashed 2px; } .b5 { text-decoration: underline solid 3px; } }
@media print { .b1, .b2, .b3, .b4, .b5 { print-color-adjust: exact; } }
`;
