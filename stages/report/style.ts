/** The style sheet of the report: light and dark, phone, desktop and paper. No font or picture is fetched. */

/** How many series have a colour of their own; later ones repeat the colours with another dash. */
export const SERIES_COLORS = 8;

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1b1f24; --soft: #59626d; --rule: #d8dde3; --panel: #f6f8fa; --link: #0b5cad;
  --warn: #7a4b00; --warn-page: #fff4dc; --warn-rule: #e0a430;
  --c0: #3d4650; --c1: #0072b2; --c2: #c2500a; --c3: #00795b; --c4: #a8447f; --c5: #7d6608; --c6: #5e4fb8; --c7: #8c2d19;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --ink: #e6e9ed; --soft: #a0a9b4; --rule: #343b44; --panel: #1c2026; --link: #7fb8f0;
    --warn: #ffd68a; --warn-page: #33270f; --warn-rule: #a87a1c;
    --c0: #c3cad2; --c1: #56b4e9; --c2: #f5924a; --c3: #37c79d; --c4: #e795c3; --c5: #e3c84a; --c6: #b3a8ff; --c7: #f2897a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 72rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif;
  overflow-wrap: break-word;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; text-wrap: balance; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 3rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
p, ul { max-width: 46rem; margin: .5rem 0; }
ul { padding-left: 1.2rem; }
a { color: var(--link); }
code, pre { font: .85em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
pre { background: var(--panel); padding: .75rem; border-radius: 6px; overflow-x: auto; }
.lead { color: var(--soft); margin: 0; }
nav { margin: 1rem 0 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.warning {
  margin: 1.25rem 0; padding: .75rem 1rem; color: var(--warn); background: var(--warn-page);
  border: 1px solid var(--warn-rule); border-left-width: 5px; border-radius: 4px;
}
.warning p, .warning ul { margin: .25rem 0; }
.warning li + li { margin-top: .4rem; }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.caption { color: var(--soft); font-size: .875rem; line-height: 1.45; margin: 1.25rem 0 0; }
.caption b { color: var(--ink); }
.caption + .scroll { margin-top: .35rem; }
th, td { padding: .35rem .75rem; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; }
thead th { vertical-align: bottom; border-bottom: 2px solid var(--soft); }
tbody th { font-weight: 400; white-space: normal; }
td.number, th.number { text-align: right; white-space: nowrap; }
tr.group th { font-weight: 600; background: var(--panel); }
th { white-space: nowrap; }
th .label { display: block; max-width: 11rem; white-space: normal; margin-left: auto; font-weight: 400; font-size: .75rem; line-height: 1.25; color: var(--soft); overflow-wrap: anywhere; }
.headline td.number, .headline th.number { padding-left: 1.75rem; }
td .interval { display: inline-block; width: 5.3rem; margin-left: .5rem; font-size: .75rem; color: var(--soft); }
.headline.dense td.number, .headline.dense th.number { padding-left: .75rem; }
.headline.dense .interval { display: block; width: auto; margin: 0; }
td.best { font-weight: 700; }
td.best .interval { font-weight: 400; }
.cascade td { white-space: nowrap; }
.cascade td .interval { display: block; width: auto; margin: 0; }
figure { margin: 1.25rem 0 2rem; }
figcaption { max-width: 46rem; font-size: .875rem; line-height: 1.45; color: var(--soft); margin-top: .5rem; }
figcaption b { color: var(--ink); }
.panels { display: grid; gap: 1.25rem 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
svg .count { font-size: 10px; fill: var(--ink); }
svg .cell { stroke: var(--rule); stroke-width: .5; }
.panels.wide { grid-template-columns: 1fr; max-width: 44rem; }
.panels.single { max-width: 32rem; grid-template-columns: 1fr; }
svg { display: block; width: 100%; height: auto; color: var(--ink); }
svg text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; fill: var(--ink); }
svg .title { font-size: 12px; font-weight: 600; }
svg .tick { fill: var(--soft); font-size: 10.5px; }
svg .rule { stroke: var(--rule); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .end { fill: currentColor; font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.25rem; margin: .5rem 0 .75rem; padding: 0; list-style: none; max-width: none; font-size: .875rem; }
.legend li { display: flex; align-items: center; gap: .4rem; min-width: 0; }
.legend svg { color: inherit; flex: none; width: 34px; height: 12px; }
.legend span { color: var(--ink); min-width: 0; overflow-wrap: anywhere; }
.s0 { color: var(--c0); } .s1 { color: var(--c1); } .s2 { color: var(--c2); } .s3 { color: var(--c3); }
.s4 { color: var(--c4); } .s5 { color: var(--c5); } .s6 { color: var(--c6); } .s7 { color: var(--c7); }
.samples { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
.images { display: grid; gap: 1.5rem 2rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); }
.sheet { display: grid; grid-template-columns: 7.5rem 1fr; gap: .2rem .6rem; align-items: center; break-inside: avoid; }
.sheet img { display: block; width: 100%; height: auto; image-rendering: pixelated; }
.sheet .picture { width: 3.4rem; border: 1px solid var(--rule); }
.sheet .name { font-size: .75rem; line-height: 1.2; color: var(--soft); min-width: 0; }
.sheet .name b { display: block; color: var(--ink); font-weight: 600; }
.classes { display: grid; font-size: .75rem; line-height: 1.1; text-align: center; color: var(--soft); }
.classes span { min-width: 0; padding: 0 1px; overflow: hidden; text-overflow: ellipsis; }
.classes.long span { writing-mode: vertical-rl; justify-self: center; align-self: end; transform: rotate(180deg); max-height: 7rem; white-space: nowrap; }
.classes .true { color: var(--ink); font-weight: 700; text-decoration: underline; text-underline-offset: 2px; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
@media (max-width: 40rem) {
  body { padding-top: 1rem; }
  h1 { font-size: 1.4rem; }
  th, td { padding: .3rem .5rem; }
  th { white-space: normal; }
  td .interval { display: block; width: auto; margin: 0; }
  .headline td.number, .headline th.number { padding-left: .5rem; }
  .sheet { grid-template-columns: 1fr; }
  .sheet .name b { display: inline; }
  .sheet .name { margin-top: .25rem; }
}
@media print {
  :root {
    color-scheme: light; --page: #ffffff; --ink: #000000; --soft: #444444; --rule: #cccccc; --panel: #f4f4f4; --link: #000000;
    --warn: #000000; --warn-page: #ffffff; --warn-rule: #000000;
    --c0: #3d4650; --c1: #0072b2; --c2: #c2500a; --c3: #00795b; --c4: #a8447f; --c5: #7d6608; --c6: #5e4fb8; --c7: #8c2d19;
  }
  html { font-size: 13px; }
  body { font-size: 1rem; max-width: none; padding: 0; }
  nav { display: none; }
  h2, h3 { break-after: avoid; }
  .panels > *, tr { break-inside: avoid; }
  .panels { grid-template-columns: 1fr 1fr; }
  .images { grid-template-columns: 1fr 1fr; gap: 1rem; }
  .scroll { overflow: visible; }
  th, td { padding: .25rem .4rem; white-space: normal; }
  td code, th code { overflow-wrap: anywhere; }
  .sheet { grid-template-columns: 1fr; }
  .sheet .name b { display: inline; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
