/** Style sheet of the HTML report: light and dark by the reader's setting, and A4 when printed. */
export const reportStyle = `
:root { color-scheme: light dark; --ground: #fff; --text: #1f2328; --quiet: #59636e; --line: #d1d9e0; --mark: #fff8c5; --mark-line: #9a6700;
  --s0: #0969da; --s1: #bc4c00; --s2: #1a7f37; --s3: #8250df; --s4: #bf3989; --s5: #6e7781; --limit: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --text: #e6edf3; --quiet: #9198a1; --line: #3d444d; --mark: #3b2e00; --mark-line: #d29922;
  --s0: #58a6ff; --s1: #f0883e; --s2: #3fb950; --s3: #bc8cff; --s4: #f778ba; --s5: #9198a1; --limit: #ff7b72; } }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
.answer { font-size: 1.15rem; font-weight: 600; } .rest { font-size: 1rem; font-weight: 400; }
.simulated { background: var(--mark); border-left: 4px solid var(--mark-line); padding: .5rem .75rem; }
figure { margin: 1.25rem 0; }
figcaption, .data, caption { color: var(--quiet); font-size: .9rem; }
svg { width: 100%; height: auto; max-width: 52rem; font: 12px system-ui, sans-serif; }
svg text { fill: var(--text); } svg .title { font-size: 14px; font-weight: 600; } svg .tick { fill: var(--quiet); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); stroke-width: .5; } svg .axis { stroke: var(--quiet); }
svg .limit { stroke: var(--limit); stroke-dasharray: 6 4; } svg .limit-label { fill: var(--limit); }
svg polyline { fill: none; stroke: currentColor; stroke-width: 2; } svg .point { fill: currentColor; stroke: currentColor; stroke-width: 2; }
svg .hollow { fill: var(--ground); }
svg .legend { stroke: currentColor; stroke-width: 3; } svg .error { fill: none; stroke: currentColor; stroke-width: 1.5; }
svg .mark { stroke: var(--quiet); stroke-dasharray: 2 3; } svg .mark-label { fill: var(--quiet); paint-order: stroke; stroke: var(--ground); stroke-width: 4; }
svg .hatch { stroke: var(--limit); stroke-width: 1; opacity: .45; } svg .hatch-label, svg .failed-label { fill: var(--limit); paint-order: stroke; stroke: var(--ground); stroke-width: 4; }
svg .failed { stroke: var(--limit); stroke-width: 2; fill: none; }
svg .bar { fill: var(--s5); } svg .bar.best { fill: var(--s0); } svg .gain { fill: var(--s2); } svg .loss { fill: var(--limit); }
svg .no-gain { fill: none; stroke: var(--line); stroke-dasharray: 3 3; }
.series-0 { color: var(--s0); } .series-1 { color: var(--s1); } .series-2 { color: var(--s2); }
.series-3 { color: var(--s3); } .series-4 { color: var(--s4); } .series-5 { color: var(--s5); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .84rem; width: 100%; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { text-align: left; padding: .3rem .4rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } tbody th { min-width: 9rem; } td:last-child { min-width: 7.5rem; } td:nth-child(2):not(:last-child) { white-space: nowrap; } p, ul { max-width: 62rem; } th small { display: block; font-weight: 400; color: var(--quiet); }
.number { text-align: right; white-space: nowrap; } th.number { white-space: normal; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .5rem 0; } dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: color-mix(in srgb, var(--text) 6%, transparent); padding: .75rem; overflow-x: auto; font-size: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; margin: 1rem 0 .5rem; font-weight: 600; }
a { color: var(--s0); }
@page { size: A4; margin: 15mm; }
@media print { :root { --ground: #fff; --text: #000; --quiet: #444; --line: #bbb; --mark: #fff; --mark-line: #000;
  --s0: #0550ae; --s1: #953800; --s2: #116329; --s3: #6639ba; --s4: #99286e; --s5: #57606a; --limit: #a40e26; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } .wide { overflow: visible; } table { font-size: 6.8pt; } th, td { padding: .12rem .2rem; } tbody th { min-width: 5rem; } td:last-child { min-width: 4rem; } .number, td:nth-child(2) { white-space: normal !important; }
  figure, tr, li, dl { break-inside: avoid; } h2, h3 { break-after: avoid; } }
`;
